"""What can go wrong in the command line, with the exit code it ends in."""

from collections.abc import Mapping
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes that `paas --help` documents."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    TROUBLE = 5
    INTERRUPTED = 130


class CliError(Exception):
    """A message, what to do next (`advice`) and every wrong field (`fields`: path → message)."""

    def __init__(
        self,
        message: str,
        *,
        exit_code: Exit = Exit.USAGE,
        code: str = "usage",
        advice: str = "",
        fields: Mapping[str, str] | None = None,
        log: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.code = code
        self.advice = advice
        self.fields = dict(fields or {})
        self.log = log

    def as_json(self) -> dict[str, object]:
        """The error as one object for `--json` on stderr."""
        return {
            "error": {
                "code": self.code,
                "message": self.message,
                "advice": self.advice,
                "fields": self.fields,
                "log": list(self.log),
            },
            "exit_code": int(self.exit_code),
        }


class Unreachable(CliError):
    """Nobody answered where the daemon was looked for, or the answer broke off."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(
            message,
            exit_code=Exit.UNREACHABLE,
            code="unreachable",
            advice=advice
            or "Start the daemon with `paas serve`, or name it with --url or PAAS_URL.",
        )
