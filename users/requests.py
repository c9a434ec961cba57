"""The type of a request whose user is known to be signed in."""

from django.http import HttpRequest

from users.models import User


class SignedInRequest(HttpRequest):
    """What a view behind ``core.pages.page`` is given; for annotations only."""

    user: User
