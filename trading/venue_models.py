"""The paper venue's own durable tables: its order book and its executions, as a real venue would keep them.

Only ``trading.brokers.paper`` reads and writes them (the admin shows them); the platform learns what is in them through
reports and reconciliation.
"""

from django.db import models
from django.db.models import Q

from core.fields import ExactDecimalField
from core.models import UuidModel


class PaperBook(models.Model):
    """One account's book: the row that serializes arrivals and numbers orders and executions."""

    account = models.OneToOneField("portfolio.Account", primary_key=True, on_delete=models.CASCADE, related_name="+")
    n_orders = models.BigIntegerField(default=0)
    n_fills = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.n_orders} orders, {self.n_fills} fills"


class PaperOrder(UuidModel):
    """An order on the paper venue's book. Its client order id is taken once and for ever."""

    account = models.ForeignKey("portfolio.Account", on_delete=models.CASCADE, related_name="+")
    instrument = models.ForeignKey("marketdata.Instrument", on_delete=models.PROTECT, related_name="+")
    sequence = models.BigIntegerField()
    client_order_id = models.CharField(max_length=64)
    side = models.CharField(max_length=4)
    type = models.CharField(max_length=16)
    time_in_force = models.CharField(max_length=4)
    quantity = ExactDecimalField()
    filled_quantity = ExactDecimalField(default=0)
    limit_price = ExactDecimalField(null=True)
    stop_price = ExactDecimalField(null=True)
    trail_percent = ExactDecimalField(null=True)
    triggered = models.BooleanField(default=False)
    status = models.CharField(max_length=20)
    reason = models.CharField(max_length=200, blank=True, default="")
    arrived_at = models.DateTimeField(help_text="Market time; bars that closed until then are behind it.")
    arrival = models.PositiveSmallIntegerField(default=0, help_text="Phase within the bar that closes at arrived_at.")
    trailed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "client_order_id"], name="paper_client_id_once"),
            models.UniqueConstraint(fields=["account", "sequence"], name="paper_sequence_once"),
        ]
        indexes = [
            models.Index(
                fields=["account", "instrument"],
                condition=Q(status__in=["accepted", "triggered", "partially_filled"]),
                name="paper_working",
            )
        ]

    def __str__(self) -> str:
        return self.client_order_id


class PaperFill(models.Model):
    """One execution on the paper venue."""

    seq = models.BigAutoField(primary_key=True)
    order = models.ForeignKey(PaperOrder, on_delete=models.CASCADE, related_name="fills")
    account = models.ForeignKey("portfolio.Account", on_delete=models.CASCADE, related_name="+")
    venue_fill_id = models.CharField(max_length=64)
    quantity = ExactDecimalField()
    price = ExactDecimalField()
    fee = ExactDecimalField()
    at = models.DateTimeField()
    phase = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "venue_fill_id"], name="paper_fill_once")]

    def __str__(self) -> str:
        return self.venue_fill_id
