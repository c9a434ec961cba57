"""What the risk page reads of one account: headroom of every limit, exposure by instrument and by sector."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from domain.portfolio import AccountSnapshot, PositionView
from portfolio.models import Account
from risk import selectors as risk
from risk.headroom import Headroom, headroom_of
from trading import selectors

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Exposure:
    """One instrument or sector: signed value, P&L if closed now, and the value as a share of equity."""

    name: str
    value: Decimal
    pnl: Decimal
    share: Decimal | None

    @property
    def size(self) -> Decimal:
        """The share without its sign, for a bar."""
        return abs(self.share or ZERO)


@dataclass(frozen=True, slots=True)
class RiskReport:
    """One account's limits and exposures at one moment."""

    account: Account
    snapshot: AccountSnapshot
    headroom: list[Headroom]
    instruments: list[Exposure]
    sectors: list[Exposure]

    @property
    def gross(self) -> Decimal:
        """Sum of all values without their signs."""
        return sum((abs(each.value) for each in self.instruments), ZERO)

    @property
    def net(self) -> Decimal:
        """Sum of all values with their signs."""
        return sum((each.value for each in self.instruments), ZERO)

    @property
    def leverage(self) -> Decimal | None:
        """Gross exposure / equity; None without equity."""
        return self.gross / self.snapshot.equity if self.snapshot.equity > 0 else None


def risk_report(account: Account) -> RiskReport:
    """Return the report of an account at its market time."""
    at = account.market_at or timezone.now()
    with transaction.atomic():
        rules = risk.rules_in_force(account, at=at).rules
        snapshot = selectors.snapshot(account, at=at)
    held = snapshot.positions
    return RiskReport(
        account=account,
        snapshot=snapshot,
        headroom=headroom_of(snapshot, rules, at=at),
        instruments=_grouped(((p.symbol, p) for p in held), snapshot.equity),
        sectors=_grouped(((p.sector or "No sector", p) for p in held), snapshot.equity),
    )


def _grouped(named: Iterable[tuple[str, PositionView]], equity: Decimal) -> list[Exposure]:
    values: dict[str, tuple[Decimal, Decimal]] = {}
    for name, position in named:
        value, pnl = values.get(name, (ZERO, ZERO))
        gain = position.quantity * (position.mark - position.average_price)
        values[name] = (value + position.value, pnl + gain)
    found = [Exposure(n, v, pnl, v / equity if equity > 0 else None) for n, (v, pnl) in values.items()]
    return sorted(found, key=lambda each: (-abs(each.value), each.name))
