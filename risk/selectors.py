"""Reads of risk: the rules in force for an account, kill switches, decisions, breaches, and what watching kept."""

import functools
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core.prepared import Prepared
from domain.errors import NotFound
from marketdata.models import Replay
from portfolio.models import Account, Position
from preferences import selectors as preferences
from risk.decisions import Action, RuleSpec, Scope, Source
from risk.from_preferences import PARTS, rules_from
from risk.gate import KILL_SWITCH, concerns_line
from risk.histories import HeadroomPoint, HeadroomSeries, Sample, on_one_clock, thinned
from risk.models import (
    HeadroomSample,
    KillScope,
    KillSwitch,
    ProtectionWaiver,
    RiskBreach,
    RiskDecision,
    RiskRule,
    StressScenario,
    UnprotectedEpisode,
)
from risk.portfolio_risk import Scenario
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase

_RULE_COLUMNS = (
    *("pk", "name", "type", "limit", "scope", "strategy_id", "instrument_id", "sector"),
    *("parameters", "warning_at", "action"),
)

WATCHED_ONLY = (
    *(name for name, each in RULE_TYPES.items() if each.phases == {Phase.PORTFOLIO}),
    "unprotected_position",
)
"""Rule types that are measured between orders alone and stop new risk while they are broken."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules of one account at one moment, and the version of the preferences that they come from."""

    rules: tuple[RuleSpec, ...]
    preferences_version: int


def rules_in_force(account: Account, *, at: datetime) -> InForce:
    """Return every rule of an account: the preferences' and the user's own, breaches that still hold marked.

    Must run inside the transaction that decides: the preferences then stay in force until it ends.
    """
    current = preferences.current_in_transaction(account.user_id)
    engaged = holding_keys(account, at=at)
    rules = _own_rules(user_id=account.user_id, account_id=account.pk)
    if engaged:
        rules = [replace(rule, is_engaged=True) if rule.key in engaged else rule for rule in rules]
    return InForce((*rules_from(current), *rules), current.version)


def rules_concerning(
    account: Account, *, strategy_id: UUID | None, instrument_id: UUID, sector: str, at: datetime
) -> tuple[RuleSpec, ...]:
    """Return the rules in force that look at one strategy's position of an instrument; see ``rules_in_force``."""
    return tuple(
        rule
        for rule in rules_in_force(account, at=at).rules
        if concerns_line(rule, strategy_id=strategy_id, instrument_id=instrument_id, sector=sector)
    )


def _spec(row: tuple[Any, ...]) -> RuleSpec:
    pk, name, rule_type, limit, scope, strategy_id, instrument_id, sector, parameters, warning_at, action = row
    return RuleSpec(
        key=f"rule:{pk}",
        name=name,
        type=rule_type,
        limit=limit,
        scope=Scope(scope),
        strategy_id=strategy_id,
        instrument_id=instrument_id,
        sector=sector,
        parameters=parameters,
        warning_at=_fraction(warning_at),
        action=Action(action),
        source=Source.RULE,
    )


_own_rules: Prepared[RuleSpec] = Prepared(
    lambda user_id, account_id: (
        RiskRule.objects.filter(user_id=user_id, enabled=True)
        .filter(Q(account=None) | Q(account_id=account_id))
        .values_list(*_RULE_COLUMNS)
    ),
    made=_spec,
    user_id=UUID,
    account_id=UUID,
)


@functools.lru_cache(maxsize=256)
def _fraction(value: float) -> Decimal:
    """The decimal fraction that was meant by a stored float."""
    return Decimal(repr(float(value)))


def spec_of(rule: RiskRule) -> RuleSpec:
    """Return a rule (stored or not) as the gate takes it."""
    return _spec(tuple(getattr(rule, name) for name in _RULE_COLUMNS))


def holding_keys(account: Account, *, at: datetime) -> frozenset[str]:
    """Return the keys of rules whose earlier breach still holds: a latch, a cool-down, or what only watching ends.

    A rule that no order is measured by (losing trades in a row) stops new risk as long as its breach is open.
    """
    return frozenset(key for (key,) in _holding(account_id=account.pk, at=at))


_LATCHED = Q(is_latched=True, released_at=None, broken_at__isnull=False)
_LASTING = Q(recovered_at=None, released_at=None, broken_at__isnull=False, type__in=WATCHED_ONLY)
_holding: Prepared[tuple[Any, ...]] = Prepared(
    lambda account_id, at: RiskBreach.objects.filter(
        _LATCHED | (_LASTING & ~Q(action=Action.WARN)) | Q(holds_until__gt=at), account_id=account_id
    ).values_list("rule_key"),
    account_id=UUID,
    at=datetime,
)


def open_breaches(account: Account) -> list[RiskBreach]:
    """Return an account's breaches and warnings that have not ended."""
    return _open_breaches(account_id=account.pk)


def has_open_breaches(account_id: UUID) -> bool:
    """Tell whether a rule of an account is broken or near its limit."""
    return bool(_open_breaches(account_id=account_id))


_open_breaches: Prepared[RiskBreach] = Prepared(
    lambda account_id: RiskBreach.objects.filter(account_id=account_id, recovered_at=None), account_id=UUID
)


def kill_switches(account: Account, strategy_id: UUID | None = None) -> list[KillSwitch]:
    """Return the engaged kill switches that concern an account (and one of its strategies)."""
    if strategy_id is None:
        return _switches(user_id=account.user_id, account_id=account.pk)
    return _switches_of_strategy(user_id=account.user_id, account_id=account.pk, strategy_id=strategy_id)


def _concerning(user_id: UUID, account_id: UUID, strategy_id: UUID | None = None) -> QuerySet[KillSwitch]:
    wanted = (
        Q(scope=KillScope.PLATFORM)
        | Q(scope=KillScope.USER, target_id=user_id)
        | Q(scope=KillScope.ACCOUNT, target_id=account_id)
    )
    if strategy_id is not None:
        wanted |= Q(scope=KillScope.STRATEGY, target_id=strategy_id)
    return KillSwitch.objects.filter(wanted, rearmed_at=None)


_switches: Prepared[KillSwitch] = Prepared(_concerning, user_id=UUID, account_id=UUID)
_switches_of_strategy: Prepared[KillSwitch] = Prepared(_concerning, user_id=UUID, account_id=UUID, strategy_id=UUID)


def kill_rules(account: Account, strategy_id: UUID | None) -> tuple[RuleSpec, ...]:
    """Return the engaged kill switches as rules of the gate."""
    return tuple(
        RuleSpec(
            key=f"kill_switch:{switch.pk}",
            name=f"Kill switch ({switch.scope})",
            type=KILL_SWITCH,
            limit=Decimal(0),
            action=Action.REJECT,
            source=Source.KILL_SWITCH,
            parameters={"forbid_all": switch.forbid_all, "reason": switch.reason},
        )
        for switch in kill_switches(account, strategy_id)
    )


def stopping_switch(account: Account, strategy_id: UUID | None, *, reduces: bool) -> KillSwitch | None:
    """Return the kill switch that forbids to send an order now (None: it may go): asked once more before the wire."""
    switches = sorted(kill_switches(account, strategy_id), key=lambda switch: not switch.forbid_all)
    return next((switch for switch in switches if switch.forbid_all or not reduces), None)


def is_stopped(account: Account, strategy_id: UUID | None, *, reduces: bool) -> bool:
    """Tell whether an order may not be sent now because of a kill switch."""
    return stopping_switch(account, strategy_id, reduces=reduces) is not None


def engaged_switches(user: Any) -> QuerySet[KillSwitch]:
    """Return the engaged kill switches that concern a user's trading, the platform's among them."""
    wanted = Q(scope=KillScope.PLATFORM) | Q(user_id=getattr(user, "pk", user))
    return KillSwitch.objects.filter(wanted, rearmed_at=None).order_by("-engaged_at")


def rules_of(user: Any) -> QuerySet[RiskRule]:
    """A user's rules with what their lists show."""
    return RiskRule.objects.for_user(user).select_related("account", "instrument")


def decisions_of(user: Any) -> QuerySet[RiskDecision]:
    """A user's decisions with what their lists show."""
    return RiskDecision.objects.for_user(user).select_related("account", "instrument")


def breaches_of(user: Any) -> QuerySet[RiskBreach]:
    """A user's breaches with what their lists show."""
    return RiskBreach.objects.for_user(user).select_related("account")


def breach_for(user: Any, breach_id: UUID | str) -> RiskBreach:
    """Return a user's breach. Raises NotFound."""
    found = breaches_of(user).filter(pk=breach_id).first()
    if found is None:
        raise NotFound("There is no such breach")
    return found


def headroom_history(
    account: Account,
    *,
    key: str = "",
    start: datetime | None = None,
    end: datetime | None = None,
    max_points: int = 500,
) -> list[HeadroomSeries]:
    """Return how much of each limit (of one, by ``key``) an account used over its time; the most used now first.

    Its time is market time while a replay plays what it trades, else the wall clock. Samples are taken every few
    seconds while something happens and thinned as they age; a rule that is gone keeps its key as its name.
    """
    rows = HeadroomSample.objects.filter(account=account, epoch=account.epoch).order_by("seq")
    samples = [Sample(*row) for row in rows.values_list("at", "sampled_at", "limits")]
    traded = Position.objects.filter(account=account, epoch=account.epoch).values("instrument_id")
    is_replayed = Replay.objects.filter(instruments__in=traded).exists()
    found = [
        (at, limits)
        for at, limits in on_one_clock(samples, is_replayed=is_replayed)
        if (start is None or at >= start) and (end is None or at <= end)
    ]
    points: dict[str, list[HeadroomPoint]] = {}
    for at, limits in thinned(found, max_points):
        for each, (value, limit, used) in limits.items():
            if not key or each == key:
                points.setdefault(each, []).append(HeadroomPoint(at, float(used), Decimal(value), Decimal(limit)))
    names = _rule_names(account.user_id)
    series = [HeadroomSeries(each, names.get(each, each), tuple(line)) for each, line in points.items()]
    return sorted(series, key=lambda each: (-each.last.used, each.name))


def _rule_names(user_id: UUID) -> dict[str, str]:
    own = {f"rule:{pk}": name for pk, name in RiskRule.objects.for_user(user_id).values_list("pk", "name")}
    return own | {f"preferences:{part.field}": part.words for part in PARTS}


@dataclass(frozen=True, slots=True)
class UnprotectedGauge:
    """What of an account nothing would close at a loss: its value now, and value × seconds of the open episodes."""

    value: Decimal
    value_seconds: Decimal
    episodes: tuple[UnprotectedEpisode, ...]


def unprotected_gauge(account: Account) -> UnprotectedGauge:
    """Return the unprotected-exposure gauge of an account as it was last measured (at least every five seconds)."""
    rows = tuple(unprotected_episodes(account).filter(ended_at=None).order_by("began_at", "created_at"))
    return UnprotectedGauge(
        value=sum((row.value for row in rows), Decimal(0)),
        value_seconds=sum((row.value_seconds for row in rows), Decimal(0)),
        episodes=rows,
    )


def unprotected_episodes(account: Account) -> QuerySet[UnprotectedEpisode]:
    """An account's episodes without protection since its last reset, the newest first."""
    rows = UnprotectedEpisode.objects.filter(account=account, epoch=account.epoch).select_related("instrument")
    return rows.order_by("-created_at")


def waivers_of(user: Any) -> QuerySet[ProtectionWaiver]:
    """A user's waivers that nobody took back."""
    return ProtectionWaiver.objects.for_user(user).filter(revoked_at=None).select_related("account")


def scenarios_of(user: Any) -> QuerySet[StressScenario]:
    """A user's own crises by name."""
    return StressScenario.objects.for_user(user).order_by("name")


def own_scenarios(user: Any) -> tuple[Scenario, ...]:
    """A user's own crises as portfolio risk takes them."""
    return tuple(
        Scenario(row.name, row.default_percent, {word: Decimal(percent) for word, percent in row.shocks.items()})
        for row in scenarios_of(user)
    )
