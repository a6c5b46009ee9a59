"""Good messages with a few things changed, for hypothesis: most become bad, some subtly."""

from collections.abc import Sequence

from hypothesis import strategies as st

TELLING = (
    b"\r\n", b"\r", b"\n", b"\0", b":", b"\t", b" ", b",", b";", b"=", b'"', b"#", b"0", b"+", b"-",
    b"\x0b", b"\x0c", b"\x7f", b"\x85", b"\xa0", b"\xff", b"chunked", b"HTTP/1.1", b"0\r\n\r\n",
    b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n", b"\r\n ",
)  # fmt: skip
REQUESTS = (
    b"POST /a?b=c HTTP/1.1\r\nHost: hello.localhost:80\r\nContent-Length: 5\r\nX: y z\r\n\r\nhello",
    b"POST /a HTTP/1.1\r\nHost: hello.localhost\r\nTransfer-Encoding: chunked\r\n\r\n%b"
    % b"5;a=b\r\nhello\r\n3\r\nabc\r\n0\r\nT: u\r\n\r\n",
    b"GET http://hello.localhost/b HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: hello.localhost\r\nConnection: keep-alive\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: hello.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
)
ANSWERS = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y z\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: u\r\n\r\n",
    b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.0 404 Not Found\r\nA: b\r\n\r\nbody",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nDate: then\r\n\r\n",
    b"HTTP/1.1 200\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
)

_EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "replace", "delete", "repeat"]),
        st.integers(0, 400),
        st.sampled_from(TELLING) | st.binary(min_size=1, max_size=1),
        st.integers(1, 30),
    ),
    min_size=1,
    max_size=3,
)


def mutated(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    return st.builds(_mutate, st.sampled_from(seeds), _EDITS)


def _mutate(data: bytes, edits: list[tuple[str, int, bytes, int]]) -> bytes:
    for kind, at, piece, size in edits:
        place = at % (len(data) + 1)
        before, after = data[:place], data[place:]
        data = {
            "insert": before + piece + after,
            "replace": before + piece + after[1:],
            "delete": before + after[size:],
            "repeat": before + after[:size] + after,
        }[kind]
    return data
