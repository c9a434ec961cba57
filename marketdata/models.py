"""Tables of market data: instruments, replay clocks, feeds, who needs them, newest prices. Bars are files (store)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from core.fields import ExactDecimalField
from core.models import UuidModel
from domain.bars import Timeframe
from domain.instruments import AssetClass

MIN_SPEED = 0.1
MAX_SPEED = 1000.0


class ReplayState(models.TextChoices):
    """What a replay clock does."""

    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class SubscriptionKind(models.TextChoices):
    """Who can need a feed. The first three hold their market time: a replay they need does not restart."""

    STRATEGY = "strategy"
    ORDER = "order"
    POSITION = "position"
    PAGE = "page"
    ALERT = "alert"


class Replay(UuidModel):
    """One market clock: stored bars of its instruments are played as if they happened now.

    `market_time` is the close of the last bar played, `start_time` where a restart goes back to; `owner` names the
    account or strategy whose feeds share the clock. A clock never goes back except by a restart.
    """

    market_time = models.DateTimeField()
    start_time = models.DateTimeField()
    speed = models.FloatField(default=1.0, validators=[MinValueValidator(MIN_SPEED), MaxValueValidator(MAX_SPEED)])
    state = models.CharField(max_length=8, choices=ReplayState, default=ReplayState.RUNNING)
    owner = models.CharField(max_length=64, blank=True, default="")
    restarts = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(speed__gte=MIN_SPEED, speed__lte=MAX_SPEED), name="replay_speed_within_bounds"
            ),
        ]
        indexes = [models.Index(fields=["state"], name="replay_state")]

    def __str__(self) -> str:
        return f"{self.state} at {self.market_time:%Y-%m-%d %H:%M}"


class Instrument(UuidModel):
    """What can be traded. `replay` is its one market clock while it has one; `has_splits` spares a look for them."""

    symbol = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=120, blank=True, default="")
    venue = models.CharField(max_length=32)
    asset_class = models.CharField(max_length=8, choices=[(c.value, c.value) for c in AssetClass])
    currency = models.CharField(max_length=8)
    tick_size = ExactDecimalField()
    lot_size = ExactDecimalField()
    sector = models.CharField(max_length=64, blank=True, default="")
    calendar = models.CharField(max_length=16)
    replay = models.ForeignKey(Replay, null=True, blank=True, on_delete=models.PROTECT, related_name="instruments")
    has_splits = models.BooleanField(default=False, editable=False)

    def __str__(self) -> str:
        return self.symbol


class ActionKind(models.TextChoices):
    """What a company does to its shares."""

    SPLIT = "split"
    DIVIDEND = "dividend"


class CorporateAction(UuidModel):
    """A split (`value`: new shares for one old) or a dividend (`value`: cash a share, as traded then) from a day on."""

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="corporate_actions")
    kind = models.CharField(max_length=8, choices=ActionKind)
    ex_date = models.DateField(help_text="The first day on which the shares trade without it.")
    value = ExactDecimalField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instrument", "kind", "ex_date"], name="corporate_action_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.value} on {self.ex_date}"


class Feed(UuidModel):
    """Bars of one instrument and timeframe that arrive as time goes by. `cursor_at` is the open of the last one.

    `is_open` is false when nobody needs it any more; its history stays. `fault` says why it is degraded.
    """

    REPLAY = "replay"

    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="feeds")
    timeframe = models.CharField(max_length=3, choices=[(t.value, t.value) for t in Timeframe])
    provider = models.CharField(max_length=32, default=REPLAY)
    cursor_at = models.DateTimeField(null=True, blank=True)
    is_open = models.BooleanField(default=True)
    fault = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instrument", "timeframe"], name="feed_once")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.timeframe}"


class PriceMark(models.Model):
    """The newest price of an instrument in its market time: the close of the last closed bar."""

    instrument = models.OneToOneField(Instrument, primary_key=True, on_delete=models.CASCADE, related_name="price_mark")
    price = ExactDecimalField()
    marked_at = models.DateTimeField()
    timeframe = models.CharField(max_length=3)
    source = models.CharField(max_length=32)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.price} at {self.marked_at:%Y-%m-%d %H:%M}"


class Subscription(UuidModel):
    """One owner (a strategy, an order, a page …) that needs the bars of an instrument."""

    owner_kind = models.CharField(max_length=16, choices=SubscriptionKind)
    owner_id = models.CharField(max_length=64)
    owner_label = models.CharField(max_length=120, blank=True, default="")
    user_id = models.UUIDField(null=True, blank=True, db_index=True)
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="subscriptions")
    timeframe = models.CharField(max_length=3, choices=[(t.value, t.value) for t in Timeframe])

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner_kind", "owner_id", "instrument", "timeframe"], name="subscription_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_kind} {self.owner_id}"


class StreamLease(models.Model):
    """Which process plays the feeds of a provider; another takes over when it expires. `fence` grows at each change."""

    provider = models.CharField(primary_key=True, max_length=32)
    holder = models.CharField(max_length=64)
    fence = models.PositiveBigIntegerField(default=1)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.provider} by {self.holder}"
