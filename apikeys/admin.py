"""Keys in the admin: tokens are shown without their secret and can only be revoked."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apikeys import services
from apikeys.models import AccessToken


@admin.register(AccessToken)
class AccessTokenAdmin(admin.ModelAdmin):
    """Read-only, with revoke as an action."""

    list_display = ("name", "hint", "user", "scopes", "expires_at", "last_used_at", "last_used_ip", "revoked_at")
    list_filter = ("revoked_at", "expires_at")
    search_fields = ("name", "hint", "user__username")
    actions = ("revoke",)
    exclude = ("digest",)

    @admin.action(description="Revoke the chosen tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessToken]) -> None:
        """Revoke those that are not revoked yet."""
        chosen = list(queryset.filter(revoked_at__isnull=True))
        for token in chosen:
            services.revoke_token(token)
        self.message_user(request, f"{len(chosen)} tokens revoked.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tokens are made by their users."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        """Nothing of a token changes but by a service."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        """A revoked token stays in the history."""
        return False
