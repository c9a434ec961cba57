"""Every notification leads to a page that exists."""

import re
from uuid import uuid4

import pytest
from django.urls import resolve

from notifications.catalogue import SPECS

LINKS = sorted({spec.link for specs in SPECS.values() for spec in specs if spec.link})


@pytest.mark.parametrize("link", LINKS)
def test_the_address_of_a_notification_is_one_of_ours(link: str) -> None:
    path = re.sub(r"\{\w+\}", str(uuid4()), link).partition("?")[0]

    assert resolve(path).func is not None
