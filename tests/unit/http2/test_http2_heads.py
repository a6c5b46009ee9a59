"""A request's fields as a head of HTTP/1.1, and an answer's head as a block."""

import pytest
from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from paas.http1.events import Bad, RequestHead
from paas.http1.limits import Limits
from paas.http1.parser import RequestParser, ResponseParser
from paas.http2.heads import (
    Malformed,
    answer_block,
    declared_length,
    request_text,
    trailers_checked,
)
from tests.unit.http2.speaking import GET, POST

BAD_FIELDS = {
    "upper-case": (b"X-A", b"1"),
    "no-name": (b"", b"1"),
    "space-in-name": (b"x a", b"1"),
    "colon-in-name": (b"x:a", b"1"),
    "line-end-in-name": (b"x\r\nhost", b"1"),
    "line-end": (b"x", b"1\r\nx-admin: 1"),
    "bare-cr": (b"x", b"1\r2"),
    "bare-lf": (b"x", b"1\n2"),
    "nul": (b"x", b"1\x002"),
    "leading-space": (b"x", b" 1"),
    "trailing-tab": (b"x", b"1\t"),
    "connection": (b"connection", b"close"),
    "keep-alive": (b"keep-alive", b"1"),
    "proxy-connection": (b"proxy-connection", b"x"),
    "transfer-encoding": (b"transfer-encoding", b"chunked"),
    "upgrade": (b"upgrade", b"websocket"),
    "te": (b"te", b"gzip"),
    "cookie": (b"cookie", b"a\r\nb"),
    "authorization": (b"authorization", b"a\nb"),
    "long": (b"x", b"y" * 1000 + b"\n"),
    "host-differs": (b"host", b"b.example"),
    "late-pseudo": (b":path", b"/"),
    "unknown-pseudo": (b":protocol", b"websocket"),
    "answers-pseudo": (b":status", b"200"),
}


def without(name: bytes) -> list[tuple[bytes, bytes]]:
    return [pair for pair in GET if pair[0] != name]


def having(name: bytes, value: bytes) -> list[tuple[bytes, bytes]]:
    return [(name, value) if pair[0] == name else pair for pair in GET]


BAD_HEADS = {
    "no-method": without(b":method"),
    "no-scheme": without(b":scheme"),
    "no-path": without(b":path"),
    "twice": [GET[0], *GET],
    "method-with-space": having(b":method", b"GET /x"),
    "empty-method": having(b":method", b""),
    "other-scheme": having(b":scheme", b"ftp"),
    "empty-path": having(b":path", b""),
    "path-with-space": having(b":path", b"/a HTTP/1.1"),
    "path-with-line-end": having(b":path", b"/a\r\nx: 1"),
    "absolute-form": having(b":path", b"http://b.example/"),
    "eight-bit-path": having(b":path", b"/\xff"),
    "authority-with-line-end": having(b":authority", b"a\r\nx: 1"),
    "connect-with-path": having(b":method", b"CONNECT"),
    "connect-without-target": [(b":method", b"CONNECT")],
    "after-a-cookie": [(b"cookie", b"a=1"), *GET],
}
REFUSED = {
    "connect": ([(b":method", b"CONNECT"), (b":authority", b"a.example:443")], 405),
    "trace": (having(b":method", b"TRACE"), 405),
    "unknown-method": (having(b":method", b"BREW"), 501),
    "lower-case-method": (having(b":method", b"get"), 501),
    "star": (having(b":path", b"*"), 400),
    "fragment": (having(b":path", b"/a#b"), 400),
    "no-authority": (without(b":authority"), 400),
    "empty-authority": (having(b":authority", b""), 400),
    "user-in-authority": (having(b":authority", b"me@a.example"), 400),
    "two-lengths": ([*POST, (b"content-length", b"1"), (b"content-length", b"1")], 400),
    "no-number": ([*POST, (b"content-length", b"+1")], 400),
    "host-twice": ([*GET, (b"host", b"a.example"), (b"host", b"a.example")], 400),
    "long-path": (having(b":path", b"/" + b"x" * 9000), 414),
    "long": ([*GET, (b"x", b"y" * 40_000)], 431),
    "many": ([*GET, *[(b"x-%d" % number, b"1") for number in range(120)]], 431),
}


def read(pairs: list[tuple[bytes, bytes]], *, ended: bool = True) -> RequestHead | Bad:
    parser = RequestParser(Limits())
    parser.receive(request_text(pairs, ended=ended))
    head = parser.next()
    assert isinstance(head, (RequestHead, Bad))
    assert parser.buffered == 0 or isinstance(head, Bad)
    return head


@pytest.mark.parametrize("pair", BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_malformed_fields(pair: tuple[bytes, bytes]) -> None:
    for _ in range(2):  # nothing malformed is remembered as good
        with pytest.raises(Malformed):
            request_text([*GET, pair], ended=True)


@pytest.mark.parametrize("pairs", BAD_HEADS.values(), ids=BAD_HEADS)
def test_malformed_heads(pairs: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(Malformed):
        request_text(pairs, ended=True)


@pytest.mark.parametrize(("pairs", "status"), REFUSED.values(), ids=REFUSED)
def test_what_the_parser_refuses(pairs: list[tuple[bytes, bytes]], status: int) -> None:
    bad = read(pairs, ended=False)
    assert isinstance(bad, Bad)
    assert bad.status == status


def test_a_request_means_the_same() -> None:
    cookies = [(b"cookie", b"a=1"), (b"cookie", b"b=2")]
    more = [(b"te", b"trailers"), (b"x-a", b""), (b"x-b", b"a \xff\tb"), (b"authorization", b"x")]
    head = read([*having(b":path", b"/a?b=%20"), *cookies, *more])
    assert isinstance(head, RequestHead)
    assert (head.method, head.target, head.host) == (b"GET", b"/a?b=%20", "a.example")
    fields = {field.name: field.value for field in head.fields}
    assert fields[b"cookie"] == b"a=1; b=2"
    assert (fields[b"x-a"], fields[b"x-b"], fields[b"authorization"]) == (b"", b"a \xff\tb", b"x")
    assert head.framing.value == "none"
    assert head.keep_alive


def test_host_may_stand_for_the_authority() -> None:
    for pairs in (
        [*without(b":authority"), (b"host", b"a.example")],
        [*GET, (b"host", b"a.example")],
    ):
        head = read(pairs)
        assert isinstance(head, RequestHead)
        assert head.host == "a.example"


def test_the_server_itself_can_be_asked() -> None:
    head = read([(b":method", b"OPTIONS"), GET[1], GET[2], (b":path", b"*")])
    assert isinstance(head, RequestHead)
    assert head.target == b"*"


@pytest.mark.parametrize(
    ("pairs", "framing", "declared"),
    [(POST, "chunked", None), ([*POST, (b"content-length", b"12")], "length", 12)],
)
def test_a_body_has_one_framing(
    pairs: list[tuple[bytes, bytes]], framing: str, declared: int | None
) -> None:
    head = read(pairs, ended=False)
    assert isinstance(head, RequestHead)
    assert head.framing.value == framing
    assert declared_length(request_text(pairs, ended=False)) == declared


def test_trailers_are_fields() -> None:
    trailers_checked([(b"x-late", b"1")])
    for pair in ((b":path", b"/"), (b"X-Late", b"1"), (b"x", b"\n")):
        with pytest.raises(Malformed):
            trailers_checked([pair])


def block_of(answer: bytes) -> list[tuple[bytes, bytes]]:
    parser = ResponseParser(Limits())
    parser.expect(b"GET")
    parser.receive(answer)
    head = parser.next()
    assert head is not None
    return [tuple(pair) for pair in Decoder().decode(answer_block(head), raw=True)]  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [200, 204, 206, 304, 400, 404, 500, 103, 201, 418, 599])
def test_an_answers_block(status: int) -> None:
    fields = block_of(
        b"HTTP/1.1 %d X\r\nServer: a\r\nX-Mixed: B\r\nSet-Cookie: c\r\nConnection: keep-alive\r\n"
        b"Keep-Alive: 1\r\nProxy-Connection: x\r\nX-Empty:\r\n\r\n" % status
    )
    assert fields == [
        (b":status", b"%d" % status),
        (b"server", b"a"),
        (b"x-mixed", b"B"),
        (b"set-cookie", b"c"),
        (b"x-empty", b""),
    ]


@given(size=st.integers(min_value=1, max_value=40_000))
def test_values_of_any_length(size: int) -> None:
    assert block_of(b"HTTP/1.1 200 X\r\nX-A: %b\r\n\r\n" % (b"v" * size))[1] == (
        b"x-a",
        b"v" * size,
    )
