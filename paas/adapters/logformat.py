"""The daemon's own log: one line per record, the fields as key=value."""

import logging
import sys
from typing import Protocol

log = logging.getLogger(__name__)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FieldFormatter(logging.Formatter):
    """`time level logger message key=value …`; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        text = super().format(record)
        head, newline, trace = text.partition("\n")
        pairs = " ".join(f"{key}={value!r}" for key, value in fields.items())
        return f"{head} {pairs}{newline}{trace}" if pairs else text


def configure(level: str) -> None:
    """Log to standard error from `level` up; libraries only from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FieldFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("paas").setLevel(level.upper())
    sys.unraisablehook = unraisable


class Unraisable(Protocol):
    """What Python tells of an exception that nobody could catch."""

    exc_value: BaseException | None
    object: object


def unraisable(found: Unraisable, /) -> None:
    """Log it; but not what any client can cause as often as it likes: the TLS library fails
    so on a server name that is not ASCII, and then refuses the handshake, which is counted.
    """
    if isinstance(found.exc_value, UnicodeDecodeError) and isinstance(found.object, bytes):
        return
    log.error(
        "exception ignored",
        exc_info=found.exc_value,
        extra={"place": repr(found.object)},
    )
