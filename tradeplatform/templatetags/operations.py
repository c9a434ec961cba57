"""The box of the admin's first page; read only where that page shows it."""

from typing import Any

from django import template

from tradeplatform import operations

register = template.Library()


@register.inclusion_tag("tradeplatform/_operations.html", takes_context=True)
def platform_state(context: template.Context) -> dict[str, Any]:
    """Show the platform's kill switch, health, outbox and dead letters."""
    return {**operations.state(), "request": context.get("request"), "csrf_token": context.get("csrf_token")}
