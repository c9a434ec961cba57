"""People, in the operators' admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin

from users.models import User


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Django's own user admin, with the time zone."""

    list_display = ("username", "email", "timezone", "is_staff", "is_active", "last_login")
    search_fields = ("username", "email", "first_name", "last_name")
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), ("Time zone", {"fields": ("timezone",)}))
