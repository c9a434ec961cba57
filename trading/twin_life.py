"""A strategy's life for its twin: since when it trades with its present settings, and until which bar it has come."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Max

from core.models import OutboxEvent
from portfolio.models import Account, EquityPoint
from preferences import selectors as preferences
from preferences.models import PreferenceVersion
from preferences.registry import Preferences
from strategies.models import Strategy
from trading.models import AccountCursor, Fill, Order, Signal

STARTED, UPDATED = "strategy.started", "strategy.configured"
_NAMES = (STARTED, UPDATED, "strategy.paused", "strategy.stopped", "strategy.failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """From when a strategy decides (market time) and since when that was so (wall clock), until when its bars went."""

    strategy: Strategy
    start_at: datetime
    began_at: datetime
    end_at: datetime
    equity: Decimal

    @property
    def preferences(self) -> Preferences:
        """The preferences in force when it began."""
        rows = PreferenceVersion.objects.filter(user_id=self.strategy.user_id, created_at__lte=self.began_at)
        version = rows.aggregate(version=Max("version"))["version"] or 0
        return preferences.whole_version(self.strategy.user_id, version).at(self.began_at)

    @property
    def account_id(self) -> UUID:
        """The account that it trades in."""
        return self.strategy.account_id


def life_of(strategy: Strategy) -> Life | None:
    """Return a strategy's life since it first started with its present settings; None: it never did.

    A reset of its account begins it anew.
    """
    start = _first_start(strategy)
    if start is None:
        return None
    account = strategy.account
    start_at, began_at = start.at, start.created_at
    if account.reset_at is not None and account.reset_at > began_at:
        began_at = account.reset_at
        start_at = max(start_at, market_moment(account, began_at) or start_at)
    before = EquityPoint.objects.filter(account=account, epoch=account.epoch, at__lte=start_at).order_by("-at")
    equity = before.values_list("equity", flat=True).first()
    return Life(
        strategy=strategy,
        start_at=start_at,
        began_at=began_at,
        end_at=_end(strategy, start_at),
        equity=account.starting_cash if equity is None else equity,
    )


def facts_of(strategy: Strategy) -> list[OutboxEvent]:
    """Return the facts of a strategy's starts, ends and settings, the oldest first."""
    rows = OutboxEvent.objects.filter(user_id=strategy.user_id, name__in=_NAMES, payload__strategy_id=str(strategy.pk))
    return list(rows.order_by("seq"))


def _first_start(strategy: Strategy) -> OutboxEvent | None:
    start, settings = None, None
    for fact in facts_of(strategy):
        if fact.name == UPDATED:
            told = {name: value for name, value in fact.payload.get("settings", {}).items() if name != "name"}
            start = start if told == settings else None
            settings = told
        elif fact.name == STARTED:
            start = start or fact
    return start


def _end(strategy: Strategy, start_at: datetime) -> datetime:
    """Return up to which bars its account's pipeline has come."""
    cursors = AccountCursor.objects.filter(
        account_id=strategy.account_id, instrument__in=strategy.instruments.all(), timeframe=strategy.timeframe
    )
    return max(start_at, min(cursors.values_list("close_at", flat=True), default=start_at))


def market_moment(account: Account, wall: datetime) -> datetime | None:
    """Return the newest market moment that an account had recorded by a wall-clock moment.

    Market time only grows: the last row of each kind tells it, which an index finds.
    """
    by_then = {"user_id": account.user_id, "account_id": account.pk, "created_at__lte": wall}
    points = EquityPoint.objects.filter(account_id=account.pk, created_at__lte=wall)
    newest = (
        points.order_by("-epoch", "-at").values_list("at"),
        Signal.objects.filter(**by_then).order_by("-created_at").values_list("at"),
        Order.objects.filter(**by_then).order_by("-created_at").values_list("market_at"),
        Fill.objects.filter(**by_then).order_by("-seq").values_list("at"),
    )
    found: list[datetime] = [at for rows in newest for (at,) in rows[:1]]
    return max(found, default=None)
