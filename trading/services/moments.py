"""One moment of an account as its decisions share it: the locked row, and the snapshot until an order changes it."""

from dataclasses import dataclass, field
from datetime import datetime

from domain.portfolio import AccountSnapshot
from portfolio.models import Account
from trading import selectors


@dataclass(slots=True)
class Moment:
    """An account whose row is locked until the transaction ends, at a market time."""

    account: Account
    at: datetime
    _snapshot: AccountSnapshot | None = field(default=None, repr=False)

    @property
    def snapshot(self) -> AccountSnapshot:
        """The account as a decision is handed it; read once until :meth:`forget`."""
        if self._snapshot is None:
            self._snapshot = selectors.snapshot(self.account, at=self.at)
        return self._snapshot

    def forget(self) -> None:
        """Something was ordered or booked: the snapshot is read again when it is next asked for."""
        self._snapshot = None
