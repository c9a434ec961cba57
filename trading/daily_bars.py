"""Daily bars of what an account holds or works on, as they were known at one market time; each is read once."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.bars import BarArrays, Timeframe
from domain.portfolio import AccountSnapshot
from marketdata import selectors as market
from marketdata.models import Instrument
from risk.comovement import Closes
from risk.decisions import Activity, MarketView, OrderIntent
from risk.market_inputs import DAYS_NEEDED, average_volume, closes_of, held_correlation, value_at_risk_after


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

    def view(self, intent: OrderIntent, snapshot: AccountSnapshot) -> MarketView:
        """Return the market of a question of what if: the order's own price is the last, nothing was ordered lately."""
        return MarketView(
            reference=intent.price,
            age_seconds=Decimal(0),
            average_volume=average_volume(self.of(intent.instrument_id)),
            correlation=held_correlation(intent, snapshot, self.closes),
            value_at_risk=value_at_risk_after(intent, snapshot, self.closes),
            activity=Activity(),
        )

    def _row(self, instrument_id: UUID) -> Instrument:
        if instrument_id not in self._rows:
            held = {position.instrument_id for position in self._snapshot.positions}
            wanted = held | {order.instrument_id for order in self._snapshot.working} | {instrument_id}
            self._rows |= Instrument.objects.in_bulk(wanted - self._rows.keys())
        return self._rows[instrument_id]
