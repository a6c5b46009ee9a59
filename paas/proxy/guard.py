"""One request at its service's door: the policy's decisions, carried out.

Only requests whose route has a policy, or that a trusted proxy sent, come here; the
others never pay for it. `core.policy` decides; this fetches the facts, proves the
password, lets the request wait through a pause, and chooses the version.
"""

import re
from functools import partial
from typing import Protocol, assert_never

from paas.core.ignoring import Ignore, ignored
from paas.core.model import BasicAuth
from paas.core.policy import (
    Decision,
    Facts,
    Policy,
    Prove,
    Redirect,
    Refuse,
    Verdict,
    decide,
    sticky_cookie,
    sticky_version,
)
from paas.core.routing import Route
from paas.http1.events import Framing, RequestHead
from paas.proxy import facts, pages
from paas.proxy.client import Client
from paas.proxy.pages import Page, Problem
from paas.proxy.plane import Plane

_PORT = re.compile(rb"(?::[0-9]*)?\Z")
_REFUSALS = {
    Refuse.ADDRESS: pages.ADDRESS_DENIED,
    Refuse.BODY: pages.BODY_TOO_LARGE,
    Refuse.PATH: pages.NO_SUCH_PATH,
    Refuse.MAINTENANCE: pages.MAINTENANCE,
}


class Guarded(Protocol):
    """The exchange as its guard sees it: one of the first three is called, once; `held`
    before, any number of times.
    """

    def admitted(self, version: str, *, cookie: bytes, rule: Ignore | None) -> None: ...

    def fail(self, problem: Problem) -> None: ...

    def reply(self, page: Page, *, status: int) -> None: ...

    def held(self) -> None:
        """Call `again` soon."""


class Guard:
    """`waiting` while it wants `again`; `body_limit` is bytes, 0 for none."""

    __slots__ = (
        "_client",
        "_exchange",
        "_head",
        "_held_for",
        "_left",
        "_plane",
        "_proven",
        "_route",
        "_until",
        "body_limit",
        "waiting",
    )

    def __init__(self, plane: Plane, head: RequestHead, client: Client, exchange: Guarded) -> None:
        self._plane = plane
        self._head = head
        self._client = client
        self._exchange = exchange
        self._route: Route | None = None
        self._proven: BasicAuth | None = None
        self._held_for: str | None = None
        self._until = 0.0
        self._left = False
        self.waiting = False
        self.body_limit = 0

    def ask(self, route: Route, *, received: int = 0) -> None:
        """Decide about the request; `received` is how much of its body came already."""
        self._route = route
        policy = route.policy
        if policy is None:
            return self._admit(route)
        self.body_limit = policy.body_limit
        found = self._facts(policy, received)
        return self._act(decide(policy, found, proven=self._proven), route, policy)

    def again(self, *, received: int) -> None:
        """Look whether the pause is over."""
        self.waiting = False
        route = self._client.route(self._head.host)
        if route is None:
            self._exchange.fail(pages.NO_SUCH_HOST)
        else:
            self.ask(route, received=received)

    def leave(self) -> None:
        """The request is over, or past the door."""
        self._left = True
        self._unhold()

    # ---- private

    def _act(self, decision: Decision, route: Route, policy: Policy) -> None:
        match decision:
            case Verdict.ALLOW:
                self._admit(route)
            case Verdict.HOLD:
                self._hold(route)
            case Verdict.CHALLENGE:
                self._exchange.fail(pages.challenge(route.service))
            case Redirect():
                self._exchange.reply(partial(pages.redirect, decision), status=decision.status)
            case Refuse():
                self._exchange.fail(_REFUSALS[decision])
            case Prove():
                assert policy.basic_auth is not None
                self._prove(policy.basic_auth, decision)
            case _:
                assert_never(decision)

    def _admit(self, route: Route) -> None:
        policy = route.policy
        self._unhold()
        if policy is not None and policy.basic_auth is not None:
            self._hide_credentials()
        wanted = self._wanted() if self._client.peer.trusted and route.versions else None
        version = route.versions.get(wanted) if wanted is not None else None
        cookie, rule = b"", self._rule(policy)
        if wanted is None:
            version, cookie = self._choose(route, quiet=rule is not None)
        if version is None:
            return self._exchange.fail(
                pages.NO_TRAFFIC if wanted is None else pages.NO_SUCH_VERSION
            )
        self._plane.counters.ignored += rule is not None
        if policy is not None and policy.hsts and self._secure():
            cookie += policy.hsts
        return self._exchange.admitted(version, cookie=cookie, rule=rule)

    def _rule(self, policy: Policy | None) -> Ignore | None:
        """Why the request is no traffic; None if it is some, as a WebSocket always is: its
        replica has to stay awake for it.
        """
        head = self._head
        if policy is None or not policy.ignore or head.websocket:
            return None
        agents = facts.values(head, b"user-agent")
        return ignored(policy.ignore, target=head.target, agents=agents)

    def _choose(self, route: Route, *, quiet: bool) -> tuple[str | None, bytes]:
        """Who holds a valid cookie or is no traffic takes no turn of the split, so that the
        turns of the others stay exact.
        """
        policy, board = route.policy, self._plane.board
        known = None
        if policy is not None and policy.sticky:
            known = sticky_version(policy, facts.values(self._head, b"cookie"))
        if known is not None or quiet:
            return known or board.upcoming(route), b""
        if policy is None or not policy.sticky:
            return board.choose(route), b""
        version = board.choose(route)
        return version, sticky_cookie(policy, version or "", secure=self._secure())

    def _secure(self) -> bool:
        return facts.scheme(self._head, self._client.peer) == b"https"

    def _hold(self, route: Route) -> None:
        held, clock, limits = self._plane.held, self._plane.timers, self._plane.limits
        if self._held_for is None:
            if held[route.service] >= limits.pause_requests:
                return self._exchange.fail(pages.MAINTENANCE)
            held[route.service] += 1
            self._held_for = route.service
            self._until = clock.after(limits.pause_seconds)
        if self._plane.draining or self._until <= clock.after(0):
            return self._exchange.fail(pages.MAINTENANCE)
        self.waiting = True
        return self._exchange.held()

    def _unhold(self) -> None:
        service, self._held_for = self._held_for, None
        if service is not None:
            self._plane.held[service] -= 1

    def _prove(self, login: BasicAuth, given: Prove) -> None:
        self._plane.proofs.check(login, given, partial(self._proved, login))

    def _proved(self, login: BasicAuth, right: bool | None) -> None:  # noqa: FBT001 - a callback
        route = self._route
        if self._left or route is None:
            return
        if right:
            self._proven = login
            self.ask(self._client.route(self._head.host) or route)
        elif right is None:
            self._exchange.fail(pages.TOO_MANY_LOGINS)
        else:
            self._exchange.fail(pages.challenge(route.service))

    def _hide_credentials(self) -> None:
        """The password is ours to check, and none of the replica's business."""
        head = self._head
        head.fields = [field for field in head.fields if field.name != b"authorization"]

    def _wanted(self) -> str | None:
        """The version that a trusted proxy asks for."""
        values = facts.values(self._head, b"x-paas-route")
        return values[-1].decode("ascii", "replace") if values else None

    def _facts(self, policy: Policy, received: int) -> Facts:
        head, peer = self._head, self._client.peer
        authorization = facts.values(head, b"authorization") if policy.basic_auth else []
        return Facts(
            client=facts.client(head, peer, self._plane.trusted) if policy.allow else None,
            scheme=facts.scheme(head, peer),
            host=head.host,
            port=_PORT.search(head.authority)[0],  # type: ignore[index] # it can be empty
            secure_port=b"" if peer.trusted else self._plane.secure_port,
            method=head.method,
            target=head.target,
            length=head.length if head.framing is Framing.LENGTH else received,
            authorization=authorization[0] if len(authorization) == 1 else None,
        )
