"""What the live tests of preferences stand on: a world driven through the API, with a strategy that runs."""

from typing import Any

from django.test import TestCase

from marketdata import replay_services as replays
from strategies.models import Strategy
from trading import pipeline
from trading.tests.api_scene import ApiScene

RISING = [100 + i * 0.5 for i in range(80)]
FALLING = [100 - i * 0.4 for i in range(80)]
WAVES = [100 + (i % 2) * 0.5 + (i % 3) * 0.2 for i in range(80)]
OTHER_WAVES = [100 + (i % 3) * 0.5 + (i % 7) * 0.1 for i in range(80)]


def put(api: ApiScene, category: str, **values: Any) -> Any:
    """Change preferences through the API; return the category after it."""
    answer = api.owner("put", f"/preferences/{category}/", values)
    assert answer.status_code == 200, answer.content
    return answer.json()


def play(api: ApiScene, n: int = 1) -> None:
    """Play bars through the pipeline, with all that follows from them."""
    for _ in range(n):
        with TestCase.captureOnCommitCallbacks(execute=True):
            replays.play(api.scene.replay())
        with TestCase.captureOnCommitCallbacks(execute=True):
            pipeline.run_account(api.scene.account.pk)


def make(api: ApiScene, kind: str = "buy_and_hold", **more: Any) -> Strategy:
    """Make a strategy that does not run yet."""
    return api.scene.strategy(kind, {}, **more)


def start(api: ApiScene, strategy: Strategy) -> Any:
    """Ask for a start; return the answer."""
    return api.owner("post", f"/strategies/{strategy.pk}/start/", {})


def running(api: ApiScene, kind: str = "buy_and_hold", **more: Any) -> Strategy:
    """Make a strategy, start it and play one bar."""
    strategy = make(api, kind, **more)
    assert start(api, strategy).status_code == 200
    play(api)
    return strategy


def signal(api: ApiScene, strategy: Strategy | None = None, **more: Any) -> dict[str, Any]:
    """Send a signal from outside; return its row."""
    body = {"symbol": api.scene.symbol, "side": "buy", **more}
    if strategy is not None:
        body["strategy"] = str(strategy.pk)
    answer = api.owner("post", "/signals/", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def reasons(order: Any, kind: str) -> list[str]:
    """Return the verdicts of one rule type in an order's decision."""
    return [each["verdict"] for each in order["decision"]["reasons"] if each["type"] == kind]
