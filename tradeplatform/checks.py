"""System checks of what the platform relies on: a database that keeps what it has confirmed."""

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

DURABLE = {"fsync": ("on",), "full_page_writes": ("on",), "synchronous_commit": ("on", "remote_write", "remote_apply")}


@register(Tags.database)
def durable_database(*, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse a PostgreSQL that may lose a confirmed order: it is on the wire before it is on the disk."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        if connections[alias].vendor != "postgresql":
            continue
        with connections[alias].cursor() as cursor:
            for name, allowed in DURABLE.items():
                cursor.execute(f"SHOW {name}")
                value = cursor.fetchone()[0]
                if value not in allowed:
                    found.append(Error(f"{name} is '{value}'; it must be '{allowed[0]}'.", id="tradeplatform.E001"))
    return found
