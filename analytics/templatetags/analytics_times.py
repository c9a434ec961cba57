"""Template filter from unix seconds to a moment."""

from datetime import UTC, datetime

from django import template

register = template.Library()


@register.filter
def moment(seconds: int) -> datetime:
    """Return the moment of unix seconds, for `{% when %}`."""
    return datetime.fromtimestamp(seconds, UTC)
