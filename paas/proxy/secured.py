"""A connection's TLS after its handshake: a transport like any other.

OpenSSL works in memory, between the socket's transport and the connection's protocol,
the same on every event loop: one read of the socket is one piece for the protocol, one
write is encrypted at once, and back-pressure is the socket's own. Our direction can end
alone, so that an answer survives input that nobody read; the other side's end is both's.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Any, cast

RECORD = 16 * 1024
"""Most bytes one record carries (RFC 8446, section 5.1)."""
FEED = 2 * RECORD
"""Bytes decrypted at a time: OpenSSL's buffers in memory never shrink again."""


class Secured(asyncio.Transport, asyncio.Protocol):
    """Towards the socket a protocol that decrypts, towards the connection its transport."""

    __slots__ = (
        "_broken",
        "_ended",
        "_finished",
        "_incoming",
        "_outgoing",
        "_protocol",
        "_raw",
        "_session",
    )

    def __init__(
        self,
        raw: asyncio.Transport,
        session: ssl.SSLObject,
        *,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        super().__init__()
        self._raw = raw
        self._session = session
        self._incoming = incoming
        self._outgoing = outgoing
        self._protocol: asyncio.BaseProtocol = asyncio.Protocol()
        self._ended = False
        self._finished = False
        self._broken = False

    def start(self, protocol: asyncio.Protocol) -> None:
        """Send what is left of the handshake, and hand over what came behind it."""
        self._send()
        self._protocol = protocol
        protocol.connection_made(self)
        if self._incoming.pending and not self._raw.is_closing():
            self.data_received(b"")

    # ---- towards the socket

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        pieces: list[bytes] = []
        if len(data) <= FEED:
            self._decrypt(data, pieces)
        else:
            view = memoryview(data)
            for at in range(0, len(view), FEED):
                self._decrypt(view[at : at + FEED], pieces)
        if pieces:
            plain = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            cast(asyncio.Protocol, self._protocol).data_received(plain)
        if self._outgoing.pending:  # an answer to a change of keys, or an alert
            self._send()
        self._pass_end()

    def eof_received(self) -> bool:
        if not self._ended:
            self._ended = True
            self._pass_end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        protocol, self._protocol = self._protocol, asyncio.Protocol()
        protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    # ---- towards the connection

    def write(self, data: Any) -> None:
        if not data or self._finished or self._raw.is_closing():
            return
        if len(data) <= RECORD:
            self._session.write(data)
            self._raw.write(self._outgoing.read())
            return
        view, records = memoryview(data), []
        for at in range(0, len(view), RECORD):
            self._session.write(view[at : at + RECORD])
            records.append(self._outgoing.read())
        self._raw.writelines(records)

    def write_eof(self) -> None:
        """End our direction; the other may go on."""
        self._finish()
        if not self._raw.is_closing():
            self._raw.write_eof()

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self._finish()
        self._raw.close()

    def abort(self) -> None:
        self._raw.abort()

    def is_closing(self) -> bool:
        return self._raw.is_closing()

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Bytes that wait for the socket, encrypted."""
        return self._raw.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._raw.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    # ---- private

    def _decrypt(self, data: bytes | memoryview, pieces: list[bytes]) -> None:
        """Add what the records hold that are complete now; note their end or damage."""
        incoming, read = self._incoming, self._session.read
        incoming.write(data)
        try:
            while piece := read(RECORD):
                pieces.append(piece)
                if not incoming.pending:  # saves the exception that says so
                    break
            else:
                self._ended = True
        except ssl.SSLWantReadError:
            pass  # the rest of a record is on its way
        except ssl.SSLZeroReturnError:
            self._ended = True
        except ssl.SSLError:
            self._broken = self._ended = True

    def _pass_end(self) -> None:
        """If the other side ended it is gone: with TLS hardly anybody ends one direction
        alone, and many wait for our close_notify before they close (RFC 5246, section
        7.2.1). One that came without counts the same, because messages tell their own end.
        """
        if self._broken:
            self._raw.close()
        elif self._ended and not self._raw.is_closing():
            cast(asyncio.Protocol, self._protocol).eof_received()
            self.close()

    def _finish(self) -> None:
        """Say that nothing follows (close_notify)."""
        if self._finished or self._raw.is_closing():
            return
        self._finished = True
        with suppress(ssl.SSLError):  # it wants to read the other side's, too
            self._session.unwrap()
        self._send()

    def _send(self) -> None:
        if not self._raw.is_closing():
            self._raw.write(self._outgoing.read())
