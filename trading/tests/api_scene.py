"""A scene with API clients: every call runs what waits for its commit, as a server would."""

from dataclasses import dataclass
from typing import Any

from django.test import TestCase
from rest_framework.test import APIClient

from core.testing import ALL_SCOPES, api_client, make_user
from trading.tests.scene import Scene, make_scene

RISING = [100 + i * 0.5 for i in range(60)]
V1 = "/api/v1"


@dataclass
class Caller:
    """One user's way to the API."""

    client: APIClient

    def __call__(self, method: str, path: str, body: Any = None, **headers: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return getattr(self.client, method)(f"{V1}{path}", body, headers=headers or None)


def caller(user: Any = None, *, scopes: tuple[str, ...] = ALL_SCOPES) -> Caller:
    """Return a caller for a user (nobody without one) with these scopes."""
    return Caller(api_client(user, scopes=scopes))


@dataclass
class ApiScene:
    """The world, its owner's caller, and a stranger's."""

    scene: Scene
    owner: Caller
    stranger: Caller

    def order(self, **changes: Any) -> dict[str, Any]:
        """Return the body of a small market order, with changes; None takes a field away."""
        body = {
            "account": str(self.scene.account.pk),
            "symbol": self.scene.symbol,
            "side": "buy",
            "type": "market",
            "quantity": "10",
            **changes,
        }
        return {name: value for name, value in body.items() if value is not None}

    def place(self, **changes: Any) -> Any:
        """Place an order that must be taken; return its row's JSON."""
        answer = self.owner("post", "/orders/", self.order(**changes))
        assert answer.status_code == 201, answer.content
        return answer.json()


def make_api_scene(closes: list[float] | None = None) -> ApiScene:
    """Make a scene whose instrument has rising daily bars."""
    scene = make_scene(closes or RISING)
    return ApiScene(scene, caller(scene.user), caller(make_user()))
