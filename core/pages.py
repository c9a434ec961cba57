"""What pages of every app need: who may open them, running a service with its answer as a message, faults at fields."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import Http404, HttpRequest, HttpResponse

from domain.errors import NotFound, PlatformError

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """Open a view to signed-in users; what is not theirs does not exist (404)."""

    @wraps(view)
    def opened(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NotFound as error:
            raise Http404(error.message) from error

    return login_required(opened)


def carry_out(request: HttpRequest, work: Callable[[], Any], *, done: str | Callable[[Any], str]) -> Any:
    """Call a service; tell the user what came of it by a message. Return its answer, None when it was refused."""
    try:
        result = work()
    except NotFound:
        raise
    except PlatformError as error:
        messages.error(request, sentence(error.message))
        return None
    messages.success(request, done(result) if callable(done) else done)
    return result


def sentence(text: str) -> str:
    """Return the text with a capital letter and a full stop."""
    trimmed = text.strip()
    return trimmed[:1].upper() + trimmed[1:] + ("" if trimmed.endswith((".", "!", "?")) else ".")


def show_faults(form: forms.BaseForm, error: PlatformError, *, names: Mapping[str, str] | None = None) -> None:
    """Put a service's faults at the fields of a form (`names`: fault's field to form's); the rest above the form."""
    known = names or {}
    for fault in error.errors:
        name = known.get(fault.field, fault.field)
        form.add_error(name if name in form.fields else None, sentence(fault.message))
    if not error.errors:
        form.add_error(None, sentence(error.message))


_BOUND_WORDS: dict[type[Any], str] = {
    MinValueValidator: "%(show_value)s is below the least, %(limit_value)s.",
    MaxValueValidator: "%(show_value)s is above the most, %(limit_value)s.",
}


def say_bounds(form: forms.BaseForm) -> None:
    """Make a form's numbers say, when they are refused, what was typed and which bound it passes."""
    for field in form.fields.values():
        field.validators = [_worded(each) for each in field.validators]


def _worded(validator: Any) -> Any:
    words = _BOUND_WORDS.get(type(validator))
    return validator if words is None else type(validator)(validator.limit_value, words)


def is_fragment(request: HttpRequest) -> bool:
    """Tell whether htmx asks for a part of a page."""
    return bool(getattr(request, "htmx", False))
