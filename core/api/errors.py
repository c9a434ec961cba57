"""Every error that a view of the API raises, as an RFC 9457 problem (application/problem+json).

What goes wrong outside a view is answered by tradeplatform.errors.
"""

import errno
import logging
import math
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFilesSent,
)
from django.core.exceptions import ValidationError as ModelValidationError
from django.db.models import ProtectedError, RestrictedError
from django.db.utils import DataError, IntegrityError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import set_rollback

from domain.errors import FieldError, PlatformError, RateLimited

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"

_TITLES = {
    400: "The request is malformed",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed here",
    406: "Not acceptable",
    409: "Conflict with the present state",
    411: "Length required",
    412: "Somebody changed it in between",
    413: "Too large",
    415: "Media type not understood here",
    429: "Too many requests",
    500: "The platform failed",
    503: "Not able to at the moment",
}
_NOT_FOUND = "There is no such thing, or it is not yours."
# What a parser or the database raises when a client sends something that no type can hold.
_INPUT_FAULTS = (DataError, OverflowError, RecursionError, UnicodeError)
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_WORDS = ("database or disk is full", "No space left on device")  # SQLite, PostgreSQL
_FULL_DETAIL = "The disk of the platform is full: nothing was changed. It goes on by itself when there is room again."


def problem(
    status: int,
    detail: str,
    *,
    code: str,
    errors: Iterable[FieldError] = (),
    title: str = "",
) -> dict[str, Any]:
    """Return the body of a problem: type, title, status, detail, errors."""
    return {
        "type": f"urn:problem:{code}",
        "title": title or _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "errors": [{"field": e.field, "code": e.code, "message": e.message} for e in errors],
    }


def problem_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn an exception of a view into a problem; None for a bug, which then surfaces as a 500."""
    found = _problem_of(exc)
    if found is None:
        return None
    body, headers = found
    set_rollback()
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def _problem_of(exc: Exception) -> tuple[dict[str, Any], dict[str, str]] | None:
    if isinstance(exc, PlatformError):
        return _of_platform(exc)
    if isinstance(exc, drf.APIException):
        return _of_drf(exc)
    if isinstance(exc, Http404):
        return problem(404, _NOT_FOUND, code="not_found"), {}
    if isinstance(exc, PermissionDenied):
        return problem(403, str(exc) or "You may not do this.", code="permission_refused"), {}
    if isinstance(exc, RequestDataTooBig | TooManyFilesSent):
        return problem(413, str(exc), code="too_large"), {}
    if isinstance(exc, SuspiciousOperation):
        return problem(400, "The request is malformed.", code="malformed"), {}
    if isinstance(exc, ModelValidationError):
        errors = tuple(_of_model_errors(exc))
        return problem(400, _joined(errors), code="invalid", errors=errors), {}
    if is_disk_full(exc):
        logger.error("the disk is full; a request was refused")
        return problem(503, _FULL_DETAIL, code="disk_full"), {"Retry-After": "30"}
    return _of_database(exc)


def is_disk_full(exc: Exception) -> bool:
    """Tell whether an exception means that nothing more can be stored."""
    if isinstance(exc, OSError):
        return exc.errno in _FULL
    return isinstance(exc, OperationalError) and any(words in str(exc) for words in _FULL_WORDS)


def _of_platform(exc: PlatformError) -> tuple[dict[str, Any], dict[str, str]]:
    headers = {"Retry-After": str(exc.retry_after)} if isinstance(exc, RateLimited) else {}
    detail = _NOT_FOUND if exc.status == 404 and not exc.errors else exc.message
    return problem(exc.status, detail, code=exc.code, errors=exc.errors, title=exc.title), headers


def _of_drf(exc: drf.APIException) -> tuple[dict[str, Any], dict[str, str]]:
    headers: dict[str, str] = {}
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header
    if isinstance(exc, drf.Throttled):
        headers["Retry-After"] = str(max(1, math.ceil(exc.wait or 1)))
    if isinstance(exc, drf.ValidationError):
        errors = tuple(flatten(exc.detail))
        return problem(400, _joined(errors), code="invalid", errors=errors), headers
    status = int(exc.status_code)
    code = str(exc.get_codes()) if isinstance(exc.get_codes(), str) else exc.default_code
    detail = _NOT_FOUND if status == 404 else str(exc.detail)
    return problem(status, detail, code=code), headers


def _of_database(exc: Exception) -> tuple[dict[str, Any], dict[str, str]] | None:
    if isinstance(exc, ProtectedError | RestrictedError):
        return problem(409, "Other things still refer to it.", code="in_use"), {}
    if isinstance(exc, IntegrityError):
        logger.warning("a database constraint refused a request", exc_info=exc)
        return problem(409, "It contradicts what is stored (taken name or vanished reference).", code="conflict"), {}
    if isinstance(exc, _INPUT_FAULTS):
        logger.warning("input that no type can hold", exc_info=exc)
        return problem(400, "A value is out of the range that can be stored.", code="out_of_range"), {}
    return None


def flatten(detail: Any, path: str = "") -> Iterable[FieldError]:
    """Turn DRF's nested error detail into field errors with dotted paths."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            yield from flatten(value, path if key == api_settings.NON_FIELD_ERRORS_KEY else _join(path, str(key)))
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list | tuple)
            yield from flatten(value, _join(path, str(index)) if nested else path)
    else:
        yield FieldError(path, getattr(detail, "code", None) or "invalid", str(detail))


def _of_model_errors(exc: ModelValidationError) -> Iterable[FieldError]:
    by_field = exc.error_dict if hasattr(exc, "error_dict") else {"": exc.error_list}
    for field, errors in by_field.items():
        for error in errors:
            for message in error.messages:
                yield FieldError("" if field == "__all__" else field, error.code or "invalid", message)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _joined(errors: tuple[FieldError, ...]) -> str:
    return "; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in errors)
