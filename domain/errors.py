"""The errors that the platform anticipates. Every message can be shown to the user and names the value and the bound.

What is not a child of ``PlatformError`` is a bug and is left to surface.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with one field of the input (``field`` is a dotted path, "" for the whole)."""

    field: str
    code: str
    message: str


class PlatformError(Exception):
    """An anticipated error; ``status`` is the HTTP status it becomes, ``title`` its short name."""

    status = 400
    code = "error"
    title = "The request could not be carried out"

    def __init__(self, message: str, *, field: str = "", code: str = "", errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.code = code or type(self).code
        self.errors = errors or ((FieldError(field, self.code, message),) if field else ())


class ValidationFailed(PlatformError):
    """The input is malformed or out of bounds; ``errors`` lists every fault, not only the first."""

    status = 400
    code = "invalid"
    title = "The input is not valid"

    @classmethod
    def of(cls, errors: tuple[FieldError, ...]) -> "ValidationFailed":
        """Build one error from several field errors; raises ValueError when there are none."""
        if not errors:
            raise ValueError("ValidationFailed.of needs at least one field error")
        return cls("; ".join(e.message for e in errors), errors=errors)


class NotFound(PlatformError):
    """The thing does not exist, or is not the asker's: both look the same."""

    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(PlatformError):
    """The request contradicts what is there (a key used twice with other content, a name taken)."""

    status = 409
    code = "conflict"
    title = "Conflict with the present state"


class IllegalState(Conflict):
    """The thing is in a state that does not allow this."""

    code = "illegal_state"


class VersionMoved(PlatformError):
    """A conditional update named a version that is no longer the newest."""

    status = 412
    code = "version_moved"
    title = "Somebody changed it in between"


class PermissionRefused(PlatformError):
    """The asker is known but may not do this."""

    status = 403
    code = "permission_refused"
    title = "Not allowed"


class TooLarge(PlatformError):
    """More bytes or rows than the bound."""

    status = 413
    code = "too_large"
    title = "Too large"


class RateLimited(PlatformError):
    """Too many requests; may be tried again after ``retry_after`` seconds."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, message: str, *, retry_after: int, field: str = "", code: str = "") -> None:
        super().__init__(message, field=field, code=code)
        self.retry_after = retry_after


class BrokerError(PlatformError):
    """A broker said no, or said nothing.

    ``unresolved`` is true when the request may have reached the venue: the order's fate is then unknown and nobody
    may send it again. ``retryable`` is true only when it certainly did not arrive.
    """

    status = 502
    code = "broker_error"
    title = "The broker did not accept the request"

    def __init__(self, message: str, *, retryable: bool = False, unresolved: bool = False, code: str = "") -> None:
        super().__init__(message, code=code)
        self.retryable = retryable
        self.unresolved = unresolved


class ProviderError(PlatformError):
    """A market data source failed or sent something unusable."""

    status = 502
    code = "provider_error"
    title = "The data source did not deliver"


class StrategyError(PlatformError):
    """A strategy's code raised, or answered something that is no answer."""

    code = "strategy_error"
    title = "The strategy failed"
