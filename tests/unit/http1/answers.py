"""What origins answer, and what the client must get of it: cases 51 to 58."""

OK = b"HTTP/1.1 200 OK\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def reply(body: bytes, status: bytes = b"200 OK", *fields: bytes) -> bytes:
    lines = b"".join(one + b"\r\n" for one in fields)
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n" % (status, len(body), lines) + body


def with_field(line: bytes) -> bytes:
    return OK + line + b"\r\nContent-Length: 0\r\n\r\n"


def coded(body: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + body


UNUSABLE = {
    "case-45-nobody-asked": SWITCH,
    "case-51-many-interim": b"HTTP/1.1 103 Early\r\n\r\n" * 9 + reply(b""),
    "case-51-only-interim": b"HTTP/1.1 100 Continue\r\n\r\n" * 500,
    "case-54-both": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "case-54-both-reversed": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n12345",
    "case-54-two-lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n12",
    "case-54-equal-lengths": OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n1",
    "case-54-listed-lengths": OK + b"Content-Length: 1, 1\r\n\r\n1",
    "case-54-negative": OK + b"Content-Length: -1\r\n\r\n",
    "case-54-not-a-number": OK + b"Content-Length: 5a\r\n\r\n12345",
    "case-54-coding-in-1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "case-54-gzip": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "case-54-identity": OK + b"Transfer-Encoding: identity\r\n\r\n12345",
    "case-54-two-codings": coded(b"0\r\n\r\n").replace(b"chunked", b"chunked, chunked"),
    "case-55-bare-cr": with_field(b"A: b\rSet-Cookie: c"),
    "case-55-bare-lf": with_field(b"A: b\nSet-Cookie: c"),
    "case-55-only-lf": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "case-55-lf-after-the-status": b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "case-55-nul": with_field(b"A: b\0c"),
    "case-55-control": with_field(b"A: b\x01c"),
    "case-55-folded": with_field(b"A: b\r\n c"),
    "case-55-space-before-colon": with_field(b"A : b"),
    "case-55-space-first": OK + b" A: b\r\nContent-Length: 0\r\n\r\n",
    "case-55-empty-name": with_field(b": b"),
    "case-55-no-colon": with_field(b"nonsense"),
    "case-55-name-of-eight-bits": with_field(b"A\xff: b"),
    "case-55-two-digits": b"HTTP/1.1 99 X\r\n\r\n",
    "case-55-four-digits": b"HTTP/1.1 0200 OK\r\n\r\n",
    "case-55-status-of-zeros": b"HTTP/1.1 000 X\r\n\r\n",
    "case-55-no-status": b"HTTP/1.1 OK\r\n\r\n",
    "case-55-two-spaces": b"HTTP/1.1  200 OK\r\n\r\n",
    "case-55-no-version": b"200 OK\r\n\r\n",
    "case-55-http-2": b"HTTP/2.0 200 OK\r\n\r\n",
    "case-55-http-1.2": b"HTTP/1.2 200 OK\r\n\r\n",
    "case-55-lower-case": b"http/1.1 200 OK\r\n\r\n",
    "case-55-another-protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "case-55-empty-line-first": b"\r\n" + reply(b""),
    "case-55-control-in-the-reason": b"HTTP/1.1 200 O\x01K\r\n\r\n",
    "case-58-long": with_field(b"A: " + b"b" * 70_000),
    "case-58-endless": OK + b"A: " + b"b" * 70_000,
    "case-58-endless-line": b"H" * 70_000,
    "case-58-many-fields": OK + b"A: b\r\n" * 501 + b"\r\n",
}
"""Answered with 502 `upstream_invalid`; the connection is dropped."""

CUT = {
    "case-56-length": OK + b"Content-Length: 10\r\n\r\n12345",
    "case-56-chunk": coded(b"5\r\n123"),
    "case-56-between-chunks": coded(b"5\r\n12345\r\n"),
    "case-56-no-last-line": coded(b"5\r\n12345\r\n0\r\n"),
    "case-56-nonsense-chunk": coded(b"5\r\n12345\r\nnonsense\r\n"),
    "case-56-chunk-too-long": coded(b"5\r\n1234567\r\n0\r\n\r\n"),
    "case-56-chunk-ended-by-lf": coded(b"5\r\n12345\n0\r\n\r\n"),
}
"""Begun and never completed: the client's connection is reset."""

BODILESS = {
    "case-52-head": ("HEAD", OK + b"Content-Length: 5\r\n\r\n", "5"),
    "case-52-head-with-a-body": ("HEAD", OK + b"Content-Length: 5\r\n\r\n12345", "5"),
    "case-52-head-in-chunks": ("HEAD", coded(b""), None),
    "case-52-204": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", None),
    "case-52-204-with-a-length": ("GET", b"HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n", None),
    "case-52-204-with-a-body": ("GET", b"HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\n12345", None),
    "case-52-204-in-chunks": (
        "GET",
        b"HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        None,
    ),
    "case-52-304": ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "5"),
    "case-52-304-with-a-body": ("GET", b"HTTP/1.1 304 X\r\n\r\nsurplus", None),
}
"""Method, answer, and the length that the client may be told."""

SURPLUS = {
    "case-57-second-answer": reply(b"one") + reply(b"forged"),
    "case-57-a-byte": reply(b"one") + b"x",
    "case-57-after-chunks": coded(b"3\r\none\r\n0\r\n\r\n") + reply(b"forged"),
    "case-57-interim-after-it": reply(b"one") + b"HTTP/1.1 100 Continue\r\n\r\n",
    "case-57-line-break": reply(b"one") + b"\r\n",
}
"""`one` arrives, the rest never does, and the connection is not used again."""

READABLE = {
    "case-54-length": reply(b"body"),
    "case-54-chunks": coded(b"2;a=b\r\nbo\r\n2\r\ndy\r\n0\r\nX: y\r\n\r\n"),
    "case-55-no-reason": b"HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nbody",
    "case-55-empty-reason": b"HTTP/1.1 200 \r\nContent-Length: 4\r\n\r\nbody",
    "case-55-reason-of-eight-bits": b"HTTP/1.1 200 \xe4\r\nContent-Length: 4\r\n\r\nbody",
    "case-55-http-1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    "case-51-interim-first": b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" + reply(b"body"),
    "case-51-interim-with-a-length": (
        b"HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n" + reply(b"body")
    ),
}
"""All give `body`, with 200."""

ENDED = {
    "case-54-until-close": OK + b"\r\nbody",
    "case-54-until-close-1.0": b"HTTP/1.0 200 OK\r\n\r\nbody",
}
"""`body` too, complete once the origin closes."""
