"""How near an account is to its limits now (pure): the gate's own measures, asked for an order of nothing.

Rules that only an order can break (its value, its price, its rate) have nothing to measure between orders.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.orders import OrderSide
from domain.portfolio import AccountSnapshot, PositionView, WorkingOrder
from risk.decisions import Activity, MarketView, OrderIntent, RuleSpec, Scope
from risk.gate import concerns
from risk.measures import Measures, Unmeasurable
from risk.rules.table import RULE_TYPES
from risk.rules.types import RuleType
from risk.words import plain, unit_words

ZERO = Decimal(0)
_PER_INSTRUMENT = frozenset({"max_position_size", "sector_limit"})
_COUNTS_ITS_ORDER = frozenset({"max_open_orders", "max_session_trades"})
WATCHED = frozenset(
    {
        *_PER_INSTRUMENT,
        *_COUNTS_ITS_ORDER,
        *("max_exposure", "max_leverage", "position_limit", "max_daily_loss", "max_drawdown"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """One limit: what is measured now, how much of the limit that is, and where (the worst instrument or sector)."""

    key: str
    name: str
    value: Decimal
    limit: Decimal
    warning_at: Decimal
    unit: str
    where: str

    @property
    def used(self) -> Decimal:
        """The share of the limit that is used; a limit of nothing is used up by anything."""
        if self.limit > 0:
            return max(ZERO, self.value / self.limit)
        return Decimal(1) if self.value > 0 else ZERO

    @property
    def figures(self) -> str:
        """Both numbers in words: ``3.1 of 5 %``."""
        return f"{plain(round(self.value, 2))} of {plain(self.limit)}{self.unit}"


def headroom_of(snapshot: AccountSnapshot, rules: Iterable[RuleSpec], *, at: datetime) -> list[Headroom]:
    """Return the headroom of every rule that can be measured without an order, nearest to its limit first."""
    questions = [_Question(intent, snapshot, at) for intent in _questions(snapshot)]
    found = [_measured(rule, RULE_TYPES[rule.type], questions) for rule in rules if rule.type in WATCHED]
    return sorted((each for each in found if each is not None), key=lambda each: (-each.used, each.name))


def _questions(snapshot: AccountSnapshot) -> list[OrderIntent]:
    """An order of nothing for each instrument that is held or worked on, and one for none of them."""
    lines: dict[tuple[UUID, UUID | None], WorkingOrder | PositionView] = {}
    rows: tuple[WorkingOrder | PositionView, ...] = (*snapshot.working, *snapshot.positions)
    for row in rows:  # a position's mark wins over an order's price
        lines[row.instrument_id, row.strategy_id] = row
    asked = [
        _nothing(
            row.symbol, row.instrument_id, row.sector, row.asset_class, row.strategy_id, getattr(row, "mark", None)
        )
        for row in lines.values()
    ]
    return asked or [_nothing("", uuid.UUID(int=0), "", "", None, None)]


def _nothing(
    symbol: str,
    instrument_id: uuid.UUID,
    sector: str,
    asset_class: str,
    strategy_id: uuid.UUID | None,
    price: Decimal | None,
) -> OrderIntent:
    return OrderIntent(
        symbol=symbol,
        instrument_id=instrument_id,
        sector=sector,
        asset_class=asset_class,
        strategy_id=strategy_id,
        side=OrderSide.BUY,
        quantity=ZERO,
        price=price if price is not None and price > 0 else Decimal(1),
    )  # fmt: skip


class _Question:
    """An order of nothing while rules are measured by it; each part of the account is added up once for all of them."""

    def __init__(self, intent: OrderIntent, snapshot: AccountSnapshot, at: datetime) -> None:
        market = MarketView(reference=intent.price, age_seconds=ZERO, activity=Activity())
        self.intent = intent
        self._sides = [replace(intent, side=side) for side in OrderSide]
        self._measures = Measures(intent, snapshot, market, at)
        self._known: dict[tuple[str, Scope, str], Decimal | None] = {}

    def value(self, rule: RuleSpec, rule_type: RuleType) -> Decimal | None:
        """Return what a rule measures at its worst side; None where it can not."""
        key = (rule.type, rule.scope, repr(rule.parameters))
        if key not in self._known:
            self._known[key] = self._worst(rule, rule_type)
        return self._known[key]

    def _worst(self, rule: RuleSpec, rule_type: RuleType) -> Decimal | None:
        values = []
        for intent in self._sides:
            self._measures.intent = intent
            try:
                values.append(rule_type.function(*self._measures.numbers(rule_type.inputs, rule, ZERO)))
            except Unmeasurable:
                return None
        worst: Decimal = max(values)
        return worst - 1 if rule.type in _COUNTS_ITS_ORDER else worst


def _measured(rule: RuleSpec, rule_type: RuleType, questions: list[_Question]) -> Headroom | None:
    values = [
        (value, question.intent)
        for question in questions
        if concerns(rule, question.intent)
        for value in [question.value(rule, rule_type)]
        if value is not None
    ]
    if not values and rule.scope is Scope.ACCOUNT:
        return None
    value, intent = max(values, key=lambda pair: pair[0]) if values else (ZERO, questions[0].intent)
    where = {"max_position_size": intent.symbol, "sector_limit": intent.sector}.get(rule.type, "")
    return Headroom(
        key=rule.key,
        name=rule.name.removesuffix(" (preferences)"),
        value=value,
        limit=rule.limit,
        warning_at=rule.warning_at,
        unit=unit_words(rule_type),
        where=where if value else "",
    )
