"""Requests whose end two readers could see in different places: cases 1 to 14.

Among them is what the public suites and desynchronisation tools send: lengths and
codings in disguise, and chunk lines that end early, late or in an extension.
"""

from tests.unit.http1.requests import chunked, coded, post, sized

BOTH = b"Content-Length: 5", b"Transfer-Encoding: chunked"
SMUGGLED = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: hello.localhost\r\n\r\n"

LENGTHS = {
    "case-01-length-then-coding": (post(*BOTH), 400),
    "case-01-coding-then-length": (post(*reversed(BOTH)), 400),
    "case-01-smuggled-request": (
        post(b"Content-Length: %d" % len(SMUGGLED), BOTH[1], body=SMUGGLED),
        400,
    ),
    "case-01-in-a-get": (post(*BOTH, body=b"0\r\n\r\n").replace(b"POST", b"GET"), 400),
    "case-01-upper-case": (post(BOTH[0].upper(), BOTH[1].upper(), body=SMUGGLED), 400),
    "case-01-identity": (post(BOTH[0], b"Transfer-Encoding: identity", body=b"12345"), 400),
    "case-01-unknown": (post(BOTH[0], b"Transfer-Encoding: xchunked", body=b"12345"), 400),
    "case-01-empty-coding": (post(BOTH[0], b"Transfer-Encoding:", body=b"12345"), 400),
    "case-01-tab-and-space": (post(BOTH[0], b"Transfer-Encoding:\tchunked ", body=SMUGGLED), 400),
    "case-01-folded-coding": (post(b"Transfer-Encoding:\r\n chunked", BOTH[0], body=SMUGGLED), 400),
    "case-01-zero-length": (post(b"Content-Length: 0", BOTH[1], body=b"0\r\n\r\n"), 400),
    "case-02-two-lengths": (post(BOTH[0], b"Content-Length: 10", body=b"12345"), 400),
    "case-02-shorter-second": (post(BOTH[0], b"Content-Length: 0", body=b"12345"), 400),
    "case-02-list": (sized(b"Content-Length: 5, 10"), 400),
    "case-02-zero-listed-first": (sized(b"Content-Length: 0, 5"), 400),
    "case-02-empty-then-length": (post(b"Content-Length:", BOTH[0], body=b"12345"), 400),
    "case-03-equal-lengths": (post(BOTH[0], BOTH[0], body=b"12345"), 400),
    "case-03-equal-listed": (sized(b"Content-Length: 5, 5"), 400),
    "case-03-equal-in-other-case": (post(BOTH[0], BOTH[0].lower(), body=b"12345"), 400),
    "case-04-plus": (sized(b"Content-Length: +5"), 400),
    "case-04-minus": (sized(b"Content-Length: -5"), 400),
    "case-04-minus-zero": (sized(b"Content-Length: -0"), 400),
    "case-04-underscore": (sized(b"Content-Length: 5_0"), 400),
    "case-04-hex": (sized(b"Content-Length: 0x5"), 400),
    "case-04-octal": (sized(b"Content-Length: 0o5"), 400),
    "case-04-letters": (sized(b"Content-Length: 5a"), 400),
    "case-04-exponent": (sized(b"Content-Length: 5e0"), 400),
    "case-04-fraction": (sized(b"Content-Length: 5.0"), 400),
    "case-04-inner-space": (sized(b"Content-Length: 0 5"), 400),
    "case-04-quoted": (sized(b'Content-Length: "5"'), 400),
    "case-04-other-digits": (sized("Content-Length: ٥".encode()), 400),
    "case-04-full-width": (sized("Content-Length: \uff15".encode()), 400),
    "case-04-eight-bit": (sized(b"Content-Length: \xb2"), 400),
    "case-04-empty": (post(b"Content-Length:"), 400),
    "case-04-two-to-the-64th": (post(b"Content-Length: 18446744073709551616"), 400),
    "case-04-two-to-the-63rd": (post(b"Content-Length: 9223372036854775808"), 400),
    "case-04-very-long": (post(b"Content-Length: " + b"0" * 8000 + b"5", body=b"12345"), 400),
}

CODINGS = {
    "case-05-xchunked": (coded(b"Transfer-Encoding: xchunked"), 400),
    "case-05-cut": (coded(b"Transfer-Encoding: chunk"), 400),
    "case-05-identity": (coded(b"Transfer-Encoding: identity"), 400),
    "case-05-gzip": (coded(b"Transfer-Encoding: gzip"), 400),
    "case-05-empty": (coded(b"Transfer-Encoding:"), 400),
    "case-05-parameter": (coded(b"Transfer-Encoding: chunked;x"), 400),
    "case-05-named-parameter": (coded(b"Transfer-Encoding: chunked;x=y"), 400),
    "case-05-quoted": (coded(b'Transfer-Encoding: "chunked"'), 400),
    "case-05-apostrophes": (coded(b"Transfer-Encoding: 'chunked'"), 400),
    "case-05-words": (coded(b"Transfer-Encoding: cow chunked bar"), 400),
    "case-05-encoded-word": (coded(b"Transfer-Encoding: =?UTF-8?B?Y2h1bmtlZA==?="), 400),
    "case-05-accent": (coded(b"Transfer-Encoding: ch\x96nked"), 400),
    "case-06-gzip-before": (coded(b"Transfer-Encoding: gzip, chunked"), 501),
    "case-06-unknown-before": (coded(b"Transfer-Encoding: cow, chunked"), 501),
    "case-06-identity-before": (coded(b"Transfer-Encoding: identity, chunked"), 501),
    "case-06-gzip-after": (coded(b"Transfer-Encoding: chunked, gzip"), 400),
    "case-06-identity-after": (coded(b"Transfer-Encoding: chunked, identity"), 400),
    "case-06-between": (coded(b"Transfer-Encoding: identity, chunked, identity"), 400),
    "case-07-twice": (coded(b"Transfer-Encoding: chunked, chunked"), 400),
    "case-07-two-lines": (post(BOTH[1], BOTH[1], body=b"0\r\n\r\n"), 400),
    "case-07-gzip-line-first": (
        post(b"Transfer-Encoding: gzip", BOTH[1], body=b"0\r\n\r\n"),
        400,
    ),
    "case-07-identity-line-after": (
        post(BOTH[1], b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
        400,
    ),
    "case-07-empty-line-first": (post(b"Transfer-Encoding:", BOTH[1], body=b"0\r\n\r\n"), 400),
    "case-07-empty-element-first": (coded(b"Transfer-Encoding: ,chunked"), 400),
    "case-07-empty-element-last": (coded(b"Transfer-Encoding: chunked,"), 400),
    "case-09-coding-in-1.0": (post(BOTH[1], body=b"0\r\n\r\n", version=b"1.0"), 400),
    "case-09-both-in-1.0": (post(*BOTH, body=b"12345", version=b"1.0"), 400),
}

_ODD = (0x00, 0x01, 0x08, 0x0B, 0x0C, 0x0E, 0x1F, 0x7F, 0x80, 0x85, 0xA0, 0xAD, 0xFF)
WHITE_SPACE = {
    f"case-08-{place}-{byte:02x}": (coded(field % bytes([byte])), 400)
    for byte in _ODD
    for place, field in {
        "before": b"Transfer-Encoding: %bchunked",
        "after": b"Transfer-Encoding: chunked%b",
        "instead": b"Transfer-Encoding:%bchunked",
        "before-the-name": b"%bTransfer-Encoding: chunked",
        "after-the-name": b"Transfer-Encoding%b: chunked",
    }.items()
}

CHUNKS = {
    "case-10-hex-prefix": (chunked(b"0x5\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-plus": (chunked(b"+5\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-plus-zero": (chunked(b"+0\r\n\r\n"), 400),
    "case-10-underscore": (chunked(b"5_0\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-minus": (chunked(b"-1\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-minus-hex-zero": (chunked(b"-0x0\r\n\r\n"), 400),
    "case-10-space-after": (chunked(b"5 \r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-space-before": (chunked(b" 5\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-words-after": (chunked(b"5words\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-not-a-number": (chunked(b"INVALID!!!\r\n"), 400),
    "case-10-above-two-to-the-63rd": (chunked(b"8000000000000000\r\n12345"), 400),
    "case-10-all-bits": (chunked(b"FFFFFFFFFFFFFFFF\r\n12345"), 400),
    "case-10-overflow": (chunked(b"FFFFFFFFFFFFFFFF0\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-wraps-to-five": (chunked(b"10000000000000005\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-seventeen-digits": (chunked(b"00000000000000005\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-empty": (chunked(b"\r\n12345\r\n0\r\n\r\n"), 400),
    "case-10-empty-for-the-last": (chunked(b"5\r\n12345\r\n\r\n\r\n"), 400),
    "case-11-one-extension": (chunked(b"1;" + b"a" * 5000 + b"\r\n1\r\n0\r\n\r\n"), 400),
    "case-11-64-KiB": (chunked(b"1;a=" + b"b" * 65536 + b"\r\n1\r\n0\r\n\r\n"), 400),
    "case-11-many": (chunked(b"1;aaaaaaaaaaaaaaaa\r\n1\r\n" * 300), 400),
    "case-11-endless": (chunked(b"1;" + b"a" * 9000), 400),
    "case-11-no-name": (chunked(b"5;\r\n12345\r\n0\r\n\r\n"), 400),
    "case-11-no-name-but-a-value": (chunked(b"5;=b\r\n12345\r\n0\r\n\r\n"), 400),
    "case-11-no-token": (chunked(b"5;a[=b\r\n12345\r\n0\r\n\r\n"), 400),
    "case-11-no-value": (chunked(b"5;a=\r\n12345\r\n0\r\n\r\n"), 400),
    "case-11-open-quote": (chunked(b'5;a="b\r\n12345\r\n0\r\n\r\n'), 400),
    "case-11-quote-over-lines": (chunked(b'5;a="\r\n12345\r\n0\r\n\r\n"\r\n'), 400),
    "case-11-space-before": (chunked(b"5 ;a\r\n12345\r\n0\r\n\r\n"), 400),
    "case-11-eight-bit": (chunked(b"5;\xff\r\n12345\r\n0\r\n\r\n"), 400),
}

_BREAKS = {
    "lf": b"\n",
    "cr": b"\r",
    "cr-x": b"\rX",
    "cr-cr": b"\r\r",
    "nul": b"\0",
    "lf-cr": b"\n\r",
}
ENDS = {
    **{
        f"case-12-size-{name}": (chunked(b"5" + end + b"12345\r\n0\r\n\r\n"), 400)
        for name, end in _BREAKS.items()
    },
    **{
        f"case-12-extension-{name}": (chunked(b"5;a" + end + b"b\r\n12345\r\n0\r\n\r\n"), 400)
        for name, end in _BREAKS.items()
    },
    **{
        f"case-12-before-extension-{name}": (chunked(b"5" + end + b";a\r\n12345\r\n0\r\n\r\n"), 400)
        for name, end in _BREAKS.items()
    },
    **{
        f"case-12-last-chunk-{name}": (chunked(b"0" + end + b"\r\n"), 400)
        for name, end in _BREAKS.items()
    },
    **{
        f"case-13-{name}": (chunked(b"5\r\n12345" + end + b"0\r\n\r\n"), 400)
        for name, end in {**_BREAKS, "nothing": b"", "xx": b"XX"}.items()
    },
    "case-13-more-than-declared": (chunked(b"5\r\n1234567\r\n0\r\n\r\n"), 400),
    "case-13-one-more": (chunked(b"5\r\n123456\r\n0\r\n\r\n"), 400),
    "case-13-less-than-declared": (chunked(b"5\r\n1234\r\n0\r\n\r\n"), 400),
    "case-13-empty-line-more": (chunked(b"5\r\n12345\r\n\r\n0\r\n\r\n"), 400),
}

TRAILERS = {
    "case-14-no-colon": (chunked(b"0\r\nno colon\r\n\r\n"), 400),
    "case-14-folded": (chunked(b"0\r\nA: b\r\n c\r\n\r\n"), 400),
    "case-14-space-before-colon": (chunked(b"0\r\nA : b\r\n\r\n"), 400),
    "case-14-empty-name": (chunked(b"0\r\n: b\r\n\r\n"), 400),
    "case-14-nul": (chunked(b"0\r\nA: b\0\r\n\r\n"), 400),
    "case-14-bare-cr": (chunked(b"0\r\nA: b\rC: d\r\n\r\n"), 400),
    "case-14-bare-lf": (chunked(b"0\r\nA: b\n\r\n"), 400),
    "case-14-ended-by-lf": (chunked(b"0\r\n\n"), 400),
    "case-14-ended-by-letters": (chunked(b"0\r\nXX\r\n\r\n"), 400),
    "case-14-too-many": (chunked(b"0\r\n" + b"A: bbbbbbbbbbbb\r\n" * 900 + b"\r\n"), 400),
}

HOSTILE_FRAMING = LENGTHS | CODINGS | WHITE_SPACE | CHUNKS | ENDS | TRAILERS
