"""Requests that must be refused, each with the status that says why.

The numbers are those of the cases the proxy must pass; one table serves the
parser's tests and the tests over real sockets.
"""

HOST = b"Host: hello.localhost\r\n"


def post(*fields: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"POST /x HTTP/" + version + b"\r\n" + HOST + lines + b"\r\n" + body


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


def get(*fields: bytes) -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"GET /x HTTP/1.1\r\n" + HOST + lines + b"\r\n"


def line(first: bytes) -> bytes:
    return first + b"\r\n" + HOST + b"\r\n"


HOSTILE: dict[str, tuple[bytes, int]] = {
    "1 length then coding": (post(b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
    "1 coding then length": (post(b"Transfer-Encoding: chunked", b"Content-Length: 5"), 400),
    "2 two lengths": (post(b"Content-Length: 5", b"Content-Length: 10", body=b"12345"), 400),
    "2 list of lengths": (post(b"Content-Length: 5, 10", body=b"12345"), 400),
    "3 equal lengths": (post(b"Content-Length: 5", b"Content-Length: 5", body=b"12345"), 400),
    "3 equal lengths listed": (post(b"Content-Length: 5, 5", body=b"12345"), 400),
    "4 plus": (post(b"Content-Length: +5", body=b"12345"), 400),
    "4 minus": (post(b"Content-Length: -5", body=b"12345"), 400),
    "4 underscore": (post(b"Content-Length: 5_0", body=b"12345"), 400),
    "4 hex": (post(b"Content-Length: 0x5", body=b"12345"), 400),
    "4 letters": (post(b"Content-Length: 5a", body=b"12345"), 400),
    "4 other digits": (post("Content-Length: ٥".encode(), body=b"12345"), 400),
    "4 empty": (post(b"Content-Length:"), 400),
    "4 two to the 64th": (post(b"Content-Length: 18446744073709551616"), 400),
    "4 two to the 63rd": (post(b"Content-Length: 9223372036854775808"), 400),
    "5 xchunked": (post(b"Transfer-Encoding: xchunked"), 400),
    "5 identity": (post(b"Transfer-Encoding: identity"), 400),
    "5 empty coding": (post(b"Transfer-Encoding:"), 400),
    "5 parameter": (post(b"Transfer-Encoding: chunked;x"), 400),
    "6 gzip before": (post(b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"), 501),
    "6 gzip after": (post(b"Transfer-Encoding: chunked, gzip"), 400),
    "7 twice": (post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"), 400),
    "7 two lines": (
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        400,
    ),
    "7 gzip line first": (
        post(b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        400,
    ),
    "8 VT": (post(b"Transfer-Encoding: \x0bchunked"), 400),
    "8 FF": (post(b"Transfer-Encoding: chunked\x0c"), 400),
    "8 NUL": (post(b"Transfer-Encoding: chunked\x00"), 400),
    "8 NBSP": (post(b"Transfer-Encoding: \xa0chunked"), 400),
    "9 coding in 1.0": (
        post(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n", version=b"1.0"),
        400,
    ),
    "10 hex prefix": (chunked(b"0x5\r\n12345\r\n0\r\n\r\n"), 400),
    "10 plus": (chunked(b"+5\r\n12345\r\n0\r\n\r\n"), 400),
    "10 underscore": (chunked(b"5_0\r\n12345\r\n0\r\n\r\n"), 400),
    "10 minus": (chunked(b"-1\r\n12345\r\n0\r\n\r\n"), 400),
    "10 space": (chunked(b"5 \r\n12345\r\n0\r\n\r\n"), 400),
    "10 above 2^63": (chunked(b"8000000000000000\r\n12345"), 400),
    "10 seventeen digits": (chunked(b"00000000000000005\r\n12345\r\n0\r\n\r\n"), 400),
    "10 empty": (chunked(b"\r\n12345\r\n0\r\n\r\n"), 400),
    "11 one extension": (chunked(b"1;" + b"a" * 5000 + b"\r\n1\r\n0\r\n\r\n"), 400),
    "11 many extensions": (chunked(b"1;aaaaaaaaaaaaaaaa\r\n1\r\n" * 300), 400),
    "11 endless size line": (chunked(b"1;" + b"a" * 9000), 400),
    "12 bare LF": (chunked(b"5\n12345\r\n0\r\n\r\n"), 400),
    "12 bare CR": (chunked(b"5;a\rb\r\n12345\r\n0\r\n\r\n"), 400),
    "12 NUL": (chunked(b"5;\x00\r\n12345\r\n0\r\n\r\n"), 400),
    "13 no CRLF after data": (chunked(b"5\r\n123456\r\n0\r\n\r\n"), 400),
    "13 LF after data": (chunked(b"5\r\n12345\n0\r\n\r\n"), 400),
    "13 bare CR after data": (chunked(b"5\r\n12345\rX0\r\n\r\n"), 400),
    "14 bad trailer": (chunked(b"0\r\nno colon\r\n\r\n"), 400),
    "14 folded trailer": (chunked(b"0\r\nA: b\r\n c\r\n\r\n"), 400),
    "14 too many trailers": (chunked(b"0\r\n" + b"A: bbbbbbbbbbbb\r\n" * 900 + b"\r\n"), 400),
    "19 HTTP/0.9": (b"GET /x\r\n\r\n", 400),
    "19 HTTP/0.9 with fields": (b"GET /x\r\n" + HOST + b"\r\n", 400),
    "19 HTTP/0.9 named": (line(b"GET /x HTTP/0.9"), 505),
    "19 HTTP/1.32": (line(b"GET /x HTTP/1.32"), 400),
    "19 HTTP/1.2": (line(b"GET /x HTTP/1.2"), 505),
    "19 HTTP/2.0": (line(b"GET /x HTTP/2.0"), 505),
    "19 HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "19 lower case": (line(b"GET /x http/1.1"), 400),
    "19 RTSP": (line(b"GET /x RTSP/1.0"), 400),
    "20 bare CR in line": (line(b"GET /x\ry HTTP/1.1"), 400),
    "20 bare CR in value": (get(b"A: b\rc"), 400),
    "20 bare LF ends line": (b"GET /x HTTP/1.1\n" + HOST + b"\r\n", 400),
    "20 bare LF throughout": (b"GET /x HTTP/1.1\nHost: hello.localhost\n\n", 400),
    "21 folding": (get(b"A: b\r\n c"), 400),
    "22 space before colon": (get(b"A : b"), 400),
    "23 space first": (b"GET /x HTTP/1.1\r\n " + HOST + b"\r\n", 400),
    "23 tab first": (b"GET /x HTTP/1.1\r\n\t" + HOST + b"\r\n", 400),
    "24 empty name": (get(b": b"), 400),
    "24 not a token": (get(b"A(b): c"), 400),
    "24 not ASCII": (get(b"\xc3\xa4: c"), 400),
    "24 no colon": (get(b"abc"), 400),
    "25 NUL in value": (get(b"A: b\x00c"), 400),
    "25 DEL in value": (get(b"A: b\x7fc"), 400),
    "26 no Host": (b"GET /x HTTP/1.1\r\n\r\n", 400),
    "26 two Hosts": (get(HOST.strip()), 400),
    "26 empty Host": (b"GET /x HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "26 user info": (b"GET /x HTTP/1.1\r\nHost: a@hello.localhost\r\n\r\n", 400),
    "26 path": (b"GET /x HTTP/1.1\r\nHost: hello.localhost/a\r\n\r\n", 400),
    "26 comma": (b"GET /x HTTP/1.1\r\nHost: hello.localhost, b\r\n\r\n", 400),
    "26 space": (b"GET /x HTTP/1.1\r\nHost: hello localhost\r\n\r\n", 400),
    "26 port": (b"GET /x HTTP/1.1\r\nHost: hello.localhost:99999\r\n\r\n", 400),
    "26 only dots": (b"GET /x HTTP/1.1\r\nHost: .\r\n\r\n", 400),
    "27 no authority": (line(b"GET http:///x HTTP/1.1"), 400),
    "27 user info": (line(b"GET http://a@b/x HTTP/1.1"), 400),
    "27 other scheme": (line(b"GET ftp://hello.localhost/x HTTP/1.1"), 400),
    "27 no slash": (line(b"GET x HTTP/1.1"), 400),
    "28 CONNECT": (line(b"CONNECT hello.localhost:443 HTTP/1.1"), 405),
    "29 TRACE": (line(b"TRACE /x HTTP/1.1"), 405),
    "29 star": (line(b"GET * HTTP/1.1"), 400),
    "30 long URI": (line(b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    "30 endless URI": (b"GET /" + b"a" * 9000, 414),
    "30 many headers": (get(*[b"A: b"] * 101), 431),
    "30 long head": (get(b"A: " + b"b" * 33000), 431),
    "30 endless head": (b"GET /x HTTP/1.1\r\nA: " + b"b" * 33000, 431),
    "31 fragment": (line(b"GET /x#y HTTP/1.1"), 400),
    "32 control byte": (line(b"GET /x\x01 HTTP/1.1"), 400),
    "32 eight-bit": (line(b"GET /\xe4 HTTP/1.1"), 400),
    "32 two spaces": (line(b"GET  /x HTTP/1.1"), 400),
    "32 space at the end": (line(b"GET /x HTTP/1.1 "), 400),
    "32 two empty lines": (b"\r\n\r\n" + get(), 400),
    "32 lower-case method": (line(b"get /x HTTP/1.1"), 400),
    "32 unknown method": (line(b"FOO /x HTTP/1.1"), 400),
    "47 upgrade with a body": (
        get(b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 5") + b"12345",
        400,
    ),
    "49 other expectation": (post(b"Content-Length: 1", b"Expect: magic", body=b"1"), 417),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}
