"""Run a backtest from the command line: submitted like any other, calculated here, and shown."""

import json
import time
from argparse import ArgumentParser
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from backtesting.models import Job
from backtesting.pictures import metric_rows
from backtesting.services import settling, submitting, working
from backtesting.services.requests import RunRequest
from core.api.render import dumps
from core.days import begin_of, end_of
from domain.bars import Timeframe
from domain.errors import PlatformError
from domain.sizing import SizingMethod

WAIT_SECONDS = 0.3


class Command(BaseCommand):
    """`manage.py backtest USERNAME TYPE SYMBOLS`: the same checks, the same result and the same bytes as by API."""

    help = "Run a backtest here and print its figures; it is stored like any other (see the Backtests page)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what a run needs; everything else has the API's defaults."""
        parser.add_argument("username")
        parser.add_argument("type", help="strategy type, such as sma_cross")
        parser.add_argument("symbols", help="parted by commas")
        parser.add_argument("-p", "--param", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--timeframe", default="1d", choices=[each.value for each in Timeframe])
        parser.add_argument("--start", help="first day, such as 2010-01-01")
        parser.add_argument("--end", help="last day")
        parser.add_argument("--cash", default="100000")
        parser.add_argument("--fee-percent", default="0")
        parser.add_argument("--slippage-bps", default="0")
        parser.add_argument("--size", default="", metavar="METHOD=VALUE", help="percent_equity=95; else the preference")
        parser.add_argument("--rules", default="mine", choices=["mine", "none"])
        parser.add_argument("--short", action="store_true", help="may sell short")
        parser.add_argument("--benchmark", default="")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="print everything as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Submit, calculate and print."""
        user = get_user_model().objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}.")
        try:
            job = submitting.submit_backtest(user, _request(options))
        except PlatformError as error:
            lines = [f"{fault.field}: {fault.message}" for fault in error.errors] or [error.message]
            raise CommandError("\n".join(lines)) from error
        self._calculate(job)
        job.refresh_from_db()
        if not job.is_completed:
            raise CommandError(f"It is {job.status}: {job.error}")
        self._print(job, as_json=options["json"])

    def _calculate(self, job: Job) -> None:
        """Work until the job has ended, here or at another worker; Ctrl-C cancels it."""
        try:
            while Job.objects.get(pk=job.pk).is_open:
                if not working.work_once():  # another worker does it: ask now and then
                    time.sleep(WAIT_SECONDS)
        except KeyboardInterrupt:
            settling.cancel(job, at=timezone.now())
            raise

    def _print(self, job: Job, *, as_json: bool) -> None:
        if as_json:
            told = {"id": job.pk, "metrics": job.metrics, "warnings": job.warnings, "summary": job.summary}
            self.stdout.write(dumps({**told, "fingerprint": job.fingerprint, "result_digest": job.digest}).decode())
            return
        for row in metric_rows(job.metrics):
            value = row["value"]
            shown = "–" if value is None else f"{value:,.4f}" if isinstance(value, float) else f"{value:,}"
            self.stdout.write(f"{row['title']:32}{shown:>20}  {row['unit']}")
        for warning in job.warnings:
            self.stdout.write(f"{warning['severity']}: {warning['message']}")
        self.stdout.write(f"fingerprint {job.fingerprint}\nresult      {job.digest}\npage        /backtests/{job.pk}/")


def _request(options: dict[str, Any]) -> RunRequest:
    method, sign, value = options["size"].partition("=")
    if method and not sign:
        raise CommandError(f"{method!r} is not METHOD=VALUE, such as percent_equity=95.")
    fee, slippage = _decimal(options["fee_percent"]), _decimal(options["slippage_bps"])
    try:
        sizing = SizingMethod(method) if method else None
    except ValueError as error:
        raise CommandError(f"{method!r} is not one of {', '.join(SizingMethod)}.") from error
    return RunRequest(
        type=options["type"],
        parameters=dict(_parameter(each) for each in options["param"]),
        symbols=options["symbols"].split(","),
        timeframe=Timeframe(options["timeframe"]),
        start=_day(options["start"]),
        end=_day(options["end"], after=True),
        starting_cash=_decimal(options["cash"]),
        fees={"percent": fee} if fee else {},
        slippage={"bps": slippage} if slippage else {},
        sizing_method=sizing,
        sizing_value=_decimal(value) if method else None,
        allow_short=options["short"],
        risk_rules=options["rules"],
        benchmark=options["benchmark"],
        seed=options["seed"],
    )


def _parameter(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign:
        raise CommandError(f"{text!r} is not NAME=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise CommandError(f"{text[:60]!r} is not a number.") from error
    if not number.is_finite():
        raise CommandError(f"{text[:60]!r} is not a finite number.")
    return number


def _day(text: str | None, *, after: bool = False) -> datetime | None:
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError as error:
        raise CommandError(f"{text!r} is not a day such as 2010-01-31.") from error
    return end_of(day) if after else begin_of(day)
