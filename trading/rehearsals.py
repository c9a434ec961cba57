"""An account's past decisions with what came of their orders: what a rehearsal is held over."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from portfolio.models import Account, Trade
from risk.models import RiskDecision
from risk.rehearsal import Recorded
from trading.models import Fill

MAX_DECISIONS = 20_000


def records_of(account: Account, *, start: datetime | None = None, end: datetime | None = None) -> Iterator[Recorded]:
    """Yield the account's newest decisions of a span of market time (``start <= decided < end``), oldest first."""
    rows = RiskDecision.objects.filter(account=account)
    rows = rows.filter(decided_at__gte=start) if start else rows
    rows = rows.filter(decided_at__lt=end) if end else rows
    keys = list(rows.order_by("-seq").values_list("seq", flat=True)[:MAX_DECISIONS])
    if not keys:
        return
    pnl = _pnl_by_decision(account)
    found = RiskDecision.objects.filter(account=account, seq__gte=keys[-1], seq__lte=keys[0], pk__in=rows.values("pk"))
    columns = ("seq", "id", "instrument__symbol", "side", "verdict", "quantity", "inputs", "reasons")
    for row in found.order_by("seq").values_list(*columns).iterator(chunk_size=500):
        seq, decision_id, symbol, side, verdict, quantity, inputs, reasons = row
        yield Recorded(
            decision_id=decision_id,
            symbol=symbol,
            side=side,
            verdict=verdict,
            quantity=quantity,
            inputs=inputs,
            reasons=reasons,
            pnl=pnl.get(seq),
        )


def _pnl_by_decision(account: Account) -> dict[int, Decimal]:
    """Net P&L of the closed trades by the decision of the order whose fill opened each."""
    opened: dict[tuple[str, UUID], int] = {
        (venue_fill_id, instrument_id): decision
        for venue_fill_id, instrument_id, decision in Fill.objects.filter(
            account=account, order__decision__isnull=False
        ).values_list("venue_fill_id", "instrument_id", "order__decision_id")
    }
    found: dict[int, Decimal] = {}
    rows = Trade.objects.filter(account=account, closed_at__isnull=False)
    for entry_fill, instrument_id, pnl in rows.values_list("entry_fill", "instrument_id", "pnl_net"):
        decision = opened.get((entry_fill, instrument_id))
        if decision is not None:
            found[decision] = found.get(decision, Decimal(0)) + pnl
    return found
