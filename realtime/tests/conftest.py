"""Fixtures of the socket tests: a clean channel layer, rings of one's own, and a signed-in cookie."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from realtime import rings as ring_store
from users.models import User


@pytest.fixture(autouse=True)
def _own_rings() -> Iterator[None]:
    ring_store.rings.cache_clear()
    yield
    ring_store.rings.cache_clear()


@pytest.fixture
def person(transactional_db: None) -> User:
    """A user."""
    return User.objects.create_user("reader", password="correct horse battery")


@pytest.fixture
def cookie(person: User) -> bytes:
    """The Cookie header of that user's session."""
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()
