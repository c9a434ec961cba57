"""A sample view over a real table, on which the base of all API views is tested."""

from typing import Any, ClassVar

from django.urls import include, path
from rest_framework import serializers
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIClient

from apikeys.models import AccessToken
from apikeys.services import make_token
from core.api.fields import Boolean, DecimalString, Identifier, Integer, Number, Symbol, Text, UtcDateTime
from core.api.permissions import Scope
from core.api.queries import Filter
from core.api.serializers import StrictSerializer
from core.api.views import CreateMixin, DestroyMixin, OwnedReadViewSet
from domain.errors import IllegalState, RateLimited, TooLarge


class Leg(StrictSerializer):
    symbol = Symbol()
    ratio = Integer(minimum=1, maximum=9)


class SampleInput(StrictSerializer):
    name = Text(max_length=100)
    limit = DecimalString(required=False)
    share = Number(minimum=0, maximum=1, required=False)
    at = UtcDateTime(required=False)
    flag = Boolean(required=False)
    legs = Leg(many=True, required=False)
    tags = serializers.ListField(child=Text(max_length=10), max_length=3, required=False)


class SampleOutput(StrictSerializer):
    id = Identifier()
    name = Text(max_length=100)
    created_at = UtcDateTime()


class SampleViewSet(CreateMixin, DestroyMixin, OwnedReadViewSet):
    """Stands on the table of tokens; a name of ``boom…`` raises."""

    model = AccessToken
    output = SampleOutput
    bodies: ClassVar = {"create": SampleInput}
    filters: ClassVar = {
        "name": Filter("name", Text(max_length=100)),
        "revoked": Filter("revoked_at__isnull", Boolean()),
    }
    ordering: ClassVar = {"created_at": "created_at", "name": "name"}
    scopes: ClassVar = {"destroy": Scope.ADMIN}

    def make(self, values: dict[str, Any]) -> Any:
        errors = {
            "state": IllegalState("It is over.", field="name"),
            "large": TooLarge("Too much."),
            "rate": RateLimited("Slowly.", retry_after=7),
            "overflow": OverflowError("Python int too large"),
            "depth": RecursionError("too deep"),
        }
        token, _ = make_token(self.request.user, scopes=["read"], name=values["name"])
        if values["name"] in errors:
            raise errors[values["name"]]
        return token

    def remove(self, row: AccessToken) -> None:
        row.delete()


router = SimpleRouter()
router.register("samples", SampleViewSet, basename="sample")
urlpatterns = [path("api/v1/", include(router.urls)), path("", include("tradeplatform.urls"))]
handler400 = "tradeplatform.errors.bad_request"
handler403 = "tradeplatform.errors.permission_denied"
handler404 = "tradeplatform.errors.not_found"
handler500 = "tradeplatform.errors.server_error"

URL = "/api/v1/samples/"


def post(client: APIClient, body: Any, **extra: Any) -> Any:
    return client.post(URL, body, **extra)


def raw(client: APIClient, body: bytes, content_type: str = "application/json", method: str = "POST") -> Any:
    return client.generic(method, URL, body, content_type=content_type)
