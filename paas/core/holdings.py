"""What an engine holds because of us and carries no label of ours: it is written down.

An image pulled for a version, a layer that a build left, a record of the build cache:
nothing on the engine says whose they are, so only what stands in this list is ever
removed.
"""

from dataclasses import dataclass
from enum import StrEnum


class Held(StrEnum):
    """LAYER: an image that a step of our build made. PULLED: an image that we fetched.
    CACHE: a record of BuildKit's cache.
    """

    LAYER = "layer"
    PULLED = "pulled"
    CACHE = "cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One thing of ours; `id` is the engine's (of a layer perhaps its first 12 digits), `name`
    the reference that an image was pulled by, `service` whose deployment brought it.
    """

    kind: Held
    id: str
    noted: float
    name: str = ""
    service: str = ""


class StepReader:
    """Reads the classic builder's output for the ids of images that its steps made.

    An image that a step took from the cache, or that FROM names, may be anybody's and is
    passed over. A program's output can look like the builder's: whoever acts on an id
    looks first at when that image was made. `classic` once the output is that builder's, which
    leaves nothing in BuildKit's cache.
    """

    def __init__(self) -> None:
        self._taken = True
        self.classic = False

    def read(self, line: str) -> str | None:
        """The first 12 digits of the id of an image that was made, if this line tells one."""
        if line.startswith("Step "):
            self.classic = True
            self._taken = line.partition(" : ")[2].upper().startswith("FROM ")
        elif line == " ---> Using cache":
            self._taken = True
        elif line.startswith(" ---> ") and not self._taken:
            found = line.removeprefix(" ---> ")
            if len(found) == 12 and not set(found) - set("0123456789abcdef"):
                return found
        return None
