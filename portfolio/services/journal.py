"""The journal: what a person writes on a trade."""

from collections.abc import Sequence

from django.db import transaction

from portfolio.models import Trade


@transaction.atomic
def annotate_trade(trade: Trade, *, notes: str | None = None, tags: Sequence[str] | None = None) -> Trade:
    """Change a trade's notes or tags (None leaves them); equal tags are kept once, in their order."""
    trade = Trade.objects.select_for_update(of=("self",)).select_related("instrument", "account").get(pk=trade.pk)
    trade.notes = trade.notes if notes is None else notes
    trade.tags = trade.tags if tags is None else list(dict.fromkeys(tags))
    trade.save(update_fields=["notes", "tags", "updated_at"])
    return trade
