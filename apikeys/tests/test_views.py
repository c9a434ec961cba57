"""The page of platform tokens."""

import pytest
from django.urls import reverse

from apikeys import selectors, services
from apikeys.models import AccessToken
from core.testing import PASSWORD, assert_page_needs_sign_in, make_user, page_client

pytestmark = pytest.mark.django_db
URL = "/keys/"
GIVEN = {"name": "script", "scopes": ["read"], "days": "30", "ip_networks": "", "password": PASSWORD}


def test_nobody_is_sent_to_sign_in():
    assert_page_needs_sign_in(URL)


def test_a_new_token_is_shown_once_and_opens_the_platform():
    user = make_user()
    client = page_client(user)

    secret = client.post(URL, GIVEN).context["secret"]

    assert selectors.user_for_token(secret, "127.0.0.1") == (user, frozenset({"read"}))
    assert secret not in client.get(URL).content.decode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "wrong"}, "password"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"name": ""}, "name"),
        ({"ip_networks": "999.1.1.1"}, "ip_networks"),
        ({"days": "100000"}, "days"),
    ],
)
def test_a_wrong_wish_is_told_at_its_field_and_makes_nothing(changes, field):
    answer = page_client(make_user()).post(URL, {**GIVEN, **changes})

    assert field in answer.context["form"].errors
    assert not AccessToken.objects.exists()


def test_a_token_is_revoked_by_its_owner_alone():
    owner = make_user()
    token, secret = services.make_token(owner, scopes=["read"])
    url = reverse("apikeys:revoke", args=[token.pk])

    assert page_client(make_user()).post(url).status_code == 404
    assert selectors.user_for_token(secret, "127.0.0.1") is not None
    page_client(owner).post(url)

    assert selectors.user_for_token(secret, "127.0.0.1") is None
