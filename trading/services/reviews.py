"""Review of running strategies: one whose result falls below its user's threshold is paused, with the figures."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.fields import plain
from domain.errors import PlatformError
from marketdata import selectors as market
from portfolio import selectors as portfolio
from portfolio.models import Trade
from preferences import selectors as preferences
from preferences.categories import StrategyPreferences
from strategies.models import Strategy, StrategyState
from trading.models import StrategyRun
from trading.services.strategies import pause_strategy

logger = logging.getLogger(__name__)
ZERO = Decimal(0)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Review:
    """A strategy's result in a period: profit or loss (open positions included) and the most capital it had at work."""

    pnl: Decimal
    capital: Decimal
    n_trades: int

    @property
    def percent(self) -> Decimal | None:
        """The result in per cent of the capital; None where it used none."""
        return self.pnl / self.capital * HUNDRED if self.capital > 0 else None


def review_strategies() -> int:
    """Pause every running strategy that underperforms where its user wants that; return how many."""
    paused = 0
    running = Strategy.objects.filter(state=StrategyState.RUNNING).select_related("account").order_by("pk")
    for strategy in running:
        try:
            paused += review_strategy(strategy)
        except PlatformError:
            logger.exception("strategy %s could not be reviewed", strategy.pk)
    return paused


def review_strategy(strategy: Strategy) -> bool:
    """Pause a strategy when its result of the review period is below the threshold; return whether it was paused."""
    wishes = preferences.current(strategy.user_id).strategy
    if not wishes.auto_pause_underperforming:
        return False
    now = max(market.market_time(instrument) for instrument in strategy.instruments.all())
    period = timedelta(days=wishes.performance_review_period_days)
    run = StrategyRun.objects.filter(strategy=strategy).first()
    if run is None or now - run.decide_after < period:
        return False
    found = result_of(strategy, since=now - period)
    if found.percent is None or found.percent >= wishes.underperformance_threshold_percent:
        return False
    pause_strategy(strategy, by="the review", reason=_words(found.percent, found, wishes))
    return True


def _words(percent: Decimal, found: Review, wishes: StrategyPreferences) -> str:
    return (
        f"underperformance: {plain(round(percent, 2))} % in {wishes.performance_review_period_days} days "
        f"({found.n_trades} trades), below {plain(wishes.underperformance_threshold_percent)} %"
    )


def result_of(strategy: Strategy, *, since: datetime) -> Review:
    """Return a strategy's result since a market time: trades that ended since then, and what its positions show now."""
    rows = Trade.objects.filter(
        account=strategy.account, strategy_id=strategy.pk, position__epoch=strategy.account.epoch
    )
    ended = list(rows.filter(closed_at__gt=since))
    still = list(rows.filter(closed_at=None))
    positions = portfolio.positions_of(strategy.account).filter(strategy_id=strategy.pk)
    unrealized = sum((position.unrealized_pnl for position in positions), ZERO)
    pnl = sum((trade.pnl_net for trade in ended), ZERO) + unrealized
    return Review(pnl, _most_at_work([*ended, *still]), len(ended))


def _most_at_work(trades: list[Trade]) -> Decimal:
    """Return the largest sum of entry values in the market at the same time; a trade within one bar counts alone."""
    steps: list[tuple[datetime, int, Decimal]] = []
    for trade in trades:
        steps.append((trade.entry_at, 1, trade.entry_value))
        if trade.closed_at is not None:
            steps.append((trade.closed_at, 0, -trade.entry_value))
    most = max((trade.entry_value for trade in trades), default=ZERO)
    held = ZERO
    for _, _, value in sorted(steps, key=lambda step: step[:2]):
        held += value
        most = max(most, held)
    return most
