"""Signing in and out: sessions, and what guessing costs.

A try is counted as failed before anything is compared, by address and by user; an unknown
user takes as long as a wrong password. Few passwords are worked out at a time, because
each takes 16 MiB.
"""

import asyncio
import ipaddress
import math
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from paas.control.ledger import Decision, Ledger, hashed
from paas.core.access import AccessChange, AccessRecords, Session, User, user_holder
from paas.core.attempts import Attempts
from paas.core.model import Event
from paas.core.passwords import verify_password
from paas.errors import Denied, NotFound, TooOften
from paas.ports import Clock

COOKIE_BYTES = 32
AT_ONCE = 2
MOST_WAITING = 20
"""Passwords that wait to be worked out; more are turned away for `BUSY` seconds."""
BUSY = 5.0
MOST_SESSIONS = 20
"""Of one user or token."""
NO_USER = "scrypt$16384$8$1$AAAAAAAAAAAAAAAAAAAAAA==$" + "A" * 43 + "="
"""Costs what a user's password costs, and is nobody's."""


class SignIn:
    """Sessions: begun by a proof, ended by their owner, an administrator or time."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._addresses = Attempts(free=5, longest=900.0)
        self._names = Attempts(free=10, longest=60.0)
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="scrypt")
        self._waiting = 0

    def close(self) -> None:
        """Work out no more passwords."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def by_password(self, name: str, password: str, *, address: str) -> tuple[Session, str]:
        """A session and its cookie. Raises `Denied` (`sign_in_failed`), `TooOften`."""
        where, now = _network(address), self._clock.monotonic()
        self._refuse_if_early(where, name)
        failures = self._addresses.begin(where, now)
        self._names.begin(name, now)
        user = self._ledger.user(name)
        right = await self._verify(password, user)
        if user is None or not right:
            known = f"the user {name}" if user else "an unknown user"
            raise await self._failed(known, address, failures)
        self._addresses.take_back(where, now)
        self._names.forget(name)
        session, secret = self._session(user_holder(name), address)

        def decide(holdings: AccessRecords) -> Decision:
            if user not in holdings.users:
                raise _not_right()  # changed meanwhile, perhaps because of this password
            return self._begun(holdings, session, user.actor)

        await self._ledger.change(decide)
        return session, secret

    async def by_token(
        self, *, address: str, holder: Callable[[], tuple[str, str]]
    ) -> tuple[Session, str]:
        """As `by_password`; `holder` tells what the session holds and the actor of the
        moment, or raises `Denied`.
        """
        where, now = _network(address), self._clock.monotonic()
        self._refuse_if_early(where)
        failures = self._addresses.begin(where, now)
        try:
            session, secret = self._session(holder()[0], address)
        except Denied:
            raise await self._failed("a token", address, failures) from None
        self._addresses.take_back(where, now)
        await self._ledger.change(lambda now: self._begun(now, session, holder()[1]))
        return session, secret

    async def end(self, session_id: str, *, actor: str) -> None:
        """Raises `NotFound` (`no_such_session`)."""

        def decide(holdings: AccessRecords) -> Decision:
            session = next((one for one in holdings.sessions if one.id == session_id), None)
            if session is None:
                raise NotFound(f"There is no session {session_id!r}.", code="no_such_session")
            event = self._event("session.ended", f"A session of {session.holder} ended.", actor)
            return AccessChange(sessions_gone=(session_id,)), (event,)

        await self._ledger.change(decide)

    def _session(self, holder: str, address: str) -> tuple[Session, str]:
        secret, now = secrets.token_urlsafe(COOKIE_BYTES), self._clock.time()
        session = Session(
            id=f"ses_{secrets.token_hex(8)}",
            hash=hashed(secret),
            holder=holder,
            created=now,
            seen=now,
            address=address,
        )
        return session, secret

    def _begun(self, now: AccessRecords, session: Session, actor: str) -> Decision:
        """The oldest of the same holder make room."""
        event = self._event("session.started", f"Signed in from {session.address}.", actor)
        own = [one.id for one in now.sessions if one.holder == session.holder]
        gone = tuple(own[: max(0, len(own) + 1 - MOST_SESSIONS)])
        return AccessChange(put=AccessRecords(sessions=(session,)), sessions_gone=gone), (event,)

    async def _verify(self, password: str, user: User | None) -> bool:
        """In threads of its own, which a caller that goes away does not multiply."""
        stored = user.password if user else NO_USER
        raw = password.encode("utf-8", "surrogatepass")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, verify_password, raw, stored)
        finally:
            self._waiting -= 1

    async def _failed(self, who: str, address: str, failures: int) -> Denied:
        """Events of failures grow with the logarithm of the tries: guessing writes little."""
        if failures & (failures - 1) == 0:
            message = f"Signing in as {who} from {address} failed ({failures} in a row)."
            event = self._event("session.refused", message, "")
            await self._ledger.change(lambda _: (AccessChange(), (event,)))
        return _not_right()

    def _refuse_if_early(self, where: str, name: str | None = None) -> None:
        now = self._clock.monotonic()
        wait = self._addresses.wait(where, now)
        if name is not None:
            wait = max(wait, self._names.wait(name, now))
            wait = max(wait, BUSY if self._waiting >= MOST_WAITING else 0.0)
        if wait > 0:
            raise _too_often(wait)

    def _event(self, kind: str, message: str, actor: str) -> Event:
        return Event(kind=kind, time=self._clock.time(), actor=actor, message=message)


def _network(address: str) -> str:
    """The address, of IPv6 the /64 that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _not_right() -> Denied:
    return Denied(
        "User, password or token are not right.",
        code="sign_in_failed",
        advice="Try again. `paas user` changes passwords, `paas token` makes tokens.",
    )


def _too_often(wait: float) -> TooOften:
    return TooOften(
        "There were too many failed tries to sign in.",
        code="too_many_attempts",
        advice=f"Try again in {math.ceil(wait)} s.",
        retry_after=math.ceil(wait),
    )
