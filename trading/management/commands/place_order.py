"""Place one order from the command line, through the same door as everybody's."""

from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.fields import plain
from domain.errors import PlatformError
from domain.orders import EventSource, OrderSide, OrderSpec, OrderType, TimeInForce
from trading.management.whose import account_named, user_named
from trading.services.intents import Origin
from trading.services.orders import submit_order

PRICES = ("limit_price", "stop_price", "trail_percent")


class Command(BaseCommand):
    """`manage.py place_order USERNAME --account --symbol --side --quantity ...`."""

    help = "Place an order for a user; exit status 1 when it is denied, rejected or malformed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the order."""
        parser.add_argument("username")
        parser.add_argument("--account", required=True, help="name or id")
        parser.add_argument("--symbol", required=True)
        parser.add_argument("--side", required=True, choices=[s.value for s in OrderSide])
        parser.add_argument("--quantity", required=True)
        parser.add_argument("--type", default="market", choices=[t.value for t in OrderType])
        parser.add_argument("--time-in-force", default="gtc", choices=[t.value for t in TimeInForce])
        for name in PRICES:
            parser.add_argument(f"--{name.replace('_', '-')}")
        parser.add_argument("--reduce-only", action="store_true")
        parser.add_argument("--client-order-id", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Place it and tell its state."""
        account = account_named(user_named(options["username"]), options["account"])
        prices: dict[str, Any] = {n: _decimal(n, options[n]) for n in PRICES if options[n] is not None}
        spec = OrderSpec(
            symbol=options["symbol"].upper(),
            side=OrderSide(options["side"]),
            quantity=_decimal("quantity", options["quantity"]),
            type=OrderType(options["type"]),
            time_in_force=TimeInForce(options["time_in_force"]),
            reduce_only=options["reduce_only"],
            **prices,
        )
        origin = Origin(client_order_id=options["client_order_id"], source=EventSource.OPERATOR)
        try:
            order = submit_order(account.pk, spec, origin=origin)
        except PlatformError as error:
            raise CommandError(error.message) from error
        told = f"{order.id} {order.side} {plain(order.quantity)} {order.instrument.symbol}: {order.status}"
        if order.status in ("denied", "rejected"):
            raise CommandError(f"{told}: {order.reason}")
        self.stdout.write(told)


def _decimal(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise CommandError(f"The {name.replace('_', ' ')} {text!r} is not a number") from None
