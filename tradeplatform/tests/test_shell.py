"""The frame's state is read only when a template shows it."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from tradeplatform.shell import shell
from users.models import User


def test_nobody_signed_in_has_no_shell() -> None:
    request: Any = RequestFactory().get("/")
    request.user = AnonymousUser()

    assert shell(request) == {}
    assert shell(RequestFactory().get("/")) == {}


def test_nothing_is_read_before_a_template_asks() -> None:
    request: Any = RequestFactory().get("/")
    request.user = SimpleNamespace(is_authenticated=True)

    assert "shell" in shell(request)  # without a database: this test has none


@pytest.mark.django_db
def test_the_bell_is_part_of_it() -> None:
    request: Any = RequestFactory().get("/")
    request.user = User.objects.create_user("ada")

    assert shell(request)["shell"]["n_unread"] == 0
    assert shell(request)["shell"]["bell_url"] == "/notifications/bell/"
