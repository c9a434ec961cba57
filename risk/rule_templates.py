"""Ready sets of rules (pure): conservative, moderate, aggressive, and the style of proprietary trading firms."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from risk.decisions import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRule:
    """One rule of a set: type, limit in the type's unit, action and what else differs from the defaults."""

    type: str
    limit: Decimal
    action: Action = Action.REJECT
    latched: bool = False
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A set of rules and whom it is for."""

    name: str
    title: str
    words: str
    rules: tuple[TemplateRule, ...]

    def values(self, account_name: str = "") -> list[dict[str, Any]]:
        """Return the rules' values as ``risk.services.rules`` takes them, named after the set and the account."""
        whose = f" ({account_name[:32]})" if account_name else ""
        return [
            {
                "name": f"{self.title}{whose}: {rule.type.replace('_', ' ')}",
                "type": rule.type,
                "limit": rule.limit,
                "action": rule.action,
                "latched": rule.latched,
                "parameters": dict(rule.parameters or {}),
            }
            for rule in self.rules
        ]


def _limits(
    position: str, exposure: str, sector: str, daily: str, drawdown: str, streak: str
) -> tuple[TemplateRule, ...]:
    return (
        TemplateRule(type="max_position_size", limit=Decimal(position), action=Action.RESIZE),
        TemplateRule(type="max_exposure", limit=Decimal(exposure)),
        TemplateRule(type="sector_limit", limit=Decimal(sector)),
        TemplateRule(type="max_daily_loss", limit=Decimal(daily), action=Action.REDUCE_ONLY),
        TemplateRule(type="max_drawdown", limit=Decimal(drawdown), action=Action.HALT, latched=True),
        TemplateRule(type="loss_streak", limit=Decimal(streak), action=Action.PAUSE_STRATEGY),
        TemplateRule(type="repeated_execution", limit=Decimal(5), action=Action.PAUSE_STRATEGY),
    )


_ALL = (
    Template(
        name="conservative",
        title="Conservative",
        words="Small positions and an early stop: for money that must not shrink much.",
        rules=_limits("2", "50", "15", "1", "5", "3"),
    ),
    Template(
        name="moderate",
        title="Moderate",
        words="The middle way, without borrowed money.",
        rules=_limits("5", "90", "30", "3", "12", "5"),
    ),
    Template(
        name="aggressive",
        title="Aggressive",
        words="Large positions and a loose leash; losses can be heavy.",
        rules=_limits("15", "200", "60", "6", "25", "8"),
    ),
    Template(
        name="prop_firm",
        title="Prop firm",
        words="As funded-trader programmes ask: 5 % a day and 10 % in all end the trading, and a person has to look.",
        rules=(
            TemplateRule(type="max_daily_loss", limit=Decimal(5), action=Action.FLATTEN, latched=True),
            TemplateRule(type="max_drawdown", limit=Decimal(10), action=Action.FLATTEN, latched=True),
            TemplateRule(type="max_leverage", limit=Decimal(2)),
            TemplateRule(type="max_position_size", limit=Decimal(20), action=Action.RESIZE),
            TemplateRule(type="order_rate", limit=Decimal(60), action=Action.PAUSE_STRATEGY),
        ),
    ),
)
TEMPLATES = {template.name: template for template in _ALL}
"""Every set by name."""
