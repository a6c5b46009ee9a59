from paas.live.requests import KEPT, RequestLogs, RequestRecord


def record(number, service="shop"):
    return RequestRecord(
        time=float(number), seconds=0.1, waited=0.0, client=b"192.0.2.1", service=service,
        version="shop-001", replica="r", scheme=b"http", method=b"GET", host=b"h", target=b"/",
        protocol=b"HTTP/1.1",
        status=200, error="", received=0, sent=1, referer=b"", agent=b"",
    )  # fmt: skip


def test_only_those_that_are_kept_and_only_the_last():
    logs = RequestLogs()
    logs.add(record(0))
    assert list(logs.recent("shop", limit=5)) == []
    logs.keep("shop")
    for number in range(KEPT + 5):
        logs.add(record(number))
    logs.keep("shop")
    assert [one.time for one in logs.recent("shop", limit=3)] == [1004.0, 1003.0, 1002.0]
    assert len(logs.recent("shop", limit=5000)) == KEPT
    logs.forget("shop")
    logs.forget("shop")
    logs.add(record(1))
    assert list(logs.recent("shop", limit=5)) == []
