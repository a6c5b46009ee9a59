"""Server-sent events as values; `parse` takes lines, whatever pieces they came in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event; `id` is the last id seen so far, as the standard says."""

    data: str
    name: str = "message"
    id: str = ""


def parse(lines: Iterable[bytes]) -> Iterator[Event]:
    """Events from a stream of lines. One cut off by the stream's end is dropped."""
    last_id, name, data = "", "", list[str]()
    for raw in lines:
        if not raw.endswith(b"\n"):
            return
        line = raw.rstrip(b"\r\n").decode("utf-8", "replace")
        if not line:
            if data:
                yield Event(data="\n".join(data), name=name or "message", id=last_id)
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value
