"""Requests to a known host, put together by hand so that nothing tidies them up."""

HOST = b"Host: hello.localhost\r\n"


def post(*fields: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"POST /x HTTP/" + version + b"\r\n" + HOST + lines + b"\r\n" + body


def sized(field: bytes, body: bytes = b"12345") -> bytes:
    """With that field for its length."""
    return post(field, body=body)


def coded(field: bytes, body: bytes = b"0\r\n\r\n") -> bytes:
    """With that field for its coding."""
    return post(field, body=body)


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


def get(*fields: bytes) -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"GET /x HTTP/1.1\r\n" + HOST + lines + b"\r\n"


def line(first: bytes) -> bytes:
    return first + b"\r\n" + HOST + b"\r\n"


def hosted(value: bytes) -> bytes:
    return b"GET /x HTTP/1.1\r\nHost:" + value + b"\r\n\r\n"
