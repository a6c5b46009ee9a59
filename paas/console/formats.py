"""Numbers and times as people read them; the same in both languages but for their words."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from paas.console.wording import Words

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
MINUTE, HOUR, DAY = 60, 3600, 86400
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(value: object) -> object:
    """A text with the codes of terminals and of writing directions shown, as the command
    line shows them; anything else, markup of ours too, as it is.
    """
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return _UNSEEN.sub(_shown, value)


def size(count: float | None) -> str:
    """`1.4 GiB`; empty while unknown."""
    if count is None:
        return ""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    places = 0 if value >= 100 or unit == 0 else 1
    return f"{value:.{places}f} {_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """`320 ms`, `4.2 s`, `3 min`, `5 h`, `2 d`; empty while unknown."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    raise AssertionError("every duration has a unit")


def span(seconds: float, words: Words) -> str:
    """Whole seconds, minutes, hours or days in the language of `words`."""
    for unit, name in ((DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")):
        if seconds >= unit:
            return words[f"time.{name}"].format(count=int(seconds // unit))
    return words["time.seconds"].format(count=int(seconds))


def ago(moment: float | None, now: float, words: Words) -> str:
    """`3 min ago` in the language of `words`."""
    if moment is None:
        return ""
    passed = max(0.0, now - moment)
    if passed < 5:
        return words["time.now"]
    return words["time.ago"].format(span=span(passed, words))


def iso(moment: float | None) -> str:
    """RFC 3339 in UTC, for `datetime` attributes."""
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def rate(value: float | None) -> str:
    """Requests per second: three digits."""
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def sparkline(values: Sequence[float]) -> str:
    """The points of a polyline 100 wide and 20 high; empty when there is nothing to see."""
    top = max(values, default=0)
    if not top:
        return ""
    step = 100 / max(1, len(values) - 1)
    return " ".join(
        f"{number * step:.1f},{19 - 18 * value / top:.1f}" for number, value in enumerate(values)
    )


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
