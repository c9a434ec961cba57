"""The risk gate (pure): may this order go out, and how much of it?

An order that reduces its own position is never refused by a rule; of one that reduces and then turns, the reducing
part always passes. Everything else fails closed: what can not be measured denies. The answer is the least that any
rule allows, so the order of the rules does not matter and a further rule never allows more.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal, DecimalException
from uuid import UUID

from domain.orders import OrderSide
from domain.portfolio import AccountSnapshot, TradingState
from risk.decisions import (
    Action,
    Decision,
    MarketView,
    OrderIntent,
    Reason,
    RuleSpec,
    Scope,
    Source,
    Verdict,
)
from risk.measures import Measures, Unmeasurable, is_absent
from risk.rules.table import RULE_TYPES
from risk.rules.types import Bound, Phase, RuleType
from risk.words import broken_words, grouped, held_words, plain, unit_words

ZERO = Decimal(0)
KILL_SWITCH = "kill_switch"


def evaluate(
    intent: OrderIntent,
    snapshot: AccountSnapshot,
    rules: Sequence[RuleSpec],
    *,
    market: MarketView,
    at: datetime,
    faults: Sequence[str] = (),
) -> Decision:
    """Judge an order by the platform's own checks and every rule that concerns it; never raises.

    ``market`` and ``at`` are of the order's instrument and its market time. ``faults`` say what the caller could not
    find out (preferences that can not be read): each denies new risk.
    """
    if not all(number.is_finite() and number > 0 for number in (intent.quantity, intent.lot_size)):
        return _malformed(intent)
    free = reducing_quantity(intent, snapshot)
    asked = _Asked(intent, snapshot, market, at, free)
    concerned = [rule for rule in rules if concerns(rule, intent)]
    reasons = [_platform_reason("gate", fault, free, intent) for fault in faults]
    reasons += [*asked.platform_checks(), *(asked.judge(rule) for rule in concerned)]
    return decided(intent, reasons, concerned)


def concerns(rule: RuleSpec, intent: OrderIntent) -> bool:
    """Tell whether a rule looks at this order at all."""
    return concerns_line(rule, strategy_id=intent.strategy_id, instrument_id=intent.instrument_id, sector=intent.sector)


def concerns_line(rule: RuleSpec, *, strategy_id: UUID | None, instrument_id: UUID, sector: str) -> bool:
    """Tell whether a rule looks at one strategy's orders and position of an instrument."""
    if rule.scope is Scope.STRATEGY:
        return rule.strategy_id == strategy_id
    if rule.scope is Scope.INSTRUMENT:
        return rule.instrument_id == instrument_id
    if rule.scope is Scope.SECTOR:
        return rule.sector == sector
    return True


def reducing_quantity(intent: OrderIntent, snapshot: AccountSnapshot) -> Decimal:
    """Return how much of an order only reduces the position of its own strategy, other working orders considered.

    A reduce-only order is taken at its word: the venue, or the one door before it, never lets it grow a position.
    """
    try:
        if intent.reduce_only:
            return intent.quantity
        held = snapshot.position_quantity(intent.instrument_id, intent.strategy_id)
        closing = sum(
            (
                order.remaining
                for order in snapshot.working
                if order.instrument_id == intent.instrument_id
                and order.strategy_id == intent.strategy_id
                and order.side is intent.side
                and not order.reduce_only
            ),
            ZERO,
        )
        is_closing = held < 0 if intent.side is OrderSide.BUY else held > 0
        return min(intent.quantity, max(ZERO, abs(held) - closing)) if is_closing else ZERO
    except DecimalException:
        return ZERO


def _malformed(intent: OrderIntent) -> Decision:
    message = f"A quantity of {intent.quantity} in lots of {intent.lot_size} can not be traded"
    reason = Reason(
        key="platform:quantity",
        rule="quantity",
        type="quantity",
        source=Source.PLATFORM,
        value=None,
        limit=None,
        headroom=None,
        verdict=Verdict.DENIED,
        quantity=ZERO,
        message=message,
    )
    return Decision(verdict=Verdict.DENIED, quantity=ZERO, requested=intent.quantity, reasons=(reason,))


class _Asked:
    """One order while it is being judged."""

    def __init__(
        self, intent: OrderIntent, snapshot: AccountSnapshot, market: MarketView, at: datetime, free: Decimal
    ) -> None:
        self.intent, self.snapshot, self.market, self.free = intent, snapshot, market, free
        self.measures = Measures(intent, snapshot, market, at)
        self.adds_risk = free < intent.quantity

    def platform_checks(self) -> list[Reason]:
        """Return what the checks say that nobody can switch off; only those that object."""
        return [
            _platform_reason(name, message, self.free, self.intent)
            for name, message in _platform_faults(self.intent, self.snapshot, self.market)
        ]

    def judge(self, rule: RuleSpec) -> Reason:
        """Ask one rule."""
        if rule.type == KILL_SWITCH:
            return self._kill_switch(rule)
        rule_type = RULE_TYPES.get(rule.type)
        try:
            if rule_type is None:
                raise Unmeasurable(f"there is no rule type {rule.type!r}")
            return self._judge(rule, rule_type)
        except Exception as error:  # whatever goes wrong in a rule, it must deny
            told = str(error) if isinstance(error, Unmeasurable) else f"{type(error).__name__}: {error}"
            return self._reason(rule, None, None, self.free, f"{rule.name}: can not be measured, {told}")

    def _kill_switch(self, rule: RuleSpec) -> Reason:
        forbids_all = bool(rule.parameters.get("forbid_all"))
        allowed = ZERO if forbids_all else self.free
        message = f"{rule.name} is engaged: {rule.parameters.get('reason') or 'no reason given'}"
        return self._reason(rule, None, None, allowed, message)

    def _judge(self, rule: RuleSpec, rule_type: RuleType) -> Reason:
        if rule.is_engaged and Phase.PRE_TRADE not in rule_type.phases:
            return self._reason(rule, None, rule.limit, self.free, f"{rule.name}: an earlier breach still holds")
        if Phase.PRE_TRADE not in rule_type.phases:
            return self._reason(rule, None, rule.limit, self.intent.quantity, held_words(rule, rule_type))
        if is_absent(rule, self.market):
            return self._reason(rule, None, rule.limit, self.intent.quantity, f"{rule.name}: nothing to object to")
        value = self.value(rule, rule_type, self.intent.quantity)
        if self.is_good(rule, rule_type, value) and not rule.is_engaged:
            return self._good(rule, rule_type, value)
        words = broken_words(rule, rule_type, self.intent, value)
        if rule.action is Action.WARN:
            return self._reason(rule, value, rule.limit, self.intent.quantity, words, is_warning=True)
        allowed = self.fitting(rule, rule_type) if rule.action is Action.RESIZE else self.free
        return self._reason(rule, value, rule.limit, allowed, words)

    def value(self, rule: RuleSpec, rule_type: RuleType, quantity: Decimal) -> Decimal:
        """Measure a rule were the order of this quantity. Raises Unmeasurable."""
        value: Decimal = rule_type.function(*self.measures.numbers(rule_type.inputs, rule, quantity))
        if not value.is_finite():
            raise Unmeasurable(f"the value is {value}")
        return value

    def is_good(self, rule: RuleSpec, rule_type: RuleType, value: Decimal) -> bool:
        """Tell whether a value keeps the limit, or at least is not raised above it by this order."""
        if is_within(rule_type.bound, value, rule.limit):
            return True
        return rule_type.is_additive and value <= self.value(rule, rule_type, self.free)

    def fitting(self, rule: RuleSpec, rule_type: RuleType) -> Decimal:
        """Return the largest quantity in whole lots that the rule finds good, at least the reducing part."""
        if rule.is_engaged or Action.RESIZE not in rule_type.actions:
            return self.free
        lot = self.intent.lot_size
        low = int((self.free / lot).to_integral_value(ROUND_FLOOR))
        high = int((self.intent.quantity / lot).to_integral_value(ROUND_FLOOR)) + 1
        while high - low > 1:
            middle = (low + high) // 2
            good = self.is_good(rule, rule_type, self.value(rule, rule_type, min(middle * lot, self.intent.quantity)))
            low, high = (middle, high) if good else (low, middle)
        return max(self.free, low * lot)

    def _good(self, rule: RuleSpec, rule_type: RuleType, value: Decimal) -> Reason:
        level = rule.limit * rule.warning_at
        warns = rule_type.bound is not Bound.AT_LEAST and rule.limit > 0 and value >= level and self.adds_risk
        unit = unit_words(rule_type)
        message = f"{rule.name}: {grouped(value)}{unit} of {grouped(rule.limit)}{unit}"
        return self._reason(rule, value, rule.limit, self.intent.quantity, message, is_warning=warns)

    def _reason(
        self,
        rule: RuleSpec,
        value: Decimal | None,
        limit: Decimal | None,
        allowed: Decimal,
        message: str,
        *,
        is_warning: bool = False,
    ) -> Reason:
        rule_type = RULE_TYPES.get(rule.type)
        return Reason(
            key=rule.key,
            rule=rule.name,
            type=rule.type,
            source=rule.source,
            value=value,
            limit=limit,
            headroom=_headroom(rule_type, value, limit),
            verdict=_verdict(allowed, self.intent.quantity, is_warning=is_warning),
            quantity=allowed,
            message=message,
        )


def is_within(bound: Bound, value: Decimal, limit: Decimal) -> bool:
    """Tell whether a value lies on the good side of a limit."""
    if bound is Bound.AT_MOST:
        return value <= limit
    return value < limit if bound is Bound.BELOW else value >= limit


def _headroom(rule_type: RuleType | None, value: Decimal | None, limit: Decimal | None) -> Decimal | None:
    if rule_type is None or value is None or limit is None:
        return None
    return value - limit if rule_type.bound is Bound.AT_LEAST else limit - value


def _verdict(allowed: Decimal, requested: Decimal, *, is_warning: bool) -> Verdict:
    if allowed >= requested:
        return Verdict.WARNED if is_warning else Verdict.ALLOWED
    return Verdict.RESIZED if allowed > 0 else Verdict.DENIED


def _platform_faults(intent: OrderIntent, snapshot: AccountSnapshot, market: MarketView) -> list[tuple[str, str]]:
    found = []
    if not (intent.price.is_finite() and intent.price > 0):
        found.append(("price", f"The order in {intent.symbol} has no usable price ({intent.price})"))
    if market.reference is None or not market.reference.is_finite() or market.reference <= 0:
        found.append(("price", f"{intent.symbol} has no usable last price ({market.reference})"))
    elif market.is_stale or market.age_seconds is None or not market.age_seconds.is_finite():
        age = "of unknown age" if market.age_seconds is None else f"{plain(market.age_seconds)} seconds old"
        found.append(("stale_data", f"The last price of {intent.symbol} is stale: it is {age}"))
    if not snapshot.equity.is_finite() or snapshot.equity <= 0:
        found.append(("equity", f"The account's equity is {plain(snapshot.equity)}: there is nothing to risk"))
    if snapshot.trading_state is not TradingState.ACTIVE:
        found.append(("trading_state", f"The account is {snapshot.trading_state}: it may only reduce"))
    if not market.is_reconciled:
        found.append(("unreconciled", "The books differ from the venue's: the account may only reduce"))
    if any(order.unresolved and order.instrument_id == intent.instrument_id for order in snapshot.working):
        found.append(("unresolved", f"Nobody knows yet what became of an order in {intent.symbol}"))
    return found


def _platform_reason(name: str, message: str, free: Decimal, intent: OrderIntent) -> Reason:
    return Reason(
        key=f"platform:{name}",
        rule=name.replace("_", " "),
        type=name,
        source=Source.PLATFORM,
        value=None,
        limit=None,
        headroom=None,
        verdict=_verdict(free, intent.quantity, is_warning=False),
        quantity=free,
        message=message,
    )


def decided(intent: OrderIntent, reasons: Sequence[Reason], rules: Sequence[RuleSpec]) -> Decision:
    """Put the reasons together: the least quantity that any of them allows."""
    requested = intent.quantity
    quantity = min((reason.quantity for reason in reasons), default=requested)
    is_warned = any(reason.verdict is Verdict.WARNED for reason in reasons)
    broken = {reason.key for reason in reasons if reason.quantity < requested}
    return Decision(
        verdict=_verdict(quantity, requested, is_warning=is_warned),
        quantity=quantity,
        requested=requested,
        reasons=tuple(sorted(reasons, key=lambda reason: (reason.key, reason.message))),
        stop_loss_percent=strictest(rules, "stop_loss"),
        take_profit_percent=strictest(rules, "take_profit"),
        consequences=tuple(sorted((r.key, r.action) for r in rules if r.key in broken and r.action in CONSEQUENCES)),
    )


CONSEQUENCES = frozenset({Action.REDUCE_ONLY, Action.PAUSE_STRATEGY, Action.FLATTEN, Action.HALT})


def strictest(rules: Sequence[RuleSpec], type_name: str) -> Decimal | None:
    """Return the smallest limit among the rules of a type that order something (None without one)."""
    return min((r.limit for r in rules if r.type == type_name and r.action is not Action.WARN), default=None)
