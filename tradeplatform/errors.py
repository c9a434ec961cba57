"""What is answered when something goes wrong outside a view: problem+json under /api/, a readable page elsewhere."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from core.api.errors import CONTENT_TYPE, problem

DETAILS = {
    400: "The request could not be read.",
    401: "Sign in, or send a token.",
    403: "You may not do this.",
    404: "There is nothing at this address, or it is not yours.",
    405: "This address does not take that method.",
    413: "The request is larger than the platform accepts.",
    429: "Too many requests. Try again later.",
    500: "The platform failed to answer. The failure has been logged; nothing was changed by halves.",
}
CSRF_DETAIL = "The form was open for too long, or it came from another site. Go back, reload the page, send it again."


def answer(request: HttpRequest, status: int, detail: str = "") -> HttpResponse:
    """Return the error in the form that fits the address."""
    phrase = HTTPStatus(status).phrase
    text = detail or DETAILS.get(status, phrase)
    if is_api(request):
        body = problem(status, text, code=phrase.lower().replace(" ", "_"))
        return JsonResponse(body, status=status, content_type=CONTENT_TYPE)
    template = loader.select_template([f"{status}.html", "tradeplatform/error.html"])
    return HttpResponse(template.render({"status": status, "title": phrase, "detail": text}, request), status=status)


def is_api(request: HttpRequest) -> bool:
    """Tell whether the address belongs to the API."""
    return request.path.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400."""
    return answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    return answer(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    return answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500."""
    return answer(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a request without a valid CSRF token."""
    return answer(request, 403, CSRF_DETAIL)


class ErrorAnswerMiddleware:
    """Gives a body that fits to what Django answers bare or as HTML: 405, 413, and errors below middlewares."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on and dress a bare error answer."""
        response = self.get_response(request)
        if response.status_code < 400 or self._is_dressed(request, response):
            return response
        dressed = answer(request, response.status_code)
        for header in ("Allow", "Retry-After", "WWW-Authenticate"):
            if header in response:
                dressed[header] = response[header]
        dressed.cookies = response.cookies
        return dressed

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Say 413 where Django would say 400."""
        if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
            return answer(request, 413)
        return None

    @staticmethod
    def _is_dressed(request: HttpRequest, response: Any) -> bool:
        kind = response.get("Content-Type", "")
        if is_api(request):
            return "json" in kind
        return bool(getattr(response, "streaming", False)) or bool(response.content)
