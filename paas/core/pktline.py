"""The lines before the pack of a push, as `git send-pack` writes them.

Each line begins with its length in four hexadecimal digits, itself included; `0000`
ends them. They are read strictly and to a bound, before git sees any of it.
"""

import re

from paas.core.pushing import RefUpdate
from paas.errors import Invalid, TooLarge

FLUSH = b"0000"
LARGEST_LINE = 65520
MOST = 1024 * 1024
"""Bytes of all lines together: some ten thousand refs."""

_HEX = re.compile(rb"[0-9a-f]{4}", re.IGNORECASE)
_COMMAND = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64}) (refs/[^\0\n]+)")
_SHALLOW = re.compile(rb"shallow [0-9a-f]{40,64}\n?")


class Commands:
    """What a push asks for, read piece by piece; `complete` once its last line is there."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._at = 0
        self._lines = 0
        self.updates: list[RefUpdate] = []
        self.complete = False

    @property
    def data(self) -> bytes:
        """All that was fed, what follows the lines included."""
        return bytes(self._bytes)

    @property
    def probing(self) -> bool:
        """No line at all: git asks whether it may push before it sends much."""
        return self.complete and not self._lines

    @property
    def pack_follows(self) -> bool:
        """Whether a pack comes behind the lines: not when refs are only deleted."""
        return any(not update.deletes for update in self.updates)

    def feed(self, data: bytes) -> None:
        """More bytes. Raises `Invalid` (`malformed_push`), `TooLarge`."""
        self._bytes += data
        while not self.complete and (line := self._next()) is not None:
            self._take(line)
        if not self.complete and len(self._bytes) > MOST:
            raise TooLarge("The push changes too many refs at once.", advice="Push fewer of them.")

    def end(self) -> None:
        """No more bytes come. Raises `Invalid` when that is too early."""
        if not self.complete:
            raise _malformed("it was cut off")

    def _next(self) -> bytes | None:
        """The next whole line; b"" is the last one."""
        head = bytes(self._bytes[self._at : self._at + 4])
        if len(head) < 4:
            return None
        if not _HEX.fullmatch(head):
            raise _malformed("a line does not begin with its length")
        length = int(head, 16)
        if length == 0:
            self._at += 4
            return b""
        if not 4 < length <= LARGEST_LINE:
            raise _malformed("a line has an impossible length")
        if len(self._bytes) < self._at + length:
            return None
        line = bytes(self._bytes[self._at + 4 : self._at + length])
        self._at += length
        return line

    def _take(self, line: bytes) -> None:
        if not line:
            self.complete = True
            return
        self._lines += 1
        if _SHALLOW.fullmatch(line):
            return
        found = _COMMAND.fullmatch(line.partition(b"\0")[0].rstrip(b"\n"))
        if found is None:
            raise _malformed("a line names no change of a ref")
        old, new, ref = (part.decode("utf-8", "replace") for part in found.groups())
        self.updates.append(RefUpdate(old=old, new=new, ref=ref))


def line(text: bytes) -> bytes:
    """The text as one line."""
    return b"%04x%s" % (len(text) + 4, text)


def announcement(refs: bytes) -> bytes:
    """What `git receive-pack` advertises, as an HTTP client expects it."""
    return line(b"# service=git-receive-pack\n") + FLUSH + refs


def advertised(answer: bytes) -> bytes:
    """The other way round, for a client that speaks over SSH. Raises `Invalid`."""
    prefix = announcement(b"")
    if not answer.startswith(prefix):
        raise _malformed("the daemon's answer is none of git's")
    return answer[len(prefix) :]


def _malformed(why: str) -> Invalid:
    return Invalid(f"This is no push: {why}.", code="malformed_push", advice="Use `git push`.")
