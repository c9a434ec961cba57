"""A small world for tests: a user, a paper account, an instrument with stored bars."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
from django.utils import timezone

from domain.bars import Bar, BarArrays, BarSource, Timeframe
from domain.instruments import AssetClass
from domain.sizing import SizingMethod
from marketdata import selectors as market
from marketdata import services as marketdata
from marketdata.models import Instrument, Replay
from portfolio.models import Account
from portfolio.services.accounts import open_account
from strategies import services as strategies
from strategies.models import Strategy
from users.models import User

_numbers = itertools.count(1)
START = datetime(2020, 1, 1, tzinfo=UTC)


def daily_bars(closes: list[float], *, start: datetime = START, spread: float = 1.0) -> BarArrays:
    """Daily bars that open at the last close and reach ``spread`` beyond open and close."""
    c = np.array(closes, dtype=np.float64)
    o = np.concatenate([c[:1], c[:-1]])
    t = int(start.timestamp()) + 86_400 * np.arange(len(c), dtype=np.int64)
    volume = np.full(len(c), 10_000.0)
    return BarArrays(t, o, np.maximum(o, c) + spread, np.minimum(o, c) - spread, c, volume)


@dataclass
class Scene:
    """Handles of the world."""

    user: User
    account: Account
    instrument: Instrument

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    def replay(self) -> Replay:
        return Replay.objects.get(instruments=self.instrument)

    def fresh_account(self) -> Account:
        return Account.objects.get(pk=self.account.pk)

    def bar_after(self, moment: datetime) -> Bar:
        arrays = market.closed_bars(self.instrument, Timeframe.D1, after=moment, until=moment + timedelta(days=1))
        return market.bars(self.instrument, Timeframe.D1, arrays)[0]

    def strategy(self, kind: str, parameters: dict, **more) -> Strategy:
        settings = strategies.Settings(
            name=f"{kind} {next(_numbers)}",
            type=kind,
            parameters=parameters,
            symbols=[self.symbol],
            account_id=self.account.pk,
            **{
                "timeframe": Timeframe.D1,
                "sizing_method": SizingMethod.PERCENT_EQUITY,
                "sizing_value": Decimal(2),
                **more,
            },
        )
        return strategies.create_strategy(self.user, settings, at=START)


def make_scene(closes: list[float], *, cash: str = "100000") -> Scene:
    """Make a user with a paper account and an instrument with these daily closes."""
    n = next(_numbers)
    user = User.objects.create_user(f"trader{n}", password="a long enough password")
    account = open_account(user, name=f"Paper {n}", starting_cash=Decimal(cash), at=START)
    instrument = marketdata.create_instrument(
        f"TST{n}",
        venue="TEST",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
        lot_size=Decimal(1),
        calendar="24/7",
    )
    marketdata.record_bars(instrument, Timeframe.D1, daily_bars(closes), BarSource.IMPORTED, at=timezone.now())
    return Scene(user, account, instrument)
