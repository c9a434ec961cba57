"""What backtests do when something happens: wake workers, tell whoever watches a job."""

from backtesting.tasks import work
from core.api.render import utc_text
from core.facts import Fact
from core.jobs import wake
from realtime import push, topics

MAX_WAKE_UPS = 16  # each worker that has done a chunk looks for the next one by itself


def wake_workers(fact: Fact) -> None:
    """Wake as many workers as there are chunks to do side by side."""
    for _ in range(min(int(fact.data["n_chunks"]), MAX_WAKE_UPS)):
        wake(work)


def push_progress(fact: Fact) -> None:
    """Tell the job's pages how far it is."""
    _push(fact)


def push_settled(fact: Fact) -> None:
    """Tell the job's pages, and its user's others, that it ended."""
    _push(fact)
    if fact.user_id is not None:
        push.send(topics.user_topic(fact.user_id), fact.name, {**fact.data, "at": utc_text(fact.at)})


def _push(fact: Fact) -> None:
    topic = topics.backtest_topic(fact.data["backtest_id"])
    push.send(topic, fact.name, {**fact.data, "at": utc_text(fact.at)})
