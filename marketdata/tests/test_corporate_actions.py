"""Splits and dividends: what is written down, and that every reader sees prices on one scale from then on."""

from datetime import UTC, date, datetime
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from core.testing import api_client, assert_problem, make_user, page_client
from domain.bars import BarArrays, Timeframe
from domain.errors import Conflict, ValidationFailed
from marketdata import selectors, services
from marketdata.action_services import record_action, remove_action
from marketdata.adjustments import Split, adjusted, factors
from marketdata.models import ActionKind, CorporateAction, Instrument, PriceMark, SubscriptionKind
from marketdata.tests.factories import make_instrument
from marketdata.tests.reference import columns, floats

URL = "/api/v1/corporate-actions/"
DAY = 86_400
AT = datetime(2030, 1, 1, tzinfo=UTC)


def stored(symbol: str = "SPLT", *, n: int = 10) -> Instrument:
    """An instrument whose price halves on 6 January 1970, as after two for one."""
    row = make_instrument(symbol, calendar="24/7")
    t = np.arange(n, dtype=np.int64) * DAY
    close = np.where(t < 5 * DAY, 100.0, 50.0)
    bars = BarArrays(t, close, close, close, close, np.full(n, 10.0))
    services.record_bars(row, Timeframe.D1, bars, services.BarSource.IMPORTED, at=AT)
    return row


def split(row: Instrument, ratio: str = "2", day: int = 6) -> CorporateAction:
    return record_action(row, kind=ActionKind.SPLIT, ex_date=date(1970, 1, day), value=D(ratio))


def test_factors_multiply_over_later_splits() -> None:
    t = np.array([0, 1, 2, 3], dtype=np.int64) * DAY

    assert factors(t, [Split(DAY, 2.0), Split(3 * DAY, 0.1)]).tolist() == [0.2, 0.1, 0.1, 1.0]


def test_a_reverse_split_gives_the_adjusted_prices_that_quandl_published() -> None:
    given = columns("data/corporate_actions/AIG_1d_2008-2009_wiki.csv.gz")
    days = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in given["date"]]
    t = np.array([int(day.timestamp()) for day in days], dtype=np.int64)
    bars = BarArrays(t, *(floats(given[name]) for name in ("open", "high", "low", "close", "volume")))
    ratios = floats(given["split_ratio"])
    splits = [Split(int(t[i]), float(ratios[i])) for i in np.flatnonzero(ratios != 1.0)]

    ours = adjusted(bars, splits)

    # Quandl's prices are adjusted for dividends (to the end of 2013) and other splits besides: a constant factor
    # after the last dividend of the file, on both sides of the split.
    late = t >= int(datetime(2008, 9, 3, tzinfo=UTC).timestamp())
    for mine, theirs in ((ours.o, "adj_open"), (ours.h, "adj_high"), (ours.l, "adj_low"), (ours.c, "adj_close")):
        ratio = mine[late] / floats(given[theirs])[late]
        assert np.allclose(ratio, ratio[0], rtol=1e-7)
    assert np.allclose(ours.v, floats(given["adj_volume"]), rtol=1e-12)


@pytest.mark.django_db
def test_every_way_of_reading_bars_sees_the_same_scale() -> None:
    row = stored()
    split(row)
    row.refresh_from_db()

    whole = selectors.bar_series(row, Timeframe.D1)
    assert whole.c.tolist() == [50.0] * 10 and whole.v.tolist() == [20.0] * 5 + [10.0] * 5
    assert selectors.bar_series(row, Timeframe.D1, limit=7).c.tolist() == [50.0] * 7
    assert selectors.next_bars(row, Timeframe.D1, 3, after=None).c.tolist() == [50.0] * 3
    until = datetime.fromtimestamp(4 * DAY, tz=UTC)
    assert selectors.closed_bars(row, Timeframe.D1, after=None, until=until).c.tolist() == [50.0] * 4
    assert selectors.bar_series(row, Timeframe.W1).c.tolist() == [50.0]


@pytest.mark.django_db
def test_a_split_that_is_forgotten_leaves_the_bars_as_they_were_stored() -> None:
    row = stored()
    made = split(row)

    remove_action(made)

    row.refresh_from_db()
    assert not row.has_splits
    assert selectors.bar_series(row, Timeframe.D1).c.tolist() == [100.0] * 5 + [50.0] * 5


@pytest.mark.django_db
def test_the_same_file_of_bars_changes_nothing_after_a_split_is_known() -> None:
    row = stored()
    split(row)
    t = np.arange(10, dtype=np.int64) * DAY
    close = np.where(t < 5 * DAY, 100.0, 50.0)

    again = services.record_bars(
        row,
        Timeframe.D1,
        BarArrays(t, close, close, close, close, np.full(10, 10.0)),
        services.BarSource.IMPORTED,
        at=AT,
    )

    assert (again.stored, again.replaced, again.unchanged, again.rejected) == (0, 0, 10, ())


@pytest.mark.django_db
def test_dividends_are_told_per_share_of_today() -> None:
    row = stored()
    record_action(row, kind=ActionKind.DIVIDEND, ex_date=date(1970, 1, 3), value=D("0.5"))
    record_action(row, kind=ActionKind.DIVIDEND, ex_date=date(1970, 1, 8), value=D("0.5"))
    split(row)

    assert selectors.dividends_of(row) == ((2 * DAY, D("0.25")), (7 * DAY, D("0.5")))
    row.refresh_from_db()
    assert selectors.bar_series(row, Timeframe.D1).c.tolist() == [50.0] * 10  # prices know of splits alone


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [SubscriptionKind.STRATEGY, SubscriptionKind.ORDER, SubscriptionKind.POSITION])
def test_the_scale_of_what_is_traded_is_not_changed(kind: SubscriptionKind) -> None:
    row = stored()
    services.subscribe(kind, "1", row, Timeframe.D1, label="My strategy")

    with pytest.raises(Conflict, match="My strategy"):
        split(row)

    row.refresh_from_db()
    assert not row.has_splits and not CorporateAction.objects.exists()
    record_action(row, kind=ActionKind.DIVIDEND, ex_date=date(1970, 1, 8), value=D(1))  # changes no price


@pytest.mark.django_db
def test_a_price_on_the_other_scale_is_forgotten() -> None:
    row = stored()
    PriceMark.objects.create(instrument=row, price=D(100), marked_at=AT, timeframe="1d", source="replay")

    split(row)

    row.refresh_from_db()
    assert selectors.mark(row).price == 50


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "value", "day"),
    [
        (ActionKind.SPLIT, "1", date(1970, 1, 6)),
        (ActionKind.SPLIT, "0", date(1970, 1, 6)),
        (ActionKind.SPLIT, "1001", date(1970, 1, 6)),
        (ActionKind.SPLIT, "NaN", date(1970, 1, 6)),
        (ActionKind.DIVIDEND, "0", date(1970, 1, 6)),
        (ActionKind.DIVIDEND, "-1", date(1970, 1, 6)),
        (ActionKind.DIVIDEND, "1", date(1899, 12, 31)),
    ],
)
def test_what_is_no_action_is_refused(kind: ActionKind, value: str, day: date) -> None:
    row = stored()

    with pytest.raises(ValidationFailed):
        record_action(row, kind=kind, ex_date=day, value=D(value))

    assert not CorporateAction.objects.exists()


@pytest.mark.django_db
def test_the_api_writes_lists_and_forgets_them() -> None:
    stored()
    client = api_client(make_user())
    body = {"symbol": "SPLT", "kind": "split", "date": "1970-01-06", "value": "2"}

    made = client.post(URL, body)
    again = client.post(URL, body)

    assert made.status_code == 201 and {**body, "id": made.json()["id"]} == made.json()
    assert_problem(again, 409, field="date", code="known")
    assert client.get(f"{URL}?symbol=SPLT").json()["results"] == [made.json()]
    bars = client.get("/api/v1/bars/?symbol=SPLT&timeframe=1d").json()
    assert set(bars["c"]) == {50.0}
    assert client.delete(f"{URL}{made.json()['id']}/").status_code == 204
    assert client.delete(f"{URL}{made.json()['id']}/").status_code == 404
    assert_problem(api_client(make_user(), scopes=("read",)).post(URL, body), 403)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changed", "status", "field"),
    [
        ({"date": "06.01.1970"}, 400, "date"),
        ({"date": "1970-02-30"}, 400, "date"),
        ({"date": 5}, 400, "date"),
        ({"kind": "merger"}, 400, "kind"),
        ({"value": "2e0"}, 400, "value"),
        ({"value": "1001"}, 400, "value"),
        ({"symbol": "NONE"}, 404, "symbol"),
        ({"ratio": "2"}, 400, "ratio"),
    ],
)
def test_the_api_names_what_is_wrong(changed: dict[str, Any], status: int, field: str) -> None:
    stored()
    body = {"symbol": "SPLT", "kind": "split", "date": "1970-01-06", "value": "2"}

    assert_problem(api_client(make_user()).post(URL, {**body, **changed}), status, field=field)


@pytest.mark.django_db
def test_a_file_of_them_is_taken_line_by_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored()
    file = tmp_path / "actions.csv"
    file.write_text("symbol,date,kind,value\nSPLT,1970-01-06,split,2\nSPLT,never,split,2\nNONE,1970-01-06,split,2\n")

    call_command("import_corporate_actions", str(file))
    call_command("import_corporate_actions", str(file))

    told = capsys.readouterr()
    assert told.out.splitlines() == ["1 stored, 0 known, 2 rejected", "0 stored, 1 known, 2 rejected"]
    assert told.err.count("line 3:") == 2 and "NONE" in told.err
    file.write_text("symbol;date\n")
    with pytest.raises(CommandError, match="columns"):
        call_command("import_corporate_actions", str(file))


@pytest.mark.django_db
def test_the_page_writes_down_shows_and_forgets_them() -> None:
    stored()
    client = page_client(make_user())
    given = {"symbol": "splt", "kind": "split", "date": "1970-01-06", "value": "2"}

    refused = client.post("/data/splits/", {**given, "value": "1"})
    client.post("/data/splits/", given)

    assert refused.status_code == 200 and "must lie between 0.001 and 1000 and not 1" in refused.content.decode()
    page = client.get("/data/splits/").content.decode()
    assert "2 for 1" in page and "6 Jan 1970" in page
    made = CorporateAction.objects.get()
    client.post(f"/data/splits/{made.pk}/remove/")
    assert not CorporateAction.objects.exists()
    assert "Nothing known yet" in client.get("/data/splits/").content.decode()
