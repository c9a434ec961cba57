"""Forms of the risk pages: one rule of a type, what a kill switch stops, an account's trading state."""

import re
from decimal import Decimal
from typing import Any

from django import forms

from core.fields import plain
from domain.portfolio import TradingState
from marketdata.models import Instrument
from portfolio.models import Account
from risk.decisions import Action, Scope
from risk.models import KillScope, KillSwitch, RiskRule
from risk.rules.types import RuleType, Unit
from strategies.models import Strategy

UNITS = {
    Unit.PERCENT: "%",
    Unit.RATIO: "×",
    Unit.COUNT: "",
    Unit.CURRENCY: "in the account's currency",
    Unit.UNITS: "units",
    Unit.SECONDS: "seconds",
    Unit.PRICE: "price",
    Unit.FLAG: "0 = never",
}
ACTION_WORDS = {
    Action.WARN: "Warn, and let it pass",
    Action.REJECT: "Deny the order",
    Action.RESIZE: "Make the order smaller until it fits",
    Action.REDUCE_ONLY: "Deny, and let the account only reduce from then on",
    Action.PAUSE_STRATEGY: "Deny, and pause the strategy",
    Action.FLATTEN: "Deny, close the positions and halt the account",
    Action.HALT: "Deny, and halt the account",
}
SCOPE_WORDS = {
    Scope.ACCOUNT: "A whole account",
    Scope.STRATEGY: "One strategy",
    Scope.INSTRUMENT: "One instrument",
    Scope.SECTOR: "One sector",
}
_REASON = 300


def type_title(name: str) -> str:
    """Return a rule type's name for people: `max_order_value` becomes `Max order value`."""
    return name.replace("_", " ").capitalize()


class RuleForm(forms.Form):
    """One rule. Which scopes, actions and parameters there are depends on its type."""

    name = forms.CharField(max_length=80, help_text="Shown in decisions, breaches and notifications.")
    limit = forms.DecimalField(max_digits=28, decimal_places=12, min_value=0)
    action = forms.ChoiceField(label="When it is broken")
    warning_percent = forms.DecimalField(
        label="Warn at", min_value=1, max_value=100, decimal_places=2, initial=80, help_text="Share of the limit."
    )
    account = forms.ModelChoiceField(Account.objects.none(), required=False, empty_label="All my accounts")
    scope = forms.ChoiceField(label="Looks at")
    strategy = forms.ModelChoiceField(Strategy.objects.none(), required=False, empty_label="–")
    symbol = forms.CharField(max_length=32, required=False, label="Instrument")
    sector = forms.CharField(max_length=64, required=False)
    latched = forms.BooleanField(
        required=False,
        label="Latch",
        help_text="A breach holds until you release it, even when the value is good again.",
    )
    cool_down_seconds = forms.IntegerField(
        min_value=0, max_value=31_536_000, initial=0, label="Cool-down", help_text="A breach holds at least this long."
    )
    enabled = forms.BooleanField(required=False, initial=True, label="In force")

    def __init__(self, rule_type: RuleType, user: Any, data: Any = None, *, rule: RiskRule | None = None) -> None:
        super().__init__(data, initial=_initial(rule, rule_type))
        self.rule_type = rule_type
        self.unit = UNITS.get(rule_type.unit, "")
        if rule is not None and rule.account is not None and rule_type.unit is Unit.CURRENCY:
            self.unit = rule.account.currency
        choose: Any = self.fields
        choose["action"].choices = [(a.value, words) for a, words in ACTION_WORDS.items() if a in rule_type.actions]
        choose["scope"].choices = [(s.value, words) for s, words in SCOPE_WORDS.items() if s in rule_type.scopes]
        choose["account"].queryset = Account.objects.for_user(user).filter(is_archived=False)
        choose["strategy"].queryset = Strategy.objects.for_user(user)
        choose["limit"].help_text = rule_type.help.replace("`", "")
        for unused in _unused_fields(rule_type):
            del self.fields[unused]
        for name, schema in rule_type.parameters_schema.items():
            self.fields[f"parameter_{name}"] = _parameter_field(name, schema)

    def clean_symbol(self) -> Instrument | None:
        """Find the instrument; a symbol that is not stored cannot be limited."""
        symbol = self.cleaned_data["symbol"].strip().upper()
        if not symbol:
            return None
        found = Instrument.objects.filter(symbol=symbol).first()
        if found is None:
            raise forms.ValidationError(f"There is no instrument {symbol}.", code="unknown_symbol")
        return found

    @property
    def values(self) -> dict[str, Any]:
        """The cleaned form as risk.services.rules takes it; a target that the scope does not name is left out."""
        given = self.cleaned_data
        scope = given.get("scope", Scope.ACCOUNT.value)
        strategy = given.get("strategy") if scope == Scope.STRATEGY else None
        return {
            "name": given["name"],
            "type": self.rule_type.name,
            "account": given["account"],
            "scope": scope,
            "strategy_id": strategy.pk if strategy else None,
            "instrument": given.get("symbol") if scope == Scope.INSTRUMENT else None,
            "sector": given.get("sector", "") if scope == Scope.SECTOR else "",
            "limit": given["limit"],
            "parameters": self._parameters(),
            "warning_at": float(given["warning_percent"] / 100),
            "action": given["action"],
            "latched": given["latched"],
            "cool_down_seconds": given["cool_down_seconds"],
            "enabled": given["enabled"],
        }

    def _parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, schema in self.rule_type.parameters_schema.items():
            value = self.cleaned_data[f"parameter_{name}"]
            is_list = schema.get("type") == "array"
            found[name] = [word.upper() for word in re.split(r"[\s,;]+", value) if word] if is_list else value
        return found

    @property
    def parameter_fields(self) -> list[forms.BoundField]:
        """The bound fields of the type's own parameters."""
        return [self[name] for name in self.fields if name.startswith("parameter_")]


def _unused_fields(rule_type: RuleType) -> list[str]:
    targets = {Scope.STRATEGY: "strategy", Scope.INSTRUMENT: "symbol", Scope.SECTOR: "sector"}
    unused = [name for scope, name in targets.items() if scope not in rule_type.scopes]
    return [*unused, "scope"] if rule_type.scopes == frozenset({Scope.ACCOUNT}) else unused


def _initial(rule: RiskRule | None, rule_type: RuleType) -> dict[str, Any]:
    if rule is None:
        own = {f"parameter_{name}": value for name, value in rule_type.default_parameters.items()}
        return {"name": type_title(rule_type.name), "action": Action.REJECT.value, "warning_percent": 80, **own}
    own = {
        f"parameter_{name}": ", ".join(value) if isinstance(value, list) else value
        for name, value in rule.parameters.items()
    }
    columns = ("name", "action", "account", "scope", "sector", "latched", "cool_down_seconds", "enabled")
    return {
        **{name: getattr(rule, name) for name in columns},
        "limit": plain(rule.limit),
        "strategy": rule.strategy_id,
        "symbol": rule.instrument.symbol if rule.instrument else "",
        "warning_percent": round(Decimal(repr(rule.warning_at)) * 100, 2).normalize().__format__("f"),
        **own,
    }


def _parameter_field(name: str, schema: dict[str, Any]) -> forms.Field:
    label = name.replace("_", " ").capitalize()
    if "enum" in schema:
        return forms.ChoiceField(label=label, choices=[(each, each.replace("_", " ")) for each in schema["enum"]])
    if schema.get("type") == "array":
        return forms.CharField(label=label, max_length=20_000, help_text="Separated by commas.")
    help_text = "As 09:30." if "pattern" in schema else ""
    return forms.CharField(label=label, max_length=int(schema.get("maxLength", 64)), help_text=help_text)


class KillForm(forms.Form):
    """What is to be stopped, and why. Without a target: all of the user's own trading."""

    target = forms.ChoiceField(required=False, label="Stop")
    reason = forms.CharField(max_length=_REASON, help_text="Kept in the audit log.")
    forbid_all = forms.BooleanField(
        required=False, label="Forbid exits too", help_text="Then nothing at all is sent; stops are canceled as well."
    )
    flatten = forms.BooleanField(required=False, label="Close what is held", help_text="With market orders, at once.")

    def __init__(self, user: Any, data: Any = None) -> None:
        super().__init__(data)
        targets: Any = self.fields["target"]
        targets.choices = kill_targets(user)

    @property
    def scope(self) -> str:
        """What kind of target it is."""
        return (self.cleaned_data["target"] or KillScope.USER).partition(":")[0]

    @property
    def target_id(self) -> str:
        """The target's id; empty for the user's own trading and for the platform."""
        return str(self.cleaned_data["target"]).partition(":")[2]


def kill_targets(user: Any) -> list[tuple[str, str]]:
    """Return what a user may stop: all of his own, each account and strategy; staff also the whole platform."""
    accounts = Account.objects.for_user(user).filter(is_archived=False).order_by("name")
    strategies = Strategy.objects.for_user(user).order_by("name")
    return [
        (KillScope.USER.value, "Everything of mine"),
        *((f"{KillScope.ACCOUNT}:{row.pk}", f"Account {row.name}") for row in accounts),
        *((f"{KillScope.STRATEGY}:{row.pk}", f"Strategy {row.name}") for row in strategies),
        *([(KillScope.PLATFORM.value, "The whole platform, everybody")] if user.is_staff else []),
    ]


class ReleaseForm(forms.Form):
    """Why a kill switch is released, by whom: the password is asked again."""

    reason = forms.CharField(max_length=_REASON)
    password = forms.CharField(
        max_length=4096, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, data: Any = None, *, switch: KillSwitch | None = None) -> None:
        super().__init__(data, auto_id=f"id_{switch.pk}_%s" if switch else "id_%s")


class StateForm(forms.Form):
    """What an account may do from now on."""

    state = forms.ChoiceField(choices=[(each.value, each.value) for each in TradingState])
    reason = forms.CharField(max_length=_REASON)
