"""The sample data that comes with the platform: five public-domain histories, and what the S&P list says of them."""

import csv
import gzip
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from domain.bars import Timeframe
from marketdata import selectors
from marketdata.action_services import record_action
from marketdata.bar_imports import ImportRequest, import_bars
from marketdata.models import ActionKind, Instrument

FOLDER = Path(__file__).parent / "sample"
CONSTITUENTS = FOLDER / "sp500_constituents.csv.gz"
# Listed under another symbol, or by a newer name, in the constituents of today.
_SYMBOL_TODAY = {"FB": "META", "GOOG": "GOOG"}
_VENUES = {"AAPL": "XNAS", "FB": "XNAS", "GOOG": "XNAS", "IBM": "XNYS", "MSFT": "XNAS"}

# The files hold prices as they were traded; each of these days made two shares of one.
_SPLITS = {"AAPL": (date(2000, 6, 21), date(2005, 2, 28)), "MSFT": (date(2003, 2, 18),)}


def load_sample_data(*, at: datetime) -> dict[str, int]:
    """Import the sample histories; return how many bars of each are new (0 the second time).

    Their splits are written down with them, so that every reader sees prices on one scale.
    """
    listed = constituents()
    added: dict[str, int] = {}
    for path in sorted(FOLDER.glob("*_1d.csv.gz")):
        symbol = path.name.split("_")[0]
        if _is_loaded(symbol, path):
            added[symbol] = 0
            continue
        request = ImportRequest(
            symbol=symbol,
            timeframe=Timeframe.D1.value,
            venue=_VENUES[symbol],
            asset_class="equity",
            currency="USD",
            tick_size=Decimal("0.01"),
            lot_size=Decimal(1),
            calendar="XNYS",
        )
        added[symbol] = import_bars(path.read_bytes(), request, at=at).rows_stored
        facts = listed.get(_SYMBOL_TODAY.get(symbol, symbol), {})
        Instrument.objects.filter(symbol=symbol).update(
            name=facts.get("Security", ""), sector=facts.get("GICS Sector", "")
        )
        _note_splits(symbol)
    return added


def _note_splits(symbol: str) -> None:
    row = Instrument.objects.get(symbol=symbol)
    known = set(selectors.corporate_actions(row).filter(kind=ActionKind.SPLIT).values_list("ex_date", flat=True))
    for day in _SPLITS.get(symbol, ()):
        if day not in known:
            record_action(row, kind=ActionKind.SPLIT, ex_date=day, value=Decimal(2))


def constituents() -> dict[str, dict[str, str]]:
    """Return the rows of the S&P 500 list by symbol."""
    with gzip.open(CONSTITUENTS, "rt", encoding="utf-8") as handle:
        return {row["Symbol"]: row for row in csv.DictReader(handle)}


def _is_loaded(symbol: str, path: Path) -> bool:
    row = Instrument.objects.filter(symbol=symbol).first()
    if row is None:
        return False
    with gzip.open(path, "rb") as handle:
        n_rows = sum(1 for _ in handle) - 1
    return selectors.bar_counts(row).get(Timeframe.D1.value, 0) >= n_rows
