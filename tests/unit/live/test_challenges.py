"""What an authority is shown while it checks."""

from paas.live.certificates import Certificates
from paas.live.challenges import Challenges
from tests.certificates import issue


def test_a_proof_is_shown_for_its_host_and_path_and_then_hidden() -> None:
    challenges = Challenges()
    challenges.show("a.test", token="t1", authorization="t1.thumb")
    challenges.show("b.test", token="t2", authorization="t2.thumb")
    assert challenges.http["a.test", b"/.well-known/acme-challenge/t1"] == b"t1.thumb"
    assert ("b.test", b"/.well-known/acme-challenge/t1") not in challenges.http
    challenges.hide("a.test")
    assert [host for host, _ in challenges.http] == ["b.test"]


def test_a_certificate_is_shown_for_its_host_and_then_hidden() -> None:
    challenges = Challenges()
    challenges.show_certificate("a.test", issue("a.test").certificate.context)
    assert set(challenges.tls) == {"a.test"}
    challenges.hide("a.test")
    challenges.hide("a.test")
    assert not challenges.tls


def test_all_certificates_in_their_order() -> None:
    certificates = Certificates()
    first, second = issue("a.test").certificate, issue("b.test").certificate
    certificates.put("1", first)
    certificates.put("2", second)
    assert certificates.all == (first, second)
