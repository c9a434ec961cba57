"""The workloads on nautilus_trader (it fills at the signal's close, with a fixed size: equity is not comparable)."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import nautilus_trader
import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import BTC, USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy
from peers import data

VERSION = nautilus_trader.__version__
Run = Callable[[], dict[str, Any]]
_BARS, _WIDTH, _SIZE = 50_000, 10, Quantity.from_str("1000.000")  # as much as it does in some seconds
_VENUE, _FEE = Venue("SIM"), Decimal(str(data.FEE))


class CrossConfig(StrategyConfig, frozen=True):  # type: ignore[misc,call-arg]  # no types
    """What the rule is asked to do."""

    bar_types: list[str]
    fast: int = data.FAST
    slow: int = data.SLOW
    brackets: bool = False


class Cross(Strategy):  # type: ignore[misc]  # no types
    """The rule, called at every bar."""

    def on_start(self) -> None:
        """Subscribe, and let the engine keep the averages."""
        self.averages, self.before = {}, {}
        for name in self.config.bar_types:
            kind = BarType.from_str(name)
            pair = SimpleMovingAverage(self.config.fast), SimpleMovingAverage(self.config.slow)
            for each in pair:
                self.register_indicator_for_bars(kind, each)
            self.averages[kind.instrument_id] = pair
            self.subscribe_bars(kind)

    def on_bar(self, bar: Any) -> None:
        """Look for a cross."""
        instrument = bar.bar_type.instrument_id
        quick, slack = self.averages[instrument]
        if not slack.initialized:
            return
        now, before = quick.value - slack.value, self.before.get(instrument)
        self.before[instrument] = now
        if before is None:
            return
        if now > 0 >= before and self.portfolio.is_flat(instrument):
            self.enter(instrument, float(bar.close))
        elif now < 0 <= before and not self.portfolio.is_flat(instrument):
            self.cancel_all_orders(instrument)
            self.close_all_positions(instrument)

    def enter(self, instrument: Any, price: float) -> None:
        """Buy the fixed size, with a stop and a target where they are asked for."""
        if not self.config.brackets:
            self.submit_order(self.order_factory.market(instrument, OrderSide.BUY, _SIZE))
            return
        known = self.cache.instrument(instrument)
        self.submit_order_list(
            self.order_factory.bracket(
                instrument_id=instrument,
                order_side=OrderSide.BUY,
                quantity=_SIZE,
                sl_trigger_price=known.make_price(price * (1 - data.STOP)),
                tp_price=known.make_price(price * (1 + data.TARGET)),
            )
        )


def instrument_of(number: int) -> Any:
    """Return one made-up instrument."""
    name = Symbol(f"S{number}")
    bounds = ("max_quantity", "min_quantity", "max_notional", "min_notional", "max_price", "min_price", "lot_size")
    return CurrencyPair(
        instrument_id=InstrumentId(name, _VENUE),
        raw_symbol=name,
        base_currency=BTC,
        quote_currency=USD,
        price_precision=5,
        size_precision=3,
        price_increment=Price.from_str("0.00001"),
        size_increment=Quantity.from_str("0.001"),
        margin_init=Decimal(0),
        margin_maint=Decimal(0),
        maker_fee=_FEE,
        taker_fee=_FEE,
        ts_event=0,
        ts_init=0,
        **dict.fromkeys(bounds),
    )


def fed(number: int, t: Any, columns: list[Any]) -> tuple[Any, Any, list[Any]]:
    """Return an instrument, its kind of bars, and the bars as the engine wants them."""
    instrument = instrument_of(number)
    kind = BarType.from_str(f"S{number}.SIM-1-MINUTE-LAST-EXTERNAL")
    names = ("open", "high", "low", "close", "volume")
    frame = pd.DataFrame(dict(zip(names, columns, strict=True)), index=pd.to_datetime(t, unit="s", utc=True))
    return instrument, kind, BarDataWrangler(kind, instrument).process(frame)


def once(feeds: list[tuple[Any, Any, list[Any]]], **settings: Any) -> dict[str, Any]:
    """Build an engine, run it, and let it go."""
    engine = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-1"),
            logging=LoggingConfig(bypass_logging=True),
            run_analysis=False,
            risk_engine=RiskEngineConfig(bypass=True),
        )
    )
    engine.add_venue(_VENUE, OmsType.NETTING, AccountType.CASH, starting_balances=[Money(data.CASH, USD)])
    for left, (instrument, _, bars) in enumerate(feeds, 1 - len(feeds)):
        engine.add_instrument(instrument)
        engine.add_data(bars, sort=left == 0 and len(feeds) > 1)  # all of it once, with the last
    engine.add_strategy(Cross(CrossConfig(bar_types=[str(kind) for _, kind, _ in feeds], **settings)))
    engine.run()
    n_orders = engine.cache.orders_total_count()
    engine.dispose()
    return {"equity": None, "n_orders": n_orders}


def _one(folder: Path, n: int, **settings: Any) -> Run:
    feeds = [fed(0, *data.one(folder, n))]
    return lambda: once(feeds, **settings)


def _many(folder: Path, width: int) -> Run:
    t, blocks = data.many(folder, width)
    feeds = [fed(j, t, [block[:, j] for block in blocks]) for j in range(width)]
    return lambda: once(feeds)


def prepare(workload: str, folder: Path) -> tuple[Run, int, str]:
    """Return what runs a workload once, its bars or combinations, and a note."""
    makers: dict[str, Callable[[], tuple[Run, int, str]]] = {
        "W1": lambda: (_one(folder, _BARS), _BARS, f"fills at the close, fixed size, {_BARS:,} bars"),
        "W2": lambda: (_many(folder, _WIDTH), _WIDTH * data.N_DAYS, f"{_WIDTH} instruments, one account, fixed size"),
        "W3": lambda: (_one(folder, data.GRID_BARS), 1, "one combination"),
        "W4a": lambda: (_one(folder, _BARS), _BARS, f"on_bar, {_BARS:,} bars"),
        "W4b": lambda: (_one(folder, _BARS, brackets=True), _BARS, f"bracket orders, {_BARS:,} bars"),
    }
    return makers[workload]()
