"""Who sent a webhook, and whether it is genuine."""

import pytest

from paas.core.webhooks import (
    SECRET_BYTES,
    TOLERANCE,
    Envelope,
    GitHost,
    envelope,
    fingerprint,
    genuine,
    new_secret,
)
from tests.payloads import HOSTS, NOW, SECRET, body, signed


def right(headers: dict[str, str], content: bytes, *, secret: str = SECRET) -> bool:
    return genuine(envelope(headers), headers, content, secret=secret, now=NOW)


@pytest.mark.parametrize("host", HOSTS)
def test_each_host_is_recognised_by_its_own_headers(host: str) -> None:
    found = envelope(signed(host, b"{}", delivery="d-7"))
    assert found is not None
    assert found.host is GitHost(host.removesuffix("-signed"))
    assert found.delivery == "d-7"


def test_who_sends_no_event_is_nobody() -> None:
    assert envelope({"x-hub-signature-256": "sha256=00"}) is None
    assert envelope({"x-github-event": ""}) is None
    assert envelope({"x-github-event": "push\x00"}) is None


def test_a_delivery_id_that_is_none_counts_as_missing() -> None:
    found = envelope({"x-github-event": "push", "x-github-delivery": "a b"})
    assert found == Envelope(host=GitHost.GITHUB, kind="push", delivery="")


@pytest.mark.parametrize("host", HOSTS)
def test_what_the_holder_of_the_secret_sent_is_genuine(host: str) -> None:
    content = body(host)
    assert right(signed(host, content), content)
    assert not right(signed(host, content), content, secret=new_secret(bytes(32)))


@pytest.mark.parametrize("host", [one for one in HOSTS if one != "gitlab"])
def test_a_changed_body_is_not(host: str) -> None:
    content = body(host)
    assert not right(signed(host, content), content + b" ")


@pytest.mark.parametrize("host", HOSTS)
def test_a_signature_that_is_missing_or_odd_is_wrong(host: str) -> None:
    content = body(host)
    headers = signed(host, content)
    for name in [one for one in headers if "signature" in one or one == "x-gitlab-token"]:
        for odd in ("", "sha256=", "zz", "sha256=" + "0" * 63, "v1", "\udcff", "é" * 64):
            rest = {key: value for key, value in headers.items() if "signature" not in key}
            assert not right({**rest, "x-gitlab-token": "", name: odd}, content)


def test_gitea_s_signature_alone_counts_for_forgejo_too() -> None:
    content = body("forgejo")
    headers = signed("forgejo", content)
    del headers["x-forgejo-signature"]
    assert right(headers, content)


def test_a_sender_that_is_nobody_is_never_right() -> None:
    content = b"{}"
    headers = signed("github", content)
    assert not genuine(None, headers, content, secret=SECRET, now=NOW)


def test_gitlab_s_signature_covers_id_and_time() -> None:
    content = body("gitlab")
    headers = signed("gitlab-signed", content)
    assert not right({**headers, "webhook-id": "d-2"}, content)
    assert not right({**headers, "webhook-timestamp": str(int(NOW) + 1)}, content)


@pytest.mark.parametrize("off", [-TOLERANCE - 1, TOLERANCE + 1])
def test_an_old_signature_of_gitlab_is_refused(off: float) -> None:
    content = body("gitlab")
    assert not right(signed("gitlab-signed", content, at=NOW + off), content)
    assert right(signed("gitlab-signed", content, at=NOW + off * 0.9), content)


def test_gitlab_s_token_does_not_make_up_for_a_wrong_signature() -> None:
    content = body("gitlab")
    headers = {**signed("gitlab", content), "webhook-signature": "v1,AAAA"}
    assert not right(headers, content)


def test_one_right_signature_of_several_is_enough() -> None:
    content = body("gitlab")
    headers = signed("gitlab-signed", content)
    own = headers["webhook-signature"]
    assert right({**headers, "webhook-signature": f"v1,AAAA {own}"}, content)
    assert not right({**headers, "webhook-signature": own.replace("v1,", "v2,")}, content)


def test_a_time_that_is_no_number_is_wrong() -> None:
    content = body("gitlab")
    headers = signed("gitlab-signed", content)
    assert not right({**headers, "webhook-timestamp": "soon"}, content)


def test_a_secret_of_another_form_signs_as_it_is() -> None:
    content = body("github")
    assert right(signed("github", content, secret="plain"), content, secret="plain")
    headers = signed("gitlab-signed", content, secret=SECRET)
    assert not right(headers, content, secret="not base64!")


def test_a_secret_says_what_it_is_and_has_256_bits() -> None:
    assert new_secret(bytes(range(SECRET_BYTES))) == SECRET


def test_the_same_body_is_the_same_delivery_where_the_id_is_not_signed() -> None:
    one = Envelope(host=GitHost.GITHUB, kind="push", delivery="d-1")
    two = Envelope(host=GitHost.GITHUB, kind="push", delivery="d-2")
    assert fingerprint(one, b"a") == fingerprint(two, b"a") != fingerprint(one, b"b")


def test_gitlab_s_deliveries_are_told_apart_by_their_id() -> None:
    one = Envelope(host=GitHost.GITLAB, kind="Push Hook", delivery="d-1")
    two = Envelope(host=GitHost.GITLAB, kind="Push Hook", delivery="d-2")
    none = Envelope(host=GitHost.GITLAB, kind="Push Hook")
    assert fingerprint(one, b"a") != fingerprint(two, b"a")
    assert fingerprint(none, b"a") != fingerprint(none, b"b")
