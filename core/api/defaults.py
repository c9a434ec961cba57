"""What the settings say about the API: REST_FRAMEWORK and SPECTACULAR_SETTINGS (plain data, imports nothing)."""

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apikeys.authentication.TokenAuthentication",  # first: its WWW-Authenticate makes nobody a 401
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.permissions.ScopePermission"],
    "DEFAULT_THROTTLE_CLASSES": ["core.api.throttling.WindowThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.render.StrictJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.render.JsonAlways",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.StrictSchema",
    "DEFAULT_VERSIONING_CLASS": None,
    "DEFAULT_PAGINATION_CLASS": None,
    "EXCEPTION_HANDLER": "core.api.errors.problem_handler",
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Trading platform",
    "DESCRIPTION": "Self-hosted algorithmic trading: data, strategies, risk, orders, backtests, notifications.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    # Enumerations stay where they are used (two apps may use one field name), so no hook collects them.
    "POSTPROCESSING_HOOKS": ["core.api.schema.without_marks"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
