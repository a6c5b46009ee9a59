"""Requests that are good, or become good on their way, and what a replica must see of
them. `{peer}` stands for the client's address. One table for parser, proxy and sockets.
"""

from dataclasses import dataclass, field

from tests.unit.http1.requests import HOST, chunked, get, line, post


@dataclass(frozen=True, kw_only=True)
class Row:
    """`fields` are what must be there, or None for what must not."""

    data: bytes
    fields: dict[str, str | None] = field(default_factory=dict)
    target: str = "/x"
    method: str | None = None
    body: bytes = b""


def dropped(*given: bytes) -> Row:
    """Requests with fields that never arrive."""
    names = {one.split(b":")[0].decode().lower(): None for one in given}
    return Row(data=get(*given), fields=names)


def ours(*given: bytes) -> Row:
    """Requests that forge or try to delete what we say."""
    return Row(
        data=get(*given),
        fields={
            "host": "hello.localhost",
            "x-forwarded-for": "{peer}",
            "x-forwarded-proto": "http",
            "x-forwarded-host": "hello.localhost",
            "x-real-ip": "{peer}",
            "forwarded": "for={peer};host=hello.localhost;proto=http",
        },
    )


def at(target: bytes) -> Row:
    return Row(data=line(b"GET " + target + b" HTTP/1.1"), target=target.decode())


BODY = b"Content-Length: 5"
HOP_FIELDS = (
    b"Keep-Alive: timeout=5",
    b"Proxy-Connection: keep-alive",
    b"Proxy-Authorization: Basic eA==",
    b"Proxy-Authenticate: Basic",
    b"TE: trailers",
    b"Trailer: X",
    b"Connection: keep-alive",
)
UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: abc")
UNSWITCHED = {"upgrade": None, "connection": None}
OUR_NAMES = (
    b"X-Forwarded-For, Host, X-Request-Id, Forwarded, x-real-ip, X-Forwarded-Proto, "
    b"X-Forwarded-Host, X-Paas-Hops"
)

FRAMED = {
    "case-14-trailers": Row(
        data=chunked(
            b"5\r\n12345\r\n0\r\nAuthorization: a\r\nHost: b\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: x\r\nX-Forwarded-For: c\r\nContent-Type: d\r\nX: e\r\n\r\n"
        ),
        body=b"12345",
        fields={
            "authorization": None,
            "content-length": None,
            "x": None,
            "host": "hello.localhost",
        },
    ),
    **{
        f"case-16-{method.decode().lower()}": Row(
            data=post(BODY, body=b"12345").replace(b"POST", method),
            method=method.decode(),
            body=b"12345",
            fields={"content-length": "5"},
        )
        for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"PROPFIND")
    },
    "case-16-get-in-chunks": Row(
        data=chunked(b"5\r\n12345\r\n0\r\n\r\n").replace(b"POST", b"GET"),
        body=b"12345",
        fields={"transfer-encoding": "chunked"},
    ),
    "case-17-leading-zeros": Row(
        data=post(b"Content-Length:\t0005 ", body=b"12345"),
        body=b"12345",
        fields={"content-length": "5"},
    ),
    "case-17-many-chunks": Row(
        data=chunked(b'2;a;b=c;d="\\"; \t\xff"\r\n12\r\n0003\r\n345\r\n000\r\n\r\n'),
        body=b"12345",
        fields={"transfer-encoding": "chunked"},
    ),
    "case-17-upper-case": Row(
        data=post(b"TRANSFER-ENCODING: CHUNKED", body=b"A\r\n1234567890\r\n0\r\n\r\n"),
        body=b"1234567890",
        fields={"transfer-encoding": "chunked"},
    ),
    "case-17-empty-body": Row(data=post(b"Content-Length: 0"), fields={"content-length": "0"}),
    "case-17-no-body": Row(data=post(), fields={"content-length": None, "transfer-encoding": None}),
    "case-17-coding-of-content": Row(
        data=post(BODY, b"Content-Encoding: chunked", body=b"12345"),
        body=b"12345",
        fields={"content-encoding": "chunked", "content-length": "5"},
    ),
    "case-17-encoded-name": Row(
        data=post(BODY, b"Transfer-%45ncoding: chunked", body=b"12345"),
        body=b"12345",
        fields={"content-length": "5", "transfer-encoding": None},
    ),
}

PLACED = {
    "case-27-absolute": Row(
        data=b"GET http://Hello.Localhost:80/a%2f?b HTTP/1.1\r\nHost: other\r\n\r\n",
        target="/a%2f?b",
        fields={"host": "Hello.Localhost:80"},
    ),
    "case-27-no-path": Row(data=line(b"GET http://hello.localhost HTTP/1.1"), target="/"),
    "case-27-only-a-query": Row(data=line(b"GET HTTPS://hello.localhost?b HTTP/1.1"), target="/?b"),
    "case-29-hops-left": Row(
        data=get(b"Max-Forwards: 3").replace(b"GET", b"OPTIONS"), fields={"max-forwards": "2"}
    ),
    "case-29-hops-of-a-get": Row(data=get(b"Max-Forwards: 0"), fields={"max-forwards": "0"}),
    "case-29-unclear-hops": Row(
        data=get(b"Max-Forwards: x").replace(b"GET", b"OPTIONS"), fields={"max-forwards": "x"}
    ),
    "case-30-long-but-allowed": at(b"/" + b"a" * 7900),
    "case-32-one-empty-line": Row(data=b"\r\n" + get()),
    "case-25-eight-bit-value": Row(data=get(b"A: \xe4\xff"), fields={"a": "\xe4\xff"}),
    "case-25-empty-value": Row(data=get(b"A:"), fields={"a": ""}),
    **{
        f"case-33-{name}": at(target)
        for name, target in {
            "dots": b"/../../api/v1/services",
            "encoded-dots": b"/%2e%2e/%2E%2E/api",
            "encoded-slash": b"/a%2f..%2fb",
            "two-slashes": b"//other.localhost/a",
            "three-slashes": b"///a//b/",
            "backslash": b"/\\..\\a",
            "parameters": b"/a;b=c;/d",
            "dot-segments": b"/./a/./b/..",
            "nul": b"/a%00.html",
            "line-break": b"/a%0d%0aX-Injected:%20true",
            "broken-escape": b"/a%zz%",
            "url-in-the-path": b"/http://other.localhost/a",
            "odd-characters": b'/"<>^`{|}',
            "question-marks": b"/??a=b?c",
        }.items()
    },
    "case-34-upper-case": Row(data=get().replace(b"hello", b"HELLO")),
    "case-34-dot-and-port": Row(data=get().replace(b".localhost", b".localhost.:8080")),
    "case-34-empty-port": Row(data=get().replace(b".localhost", b".localhost:")),
    "case-34-tab": Row(data=get().replace(b"Host: ", b"hOsT:\t")),
}

FILTERED = {
    **{f"case-36-{one.split(b':')[0].decode().lower()}": dropped(one) for one in HOP_FIELDS},
    "case-36-listed": Row(
        data=get(b"Connection: X-Secret , keep-alive,,x-other", b"X-Secret: 1", b"X-Other: 2"),
        fields={"x-secret": None, "x-other": None, "connection": None},
    ),
    "case-36-two-lines": Row(
        data=get(b"Connection: X-Secret", b"connection: X-Other", b"X-Secret: 1", b"X-Other: 2"),
        fields={"x-secret": None, "x-other": None, "connection": None},
    ),
    "case-37-all-of-ours": ours(b"Connection: " + OUR_NAMES),
    "case-37-length": Row(
        data=post(b"Connection: Content-Length, Transfer-Encoding", BODY, body=b"12345"),
        body=b"12345",
        fields={"content-length": "5"},
    ),
    "case-37-coding": Row(
        data=post(
            b"Connection: transfer-encoding", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
        ),
        fields={"transfer-encoding": "chunked"},
    ),
    **{
        f"case-38-{name.decode().lower()}": ours(name + b": evil.example", name + b": 6.6.6.6")
        for name in (
            b"X-Forwarded-For",
            b"X-Forwarded-Proto",
            b"X-Forwarded-Host",
            b"X-Real-IP",
            b"Forwarded",
        )
    },
    "case-38-others-of-the-kind": dropped(
        b"X-Forwarded-Port: 1", b"X-Forwarded-Server: a", b"X-Forwarded-Ssl: on"
    ),
    **{
        f"case-39-{name.decode().lower()}": dropped(name + b": 5")
        for name in (
            b"X_Forwarded_For",
            b"X.Real.IP",
            b"X-Forwarded_Host",
            b"Content_Length",
            b"Transfer_Encoding",
            b"Transfer.Encoding",
            b"x_paas_hops",
        )
    },
    "case-40-proxy": dropped(b"Proxy: http://evil.example"),
    "case-41-hops": Row(data=get(b"X-Paas-Hops: 3"), fields={"x-paas-hops": "4"}),
    "case-43-websocket": Row(
        data=get(*UPGRADE),
        fields={"upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": "abc"},
    ),
    "case-43-h2c": Row(
        data=get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMA"),
        fields={**UNSWITCHED, "http2-settings": None},
    ),
    "case-43-websocket-or-h2c": Row(
        data=get(b"Connection: Upgrade", b"Upgrade: websocket, h2c"), fields=UNSWITCHED
    ),
    "case-43-made-up": Row(
        data=get(b"Connection: Upgrade", b"Upgrade: made-up/1.0"), fields=UNSWITCHED
    ),
    "case-43-not-listed": Row(data=get(*UPGRADE[1:]), fields=UNSWITCHED),
    "case-43-not-named": Row(data=get(UPGRADE[0]), fields=UNSWITCHED),
    "case-43-post": Row(data=post(*UPGRADE), method="POST", fields=UNSWITCHED),
    "case-43-http-1.0": Row(
        data=b"GET /x HTTP/1.0\r\n" + HOST + b"\r\n".join(UPGRADE) + b"\r\n\r\n", fields=UNSWITCHED
    ),
    "case-49-forwarded": Row(
        data=post(BODY, b"Expect: 100-Continue", body=b"12345"),
        body=b"12345",
        fields={"expect": "100-continue"},
    ),
    "case-49-without-a-body": Row(data=get(b"Expect: 100-continue"), fields={"expect": None}),
    "case-49-http-1.0": Row(
        data=post(BODY, b"Expect: magic", body=b"12345", version=b"1.0"),
        body=b"12345",
        fields={"expect": None},
    ),
}

FORWARDED = FRAMED | PLACED | FILTERED
