"""A connection's TLS handshake: which certificate it gets, and what it becomes.

It is counted and has its deadline before any work is spent on it, and a PROXY preface
may have come first. Nothing a client sends here is logged: what fails is counted and
closed.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Protocol, cast

from paas.live.certificates import Certificate, Certificates, server_context
from paas.live.challenges import PROTOCOL
from paas.proxy import sockets
from paas.proxy.plane import Plane
from paas.proxy.secured import Secured
from paas.proxy.threshold import peer_address
from paas.proxy.timers import NEVER

_OFFER = bytes([len(PROTOCOL)]) + PROTOCOL.encode("ascii")
"""As it stands in a ClientHello (RFC 7301, section 3.1)."""


class Session(ssl.SSLObject):
    """One client's TLS. `name` is the server name it asked for, empty for none; a name
    means that `certificate` covers it. `checks`: it is an authority's, and `checked` that
    it was shown what it looked for, and nothing else will come.
    """

    name = ""
    certificate: Certificate | None = None
    checks = False
    checked = False


def entrance(certificates: Certificates) -> ssl.SSLContext:
    """The context in which handshakes begin and which keeps the keys of session tickets,
    so that sessions outlive a change of certificates. A name without a certificate is
    refused (unrecognized_name); a client that sends none gets the default.
    """
    proofs = certificates.challenges.tls

    def choose(session: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        assert isinstance(session, Session)
        host = (name or "").lower().rstrip(".")
        if session.checks and host in proofs:
            session.context, session.checked = proofs[host], True
            return None
        certificate = certificates.find(host) if host else certificates.default
        if certificate is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        session.context = certificate.context
        session.certificate, session.name = certificate, host
        return None

    context = server_context()
    context.sslobject_class = Session
    context.sni_callback = cast(Callable[..., None], choose)  # typeshed forgets the alert
    return context


class Gate(Protocol):
    """The listener that accepted it."""

    def enter(self, member: "Handshake", address: bytes) -> bool:
        """Count it in, or False when there are too many."""

    def depart(self, member: "Handshake") -> None: ...

    def secured(self, session: Session, address: bytes) -> asyncio.Protocol:
        """The protocol of a connection whose handshake is complete."""


class Handshake(asyncio.Protocol):
    """A connection until its handshake is complete, or has failed, or took too long."""

    __slots__ = (
        "_address",
        "_gate",
        "_incoming",
        "_outgoing",
        "_plane",
        "_seen",
        "_session",
        "_transport",
        "deadline",
    )

    def __init__(self, plane: Plane, gate: Gate, *, address: bytes = b"") -> None:
        """`address` is the client's where a proxy announced it."""
        self._plane = plane
        self._gate = gate
        self._address = address
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._seen = b""
        self._session: Session | None = None
        self._transport: asyncio.Transport | None = None
        self.deadline = NEVER

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self._address = self._address or peer_address(self._transport)
        plane = self._plane
        if self._gate.enter(self, self._address):
            plane.timers.watch(self)
            self.deadline = plane.timers.after(plane.limits.handshake_seconds)
        else:
            plane.counters.refused_connections += 1
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._session is None:
            self._session = self._begin()
        if self._plane.challenges.tls:
            self._look_for_check(self._session, data)
        self._incoming.write(data)
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            transport.write(self._outgoing.read())
        except ssl.SSLError as error:
            unknown = error.reason == "CALLBACK_FAILED"
            self._plane.counters.error("unknown_server_name" if unknown else "bad_handshake")
            transport.write(self._outgoing.read())  # the alert that tells why, if any
            transport.close()
        else:
            self._hand_over(transport, self._session)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._leave()

    def expired(self) -> None:
        self._plane.counters.error("handshake_timeout")
        self.abort()

    def drain(self) -> None:
        """A request may follow."""
        self.deadline = min(self.deadline, self._plane.timers.after(self._plane.idle_seconds))

    def going_away(self) -> None:
        """Nobody is there yet to tell."""

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def descriptor(self) -> int:
        return sockets.descriptor(self._transport)

    # ---- private

    def _look_for_check(self, session: Session, data: bytes) -> None:
        """OpenSSL tells the server name before it tells what protocols are offered; they
        stand in the first message as plain text.
        """
        self._seen = self._seen[-len(_OFFER) :] + data
        session.checks = session.checks or _OFFER in self._seen

    def _begin(self) -> Session:
        context = self._plane.entrance
        assert context is not None
        session = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        return cast(Session, session)

    def _hand_over(self, transport: asyncio.Transport, session: Session) -> None:
        if session.checked:  # RFC 8737, section 3: no data is exchanged
            transport.write(self._outgoing.read())
            transport.close()
            return
        address = self._address
        self._leave()
        secured = Secured(transport, session, incoming=self._incoming, outgoing=self._outgoing)
        transport.set_protocol(secured)
        secured.start(self._gate.secured(session, address))

    def _leave(self) -> None:
        self._transport = None
        self._plane.timers.forget(self)
        self._gate.depart(self)
