"""An answer on its way from a replica to the client.

What it writes is collected until `take`, so that one read from the replica makes
one write to the client.
"""

from paas.http1.events import RequestHead, ResponseHead
from paas.http1.head import LAST_CHUNK, chunk, chunked_to, ends_by_close, interim_bytes
from paas.http1.head import response_bytes as head_bytes
from paas.proxy.date import date_line

MOST_PROBES = 4
"""Clients bound the interim answers and the digits of a chunk's size they take."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Answer:
    """`begun`: its head is out or collected, so no other answer can be given.
    `reusable`: the replica keeps its connection; `keep_alive`: we keep the client's.
    `cookie` is a whole field line that its head gets, or empty. `status` is 0 while there is none.
    """

    __slots__ = (
        "_chunked",
        "_out",
        "_probes",
        "begun",
        "cookie",
        "keep_alive",
        "reusable",
        "status",
        "waited",
    )

    def __init__(self) -> None:
        self._out: list[bytes] = []
        self._chunked = False
        self._probes = 0
        self.begun = False
        self.reusable = False
        self.keep_alive = False
        self.cookie = b""
        self.waited = 0.0
        self.status = 0

    def interim(self, head: ResponseHead, ours: RequestHead) -> None:
        """A 1xx head: passed on to whom it can be of use."""
        if ours.minor and (head.status != 100 or ours.expect_continue):
            self._out.append(interim_bytes(head))

    def begin(self, head: ResponseHead, minor: int, *, keep_alive: bool) -> None:
        """Its head, for a client of HTTP/1.`minor`."""
        self.begun = True
        self.status = head.status
        self.reusable = head.keep_alive
        self._chunked = chunked_to(head, minor)
        self.keep_alive = keep_alive and not ends_by_close(head, minor)
        extra = self.cookie
        if self.waited:
            extra += b"X-Paas-Cold-Start: %d\r\n" % max(1, round(self.waited * 1000))
        keep_alive = self.keep_alive
        self._out.append(
            head_bytes(head, minor=minor, keep_alive=keep_alive, extra=extra, date=date_line)
        )

    def piece(self, data: bytes) -> None:
        self._out.append(chunk(data) if self._chunked else data)

    def end(self) -> None:
        if self._chunked:
            self._out.append(LAST_CHUNK)

    def probe(self, ours: RequestHead, *, whole: bool) -> bytes:
        """A few bytes that mean nothing at this point, `whole` if the request is complete;
        empty when there are none, or were enough. Before the answer's head that is an
        interim one, unless a client that waits for it would take it as leave to go on;
        between two chunks a leading zero of the next one's size.
        """
        if self._probes == MOST_PROBES:
            return b""
        probe = b""
        if self.begun:
            probe = b"0" if self._chunked else b""
        elif ours.minor and (whole or not ours.expect_continue):
            probe = _CONTINUE
        self._probes += bool(probe)
        return probe

    def take(self) -> bytes:
        """What was collected, in one piece; empty when there is nothing."""
        out = self._out
        if not out:
            return b""
        self._out = []
        return out[0] if len(out) == 1 else b"".join(out)
