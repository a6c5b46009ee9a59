"""The daemon's own log: one line per record, the fields as key=value."""

import logging
import sys

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
