import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.live.requests import RequestRecord
from paas.proxy.accesslog import MOST_BUFFERED, AccessLog, combined_line, json_line

PLAIN = {
    "time": 1_700_000_000.25, "seconds": 0.1234567, "waited": 0.0, "client": b"192.0.2.1",
    "service": "shop", "version": "shop-001", "replica": "0123456789abcdef",
    "scheme": b"https", "method": b"GET",
    "host": b"shop.localhost", "target": b"/a?b=c", "protocol": b"HTTP/1.1",
    "status": 200, "error": "",
    "received": 3, "sent": 5, "referer": b"", "agent": b"curl/8",
}  # fmt: skip
EVIL = b'a"b\\c\r\n{"x":1}\x1b[31m\x7f\x00\xff\xe2\x80\xa8\xc2\x9b'


def record(**fields):
    return RequestRecord(**{**PLAIN, **fields})


def test_json():
    line = json_line(record())
    assert line.endswith(b"}\n")
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.250Z", "client": "192.0.2.1", "scheme": "https",
        "method": "GET",
        "host": "shop.localhost", "target": "/a?b=c", "protocol": "HTTP/1.1",
        "status": 200, "error": "",
        "service": "shop", "version": "shop-001", "replica": "0123456789ab",
        "seconds": 0.123457, "waited": 0.0, "received": 3, "sent": 5, "referer": "",
        "agent": "curl/8", "ignored": False,
    }  # fmt: skip


def test_what_was_no_traffic_is_marked():
    assert json.loads(json_line(record(ignored=True)))["ignored"] is True


def test_combined():
    assert combined_line(record(status=499, target=b"")) == (
        b'192.0.2.1 - - [14/Nov/2023:22:13:20 +0000] "GET - HTTP/1.1" 499 5 "-" "curl/8"\n'
    )


@pytest.mark.parametrize("form", [json_line, combined_line])
@given(raw=st.one_of(st.just(EVIL), st.binary(), st.binary().map(lambda one: one * 500)))
def test_a_line_is_a_line_whatever_a_client_sends(form, raw):
    line = form(record(target=raw, agent=raw, referer=raw, method=raw, host=raw, client=raw))
    assert line.endswith(b"\n")
    assert all(0x20 <= byte < 0x7F for byte in line[:-1])
    if form is json_line:
        assert json.loads(line)["status"] == 200
    else:
        assert line.count(b'"') == 6


class SlowSink:
    def __init__(self):
        self.lines = []
        self.full = False

    def write(self, lines):
        if self.full:
            return len(lines)
        self.lines += lines
        return 0


async def test_what_is_added_is_written_by_the_loop():
    sink = SlowSink()
    access = AccessLog(json_line, sink)
    access.add(record())
    task = asyncio.ensure_future(access.run())
    async with asyncio.timeout(5):
        while not sink.lines:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert access.dropped == 0


async def test_too_many_and_unwritable_lines_are_dropped_and_counted(caplog):
    sink = SlowSink()
    access = AccessLog(json_line, sink)
    one = record()
    for _ in range(MOST_BUFFERED + 7):
        access.add(one)
    assert access.dropped == 7
    sink.full = True
    await access.flush()
    assert access.dropped == MOST_BUFFERED + 7
    assert "lines are dropped" in caplog.text
    sink.full = False
    access.add(one)
    await access.flush()
    assert len(sink.lines) == 1
