"""The OpenAPI description: valid, without warnings, complete; its page loads nothing but our own files."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver

from core.testing import page_client

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Fails on any warning of the generator and on anything that is not OpenAPI 3.1."""
    file = tmp_path_factory.mktemp("schema") / "schema.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", "--file", str(file))
    return json.loads(Path(file).read_text())


def operations(description: Any) -> list[tuple[str, str, Any]]:
    return [(p, m, op) for p, methods in description["paths"].items() for m, op in methods.items() if m in METHODS]


def addresses(patterns: Any, prefix: str = "") -> list[str]:
    found: list[str] = []
    for each in patterns:
        place = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            found += addresses(each.url_patterns, place)
        elif isinstance(each, URLPattern):
            found.append(place)
    return found


def normal(place: str) -> str:
    """Return an address with {} for its parameters: ^samples/(?P<pk>[0-9]+)/$ and samples/{id}/ agree."""
    place = re.sub(r"\(\?P<\w+>(?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)", "{}", place)
    return "/" + re.sub(r"<[^>]+>|\{[^}]*\}", "{}", place).replace("^", "").replace("$", "").replace("\\Z", "").lstrip(
        "/"
    )


def test_every_api_address_is_described(description: Any) -> None:
    described = {normal(place) for place in description["paths"]}
    routed = {normal(place) for place in addresses(get_resolver().url_patterns) if place.startswith("api/")}
    bare = {place for place in routed if not place.endswith("/")}  # the same views without the slash
    undescribed = routed - described - bare - {"/api/schema/", "/api/docs/"}

    assert description["openapi"].startswith("3.1")
    assert not {place for place in undescribed if not place.endswith("{}/")} and len(described) > 15, undescribed


def test_every_operation_says_what_it_does_and_how_it_fails(description: Any) -> None:
    for place, method, operation in operations(description):
        assert operation.get("description") or operation.get("summary"), (method, place)
        assert "application/problem+json" in operation["responses"]["default"]["content"], (method, place)


def test_bounds_and_keys_are_described(description: Any) -> None:
    tokens = description["paths"]["/api/v1/auth/tokens/"]
    limit = next(p for p in tokens["get"]["parameters"] if p["name"] == "limit")
    risk = description["components"]["schemas"]["RiskManagementPreferencesInputRequest"]["properties"]

    assert (limit["schema"]["minimum"], limit["schema"]["maximum"]) == (1, 500)
    assert risk["max_leverage"]["maximum"] == 20 and risk["max_leverage"]["description"]
    assert "Idempotency-Key" in [p["name"] for p in tokens["post"]["parameters"]]


@pytest.mark.django_db
def test_the_description_is_served_as_json() -> None:
    response = page_client().get("/api/schema/")

    assert response.status_code == 200 and json.loads(response.content)["openapi"].startswith("3.1")


@pytest.mark.django_db
def test_the_page_has_nothing_inline_and_only_files_that_exist() -> None:
    response = page_client().get("/api/docs/")
    html = response.content.decode()

    assert response.status_code == 200 and "unsafe" not in response.headers["Content-Security-Policy"]
    assert "style=" not in html and "<style" not in html and not re.search(r"<script[^>]*>\s*[^<\s]", html)
    files = re.findall(r'(?:src|href)="/static/([^"]+)"', html)
    assert len(files) == 4 and all(finders.find(name) for name in files), files


def _types(node: Any) -> Iterator[list[Any]]:
    if isinstance(node, dict):
        if isinstance(node.get("type"), list):
            yield node["type"]
        for each in node.values():
            yield from _types(each)
    elif isinstance(node, list):
        for each in node:
            yield from _types(each)


def test_no_type_names_the_same_kind_twice(description: Any) -> None:
    lists = list(_types(description))

    assert lists
    assert [each for each in lists if len(set(map(str, each))) != len(each)] == []
