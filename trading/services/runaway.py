"""The runaway brake: a strategy that speaks far more often than its bars allow is disabled, and told of once.

What it may place meanwhile is bound by its limits as ever. Bars bound a sane strategy to one entry for each of its
instruments at a moment; whoever speaks from outside may be a little more talkative.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from strategies.models import Strategy, StrategyState
from trading.models import Signal
from trading.services import strategies

WINDOW = timedelta(seconds=10)
MOST_SIGNALS = 20
"""Entries wanted within the window, beyond one for each instrument: more than that is a machine gone wild."""


def brake(strategy: Strategy, *, at: datetime) -> bool:
    """Disable a strategy that wants too many entries in ten seconds of wall clock and market time; tell whether.

    One that a rule has paused already stays paused. Publishes StrategyFailed, once: only a person starts it again.
    Runs with the account locked.
    """
    lately = Signal.objects.filter(strategy=strategy, created_at__gt=timezone.now() - WINDOW, at__gt=at - WINDOW)
    allowed = MOST_SIGNALS + len(strategy.instruments.all())
    n = lately.exclude(side="exit").count()
    if n < allowed:
        return False
    row = Strategy.objects.filter(pk=strategy.pk, state=StrategyState.RUNNING).first()
    if row is not None:
        seconds = int(WINDOW.total_seconds())
        reason = (
            f"Runaway: more than {allowed} entries wanted within {seconds} seconds. It is disabled until you start it"
        )
        strategies.fail_strategy(row, reason=reason, at=at)
    return True
