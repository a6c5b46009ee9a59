"""Passwords of services, proved off the event loop and remembered.

A right answer is remembered so that the next requests with it cost microseconds, a
wrong one so that repeating it costs nothing either. Both memories are bounded and
apart, so that guesses push no right answer out; they hold keyed digests, never a
password. At most `AT_ONCE` are computed at a time and few may wait for each login,
so a flood of guesses takes neither the host nor the other services' doors.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable

from paas.aio.tasks import Tasks
from paas.core.model import BasicAuth
from paas.core.passwords import verify_password
from paas.core.policy import Prove

RIGHT, WRONG = 512, 2048
AT_ONCE = 1
WAITING = 16

Proved = Callable[[bool | None], None]
"""Called once: whether it is right, None when too many are being checked."""


class Proofs:
    """`check` answers at once when it can."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._asking: dict[bytes, list[Proved]] = {}
        self._waiting: dict[str, int] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    def check(self, login: BasicAuth, given: Prove, done: Proved) -> None:
        """Call `done`, now or later."""
        digest = self._digest(login, given)
        if digest in self._right:
            self._right.move_to_end(digest)
            done(True)
        elif digest in self._wrong:
            done(False)
        elif digest in self._asking:
            self._asking[digest].append(done)
        elif self._waiting.get(login.password, 0) >= WAITING:
            done(None)
        else:
            self._asking[digest] = [done]
            self._waiting[login.password] = self._waiting.get(login.password, 0) + 1
            self._tasks.spawn("prove password", self._prove(digest, login, given))

    @property
    def remembered(self) -> tuple[int, int]:
        """How many right and how many wrong answers are held."""
        return len(self._right), len(self._wrong)

    async def _prove(self, digest: bytes, login: BasicAuth, given: Prove) -> None:
        right: bool | None = None
        try:
            async with self._turn:
                right = await asyncio.to_thread(_matches, login, given)
            self._remember(digest, right=right)
        finally:
            left = self._waiting.pop(login.password) - 1
            if left:
                self._waiting[login.password] = left
            for done in self._asking.pop(digest):
                done(right)

    def _remember(self, digest: bytes, *, right: bool) -> None:
        memory, most = (self._right, RIGHT) if right else (self._wrong, WRONG)
        memory[digest] = None
        while len(memory) > most:
            memory.popitem(last=False)

    def _digest(self, login: BasicAuth, given: Prove) -> bytes:
        """Of login and attempt together: a changed password makes all of them strangers."""
        parts = (login.password.encode(), login.user.encode(), given.user, given.password)
        framed = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        return hmac.digest(self._key, framed, hashlib.sha256)


def _matches(login: BasicAuth, given: Prove) -> bool:
    """A wrong user costs as much as a wrong password."""
    right = verify_password(given.password, login.password)
    return hmac.compare_digest(given.user, login.user.encode()) and right
