"""Which channels this server can really use. A channel that is not in this table is never offered nor pretended."""

from domain.notices import Channel

TRANSPORTS: frozenset[Channel] = frozenset({Channel.IN_APP})
"""In the application a delivery is the notification's own row: it needs no sender and can not fail apart from it."""


def available_channels() -> frozenset[Channel]:
    """Return the channels that have a transport."""
    return TRANSPORTS
