"""What strategies and orders make of preferences: both are asked anew at every signal and every order."""

from preferences.definitions import Category
from preferences.subsystems import Step, Subsystem
from strategies.models import Strategy, StrategyState
from trading.impact import impact_of
from trading.models import Order


def _strategies(step: Step) -> str:
    running = Strategy.objects.for_user(step.user_id).filter(state=StrategyState.RUNNING).count()
    most = step.after.strategy.max_strategies
    over = f"; above the limit of {most}: none is stopped, no further one starts" if running > most else ""
    entries = "trade by themselves" if step.after.trading.auto_execute_signals else "wait for approval"
    return f"{running} strategies run{over}; their entries {entries}, their exits always go on."


def _orders(step: Step) -> str:
    waiting = Order.objects.for_user(step.user_id).filter(status="pending_approval").count()
    types = ", ".join(step.after.trading.preferred_order_types)
    still = f"; {waiting} entries still wait for approval" if waiting else ""
    return f"Entries from signals are {types}, canceled after {step.after.trading.order_timeout_seconds} s{still}."


STRATEGY_MANAGER = Subsystem(categories=frozenset({Category.STRATEGY, Category.TRADING}), acknowledge=_strategies)
ORDER_EXECUTOR = Subsystem(
    categories=frozenset({Category.TRADING, Category.RISK_MANAGEMENT}), acknowledge=_orders, impact=impact_of
)
