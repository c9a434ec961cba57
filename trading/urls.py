"""Addresses of the pages of strategies, orders and accounts: all served here, the one floor that sees them together."""

from django.urls import include, path

from trading.views import accounts, journal, orders, positions, signals, strategies, strategy_detail, ticket

_strategies = [
    path("strategies/", strategies.list_page, name="list"),
    path("strategies/rows/", strategies.rows, name="rows"),
    path("strategies/new/", strategies.new, name="new"),
    path("strategies/parameters/", strategies.parameters, name="parameters"),
    path("strategies/<uuid:pk>/", strategy_detail.detail, name="detail"),
    path("strategies/<uuid:pk>/head/", strategy_detail.head, name="head"),
    path("strategies/<uuid:pk>/actions/", strategy_detail.actions, name="actions"),
    path("strategies/<uuid:pk>/live/", strategy_detail.live, name="live"),
    path("strategies/<uuid:pk>/edit/", strategies.edit, name="edit"),
    path("strategies/<uuid:pk>/check/", strategies.check, name="check"),
    path("strategies/<uuid:pk>/start/", strategies.start, name="start"),
    path("strategies/<uuid:pk>/pause/", strategies.pause, name="pause"),
    path("strategies/<uuid:pk>/stop/", strategies.stop, name="stop"),
    path("strategies/<uuid:pk>/delete/", strategies.delete, name="delete"),
]
_trading = [
    path("orders/", orders.list_page, name="orders"),
    path("orders/new/", ticket.new, name="order_new"),
    path("orders/preview/", ticket.preview, name="order_preview"),
    path("orders/cancel-all/", orders.cancel_all, name="orders_cancel_all"),
    path("orders/<uuid:pk>/", orders.detail, name="order"),
    path("orders/<uuid:pk>/cancel/", orders.cancel, name="order_cancel"),
    path("orders/<uuid:pk>/change/", orders.change, name="order_change"),
    path("fills/", orders.fills_page, name="fills"),
    path("signals/", signals.list_page, name="signals"),
    path("signals/<uuid:pk>/", signals.detail, name="signal"),
    path("signals/<uuid:pk>/approve/", signals.approve, name="signal_approve"),
    path("signals/<uuid:pk>/dismiss/", signals.dismiss, name="signal_dismiss"),
]
_portfolio = [
    path("positions/", positions.list_page, name="positions"),
    path("positions/close-all/", positions.close_all, name="positions_close_all"),
    path("positions/<uuid:pk>/close/", positions.close, name="position_close"),
    path("accounts/", accounts.list_page, name="accounts"),
    path("accounts/new/", accounts.new, name="account_new"),
    path("accounts/<uuid:pk>/", accounts.detail, name="account"),
    path("accounts/<uuid:pk>/costs/", accounts.costs, name="account_costs"),
    path("accounts/<uuid:pk>/trading-state/", accounts.trading_state, name="account_trading_state"),
    path("accounts/<uuid:pk>/reset/", accounts.reset, name="account_reset"),
    path("accounts/<uuid:pk>/reconcile/", accounts.reconcile_now, name="account_reconcile"),
    path("journal/", journal.list_page, name="journal"),
    path("journal/<uuid:pk>/", journal.trade, name="trade"),
    path("journal/<uuid:pk>/notes/", journal.annotate, name="trade_notes"),
]

urlpatterns = [
    path("", include((_strategies, "strategies"))),
    path("", include((_trading, "trading"))),
    path("", include((_portfolio, "portfolio"))),
]
