"""Who may listen to which socket: the answers that realtime, on its low floor, asks the wiring for."""

from backtesting.models import Job
from marketdata.models import Instrument
from portfolio.models import Account
from users.models import User


def may_hear_account(user: User, key: str) -> bool:
    """Tell whether the account is the user's own."""
    return bool(Account.objects.for_user(user).filter(pk=key).exists())


def may_hear_backtest(user: User, key: str) -> bool:
    """Tell whether the backtest, sweep or walk-forward is the user's own."""
    return bool(Job.objects.for_user(user).filter(pk=key).exists())


def may_hear_bars(user: User, symbol: str) -> bool:
    """Tell whether there is such an instrument: bars are everybody's."""
    return Instrument.objects.filter(symbol=symbol).exists()
