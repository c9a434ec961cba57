"""The page of platform tokens: make one (shown this once), see which there are and when they were used, revoke."""

from uuid import UUID

from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apikeys import selectors, services
from apikeys.forms import TokenForm
from core.pages import carry_out, page, show_faults
from domain.errors import PlatformError


@sensitive_post_parameters("password")
@never_cache
@page
@require_http_methods(["GET", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List the tokens; a POST makes one and shows its secret in the answer, never again."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    secret = _made(request, form) if form.is_bound and form.is_valid() else ""
    context = {
        "form": TokenForm() if secret else form,
        "secret": secret,
        "tokens": selectors.tokens_of(request.user),  # type: ignore[arg-type]  # signed in
    }
    return render(request, "apikeys/tokens.html", context)


def _made(request: HttpRequest, form: TokenForm) -> str:
    """Make the token and return its secret; "" when it was refused, with the faults at the form."""
    name, password = request.user.get_username(), form.cleaned_data["password"]
    if authenticate(request, username=name, password=password) is None:
        form.add_error("password", "This is not your password.")
        return ""
    try:
        _, secret = services.make_token(request.user, **form.values)  # type: ignore[arg-type]  # signed in
    except PlatformError as error:
        show_faults(form, error, names={fault.field: fault.field.partition(".")[0] for fault in error.errors})
        return ""
    return secret


@page
@require_POST
def revoke(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Make a token useless, for ever."""
    token = get_object_or_404(selectors.tokens_of(request.user), pk=pk)  # type: ignore[arg-type]  # signed in
    carry_out(request, lambda: services.revoke_token(token), done=f"The token {token} opens nothing any more.")
    return redirect("apikeys:list")
