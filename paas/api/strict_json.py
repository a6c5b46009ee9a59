"""JSON as RFC 8259 has it, without the readings that differ between parsers.

Refused: duplicate keys, NaN and infinities, numbers too large for a double,
nesting beyond the parser's depth, text that is not UTF-8.
"""

import json
import math
from typing import NoReturn

from paas.errors import Invalid


def parse(text: bytes) -> object:
    """The value. Raises `Invalid` (`malformed_json`) saying where it is wrong."""
    try:
        return json.loads(
            text.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise _malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise _malformed("it is not UTF-8") from None
    except RecursionError:
        raise _malformed("it is nested too deeply") from None
    except ValueError as error:  # ours, and a whole number of thousands of digits
        raise _malformed(str(error).partition(";")[0]) from None


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:100]!r} is there more than once")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _malformed(reason: str) -> Invalid:
    return Invalid(
        f"The body is not valid JSON: {reason}.",
        code="malformed_json",
        advice="Send one JSON object in UTF-8.",
    )
