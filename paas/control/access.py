"""Who may come in, and who they are: by token, by session, by name and password.

Each change is durable with its event, which names the actor and no secret, before the
call returns.
"""

from dataclasses import replace

from paas.aio.tasks import Tasks
from paas.control.accounts import TokenBook, UserBook
from paas.control.ledger import Ledger
from paas.control.signin import SignIn
from paas.core.access import Principal, Scope, Session, View, token_holder
from paas.errors import Denied
from paas.ports import Clock, MasterKey, Store

MASTER = Principal(actor="admin", scope=Scope.ADMIN)
"""Whoever holds the first admin token."""


class Access:
    """The front: `tokens`, `users` and `sessions` change; the rest tells who calls."""

    def __init__(self, *, store: Store, clock: Clock, master: MasterKey) -> None:
        self._clock = clock
        self._tasks = Tasks()
        self._master = master
        self.ledger = Ledger(store=store, clock=clock)
        self.tokens = TokenBook(self.ledger, clock)
        self.users = UserBook(self.ledger, clock)
        self.sessions = SignIn(self.ledger, clock)

    async def start(self) -> None:
        """Know everybody, and keep the times of last use from now on."""
        await self.ledger.load()
        self._tasks.heal("access", self.ledger.run)

    async def close(self) -> None:
        await self._tasks.close()
        self.sessions.close()
        await self.ledger.close()

    def by_token(self, secret: str) -> Principal:
        """Whose token it is. Raises `Denied` (`bad_token`, `token_expired`)."""
        if self._master.verify(secret):
            return MASTER
        token = self.ledger.token(secret)
        if token is None:
            raise Denied(
                "The token is not valid.",
                code="bad_token",
                advice="Send `Authorization: Bearer <token>` with a token of this daemon.",
            )
        if token.expired(self._clock.time()):
            raise Denied(
                f"The token {token.name!r} has expired.",
                code="token_expired",
                advice="Have an administrator create a new one: paas token create.",
            )
        self.ledger.use(token)
        view = View(service=token.service)
        return Principal(actor=token.actor, scope=token.scope, view=view)

    def by_session(self, secret: str, *, used: bool = True) -> Principal | None:
        """Whose session it is; None when it has ended, or what it stood for has. With
        `used` this counts as its use.
        """
        session = self.ledger.session(secret)
        if session is None:
            return None
        ended = self._as_seen(session).ended(self._clock.time())
        holder = None if ended else self._holder(session)
        if holder is None:
            return None
        if used:
            self.ledger.use(session)
        return replace(holder, session=session.id)

    def session(self, secret: str) -> Session | None:
        """The session of that cookie, as it is kept."""
        session = self.ledger.session(secret)
        return session and self._as_seen(session)

    def open_sessions(self) -> "list[tuple[Session, Principal]]":
        """Every session that lets somebody in, with whom, in order of creation."""
        seen = (self._as_seen(one) for one in self.ledger.holdings.sessions)
        found = ((one, self._holder(one)) for one in seen if not one.ended(self._clock.time()))
        return [(one, holder) for one, holder in found if holder is not None]

    async def sign_in_by_token(self, secret: str, *, address: str) -> tuple[Session, str]:
        """A session that stands for the token, with its cookie. Raises `Denied`
        (`sign_in_failed`), `TooOften`.
        """
        return await self.sessions.by_token(
            address=address, holder=lambda: self._token_holder(secret)
        )

    def _as_seen(self, session: Session) -> Session:
        return replace(session, seen=self.ledger.seen(session))

    def _token_holder(self, secret: str) -> tuple[str, str]:
        """What such a session holds, and the actor."""
        actor = self.by_token(secret).actor
        token = self.ledger.token(secret)
        return (token_holder(token.id) if token else self._master_holder()), actor

    def _master_holder(self) -> str:
        return f"admin:{self._master.mark}"

    def _holder(self, session: Session) -> Principal | None:
        """As it is now: a changed role counts at once."""
        kind, _, key = session.holder.partition(":")
        if session.holder == self._master_holder():
            return MASTER
        if kind == "user":
            user = self.ledger.user(key)
            if user is None:
                return None
            return Principal(actor=user.actor, scope=user.role, view=View(service=user.service))
        token = self.ledger.token_by_id(key)
        if token is None or token.expired(self._clock.time()):
            return None
        return Principal(actor=token.actor, scope=token.scope, view=View(service=token.service))
