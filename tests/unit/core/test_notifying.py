import json

import pytest

from paas.core.model import Event
from paas.core.notifying import USUAL, Recipient, check_kind, check_url, notice

EVENT = Event(
    id=7,
    kind="deployment.failed",
    time=1.5,
    message="shop-002 failed: <!channel> & more",
    service="shop",
    version="shop-002",
    deployment="d1",
    data={"code": "build_failed", "advice": "Read the log."},
)


def test_the_event_as_json_with_who_tells_it():
    made = notice(EVENT, Recipient(url="https://x.example/"), installation="apps.example")
    assert made.headers["X-Paas-Event"] == "deployment.failed"
    assert made.headers["X-Paas-Delivery"] == "7"
    assert json.loads(made.body) == {
        "installation": "apps.example",
        "id": 7,
        "time": "1970-01-01T00:00:01.500Z",
        "kind": "deployment.failed",
        "message": "shop-002 failed: <!channel> & more",
        "actor": "daemon",
        "service": "shop",
        "version": "shop-002",
        "deployment": "d1",
        "data": {"code": "build_failed", "advice": "Read the log."},
    }


def test_a_message_mentions_nobody():
    recipient = Recipient(url="https://x.example/", format="slack")
    text = json.loads(notice(EVENT, recipient, installation="apps.example").body)["text"]
    assert text == (
        "*apps.example* deployment.failed\n"
        "shop-002 failed: &lt;!channel&gt; &amp; more\n"
        "_Read the log._"
    )
    plain = Event(kind="disk.low", time=0, message="x" * 9000)
    assert len(json.loads(notice(plain, recipient, installation="a").body)["text"]) == 3000


def test_the_url_is_a_secret():
    recipient = Recipient(url="https://user:pw@hooks.example/T1/B2")
    assert recipient.host == "hooks.example"
    assert "B2" not in repr(recipient)
    assert Recipient(url="nothing").host == ""


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "https://", "http://x:0/", "http://[x", "http://a b/", "http://a\n/"]
)
def test_what_is_no_url(url):
    with pytest.raises(ValueError, match="a URL such as"):
        check_url(url)


def test_urls_and_kinds():
    assert check_url("http://10.0.0.1:8080/hook") == "http://10.0.0.1:8080/hook"
    assert all(check_kind(kind) == kind for kind in USUAL)
    with pytest.raises(ValueError, match=r"deployment\.failed"):
        check_kind("deployment.exploded")
