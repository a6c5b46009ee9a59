"""The ledger: all tokens, users and sessions in memory, the owner of who may come in.

Invariants: what is in memory was committed before, with the events that tell of it; one
change at a time sees the state that it changes; looking up a caller awaits nothing. Only
the coarse times of last use are ahead of the store, by up to `FLUSH` seconds.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace

from paas.aio.tasks import Tasks
from paas.core.access import AccessChange, AccessRecords, Session, Token, User, with_change
from paas.core.model import Change, Event
from paas.ports import Clock, Store

FLUSH = 60.0
"""Seconds between two looks at what was used."""
COARSE = 300.0
"""Seconds by which a time of last use may be old before it is renewed."""

Decision = tuple[AccessChange, tuple[Event, ...]]


class Ledger:
    """Looked up by the SHA-256 of a secret, changed by `change`."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tasks = Tasks()
        self._lock = asyncio.Lock()
        self._used: dict[str, float] = {}
        self._publish(AccessRecords())

    async def load(self) -> None:
        """Read everything."""
        self._publish(await self._store.access())

    async def run(self) -> None:
        """Keep the times of last use, and drop sessions that have ended."""
        while True:
            await self._clock.sleep(FLUSH)
            await self.flush()

    async def close(self) -> None:
        await self._tasks.close()

    @property
    def holdings(self) -> AccessRecords:
        return self._holdings

    def token(self, secret: str) -> Token | None:
        """The token of that text, expired or not."""
        return self._tokens.get(hashed(secret))

    def session(self, secret: str) -> Session | None:
        """The session of that cookie, ended or not."""
        return self._sessions.get(hashed(secret))

    def token_by_id(self, token_id: str) -> Token | None:
        return next((one for one in self._holdings.tokens if one.id == token_id), None)

    def user(self, name: str) -> User | None:
        return next((one for one in self._holdings.users if one.name == name), None)

    def seen(self, session: Session) -> float:
        """When a session was last used, as far as it is known here."""
        return max(session.seen, self._used.get(session.id, 0.0))

    def use(self, key: Token | Session) -> None:
        """It was used now; remembered when what is known is old."""
        now = self._clock.time()
        known = key.seen if isinstance(key, Session) else key.last_used or 0.0
        if now - max(known, self._used.get(key.id, 0.0)) >= COARSE:
            self._used[key.id] = now

    async def change(self, decide: Callable[[AccessRecords], Decision]) -> None:
        """Let `decide` say what becomes of the holdings, make it durable, publish it. A
        caller that is cancelled meanwhile cannot tear that apart.
        """
        work = self._tasks.spawn("access change", self._apply(decide), awaited=True)
        await asyncio.shield(work)

    async def flush(self) -> None:
        """Make the times of last use durable; nothing to write is nothing written."""
        used = self._used
        await self.change(lambda now: (_kept_up(now, used, self._clock.time()), ()))
        self._used = {key: at for key, at in self._used.items() if used.get(key) != at}

    async def _apply(self, decide: Callable[[AccessRecords], Decision]) -> None:
        async with self._lock:
            access, events = decide(self._holdings)
            if access.empty and not events:
                return
            await self._store.commit(Change(access=access, events=events))
            self._publish(with_change(self._holdings, access))

    def _publish(self, holdings: AccessRecords) -> None:
        self._holdings = holdings
        self._tokens = {one.hash: one for one in holdings.tokens}
        self._sessions = {one.hash: one for one in holdings.sessions}


def hashed(secret: str) -> bytes:
    """What is stored of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _kept_up(now: AccessRecords, used: dict[str, float], time: float) -> AccessChange:
    sessions = [replace(one, seen=max(one.seen, used.get(one.id, 0.0))) for one in now.sessions]
    alive = [one for one in sessions if not one.ended(time)]
    return AccessChange(
        put=AccessRecords(
            tokens=tuple(
                replace(one, last_used=used[one.id]) for one in now.tokens if one.id in used
            ),
            sessions=tuple(one for one in alive if one.id in used),
        ),
        sessions_gone=tuple(one.id for one in sessions if one.ended(time)),
    )
