"""The one error taxonomy, by who must act.

Adapters translate every third-party exception into one of these; only
`api.problems` and `proxy.pages` turn them into status codes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One wrong field of a request: `field` is a dotted path such as `replicas.min`."""

    field: str
    message: str


class PaasError(Exception):
    """What happened (`message`), to machines (`code`), and what to do next (`advice`).

    `code` is stable snake_case and part of the API. `fields` names every wrong
    field; `log` holds the last lines of output where there are any.
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        advice: str = "",
        fields: tuple[FieldError, ...] = (),
        log: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.advice = advice
        self.fields = fields
        self.log = log


class Invalid(PaasError):
    """The caller must change the request."""

    code = "invalid"


class TooLarge(Invalid):
    """The caller sent more than a limit allows."""

    code = "too_large"


class Denied(PaasError):
    """The caller must prove who it is, or is not allowed to do this."""

    code = "denied"


class TooOften(Denied):
    """The caller tried too often; `retry_after` is when it may again, in seconds."""

    code = "too_often"

    def __init__(self, message: str, *, retry_after: int, code: str, advice: str = "") -> None:
        super().__init__(message, code=code, advice=advice)
        self.retry_after = retry_after


class NotFound(PaasError):
    """The thing named does not exist."""

    code = "not_found"


class Conflict(PaasError):
    """The request is well-formed but the present state forbids it."""

    code = "conflict"


class Unavailable(PaasError):
    """Something outside (engine, disk, store) is not there now; a retry can help."""

    code = "unavailable"


class Failed(PaasError):
    """Work that was accepted did not succeed; the owner of the code must act."""

    code = "failed"
