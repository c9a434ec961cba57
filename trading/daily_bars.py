"""Daily bars of what an account holds or works on, as they were known at one market time; each is read once."""

from datetime import datetime
from uuid import UUID

from domain.bars import BarArrays, Timeframe
from domain.portfolio import AccountSnapshot
from marketdata import selectors as market
from marketdata.models import Instrument
from risk.comovement import Closes
from risk.market_inputs import DAYS_NEEDED, closes_of


class DailyBars:
    """Reads the instruments of a snapshot together, and of each the bars when they are first asked for."""

    def __init__(self, snapshot: AccountSnapshot, at: datetime, *known: Instrument) -> None:
        self._snapshot, self._at = snapshot, at
        self._rows = {row.pk: row for row in known}
        self._bars: dict[UUID, BarArrays] = {}

    def of(self, instrument_id: UUID) -> BarArrays:
        """Return the newest daily bars of an instrument."""
        if instrument_id not in self._bars:
            row = self._row(instrument_id)
            self._bars[instrument_id] = market.bar_series(row, Timeframe.D1, limit=DAYS_NEEDED, as_of=self._at)
        return self._bars[instrument_id]

    def closes(self, instrument_id: UUID) -> Closes:
        """Return the closes of an instrument."""
        return closes_of(self.of(instrument_id))

    def _row(self, instrument_id: UUID) -> Instrument:
        if instrument_id not in self._rows:
            held = {position.instrument_id for position in self._snapshot.positions}
            wanted = held | {order.instrument_id for order in self._snapshot.working} | {instrument_id}
            self._rows |= Instrument.objects.in_bulk(wanted - self._rows.keys())
        return self._rows[instrument_id]
