"""Operators' view of market data."""

from django.contrib import admin

from marketdata.models import CorporateAction, Feed, Instrument, PriceMark, Replay, StreamLease, Subscription


@admin.register(Instrument)
class InstrumentAdmin(admin.ModelAdmin):
    """Instruments; the market clock is set by the platform."""

    list_display = ["symbol", "name", "venue", "asset_class", "currency", "tick_size", "lot_size", "sector", "calendar"]
    list_filter = ["asset_class", "venue", "sector"]
    search_fields = ["symbol", "name"]
    readonly_fields = ["id", "replay", "created_at", "updated_at"]
    ordering = ["symbol"]


@admin.register(Replay)
class ReplayAdmin(admin.ModelAdmin):
    """Market clocks."""

    list_display = ["id", "state", "market_time", "speed", "owner", "restarts"]
    list_filter = ["state"]
    search_fields = ["owner", "instruments__symbol"]
    readonly_fields = ["id", "market_time", "start_time", "owner", "restarts", "created_at", "updated_at"]


@admin.register(Feed)
class FeedAdmin(admin.ModelAdmin):
    """Feeds and their cursors."""

    list_display = ["instrument", "timeframe", "provider", "cursor_at", "is_open", "fault"]
    list_filter = ["provider", "is_open", "timeframe"]
    search_fields = ["instrument__symbol"]
    readonly_fields = ["id", "instrument", "timeframe", "provider", "cursor_at", "created_at", "updated_at"]
    list_select_related = ["instrument"]


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that the platform writes and operators only look at."""

    def has_add_permission(self, request: object) -> bool:
        """Nobody adds by hand."""
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        """Nobody changes by hand."""
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        """Nobody deletes by hand."""
        return False


@admin.register(CorporateAction)
class CorporateActionAdmin(ReadOnlyAdmin):
    """Splits and dividends; they are written down on their page, by API or command, which know what is traded."""

    list_display = ["instrument", "ex_date", "kind", "value", "created_at"]
    list_filter = ["kind"]
    search_fields = ["instrument__symbol"]
    list_select_related = ["instrument"]


@admin.register(PriceMark)
class PriceMarkAdmin(ReadOnlyAdmin):
    """Newest prices."""

    list_display = ["instrument", "price", "marked_at", "timeframe", "source", "updated_at"]
    search_fields = ["instrument__symbol"]
    list_select_related = ["instrument"]


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Who needs which bars."""

    list_display = ["owner_kind", "owner_label", "owner_id", "instrument", "timeframe", "created_at"]
    list_filter = ["owner_kind", "timeframe"]
    search_fields = ["owner_id", "owner_label", "instrument__symbol"]
    list_select_related = ["instrument"]


@admin.register(StreamLease)
class StreamLeaseAdmin(ReadOnlyAdmin):
    """Which process plays the feeds."""

    list_display = ["provider", "holder", "fence", "expires_at"]
    search_fields = ["holder"]
