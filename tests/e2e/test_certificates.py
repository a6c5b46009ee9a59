"""Certificates from a real authority (pebble): ordered, used, renewed, and what goes wrong."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.certificates import issue, trusting
from tests.e2e.daemon import ROOT, short_folder
from tests.e2e.secured import Secured, secured_by
from tests.e2e.waiting import until

DAY = 86400.0


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    """Proved by HTTP; with an engine."""
    with short_folder() as folder, secured_by(folder) as found:
        yield found


@pytest.fixture(scope="module")
def by_tls() -> Iterator[Secured]:
    """Proved by TLS, and by DNS for all of its base domain; nothing runs there."""
    with short_folder() as folder:
        hook = folder / "hook.py"
        more = {
            "PAAS_ACME__CHALLENGE": "tls-alpn-01",
            "PAAS_ACME__BASE_DOMAIN": "wildcard",
            "PAAS_BASE_DOMAIN": "apps.test",
        }
        with secured_by(folder, hook=hook, engine=False, **more) as found:
            yield found


def test_a_domain_gets_a_certificate_and_answers_by_https(secured: Secured, service: str) -> None:
    host = f"{service}.test"
    secured.world.deploy(service)
    changed = secured.world.api.patch(f"/v1/services/{service}", {"redirect_https": True})
    assert changed.status == 200
    secured.add(service, host)
    found = secured.state(service, host, "valid")
    assert found["names"] == [host]
    assert found["issuer"].startswith("Pebble Intermediate CA")
    assert found["source"] == "acme"
    assert secured.get(host, secured.authority.trusting()).text.strip() == "hello"
    for version in ("2", "1.1"):
        told = secured.curl(host, f"--http{version}", "-w", "%{http_version} %{http_code}")
        assert told == f"hello{version} 200"
    plain = secured.world.get(host)
    assert plain.headers["location"] == f"https://{host}:{secured.https}/"
    until(lambda: secured.world.events(service, "certificate.issued"), "it is told")
    (event,) = secured.world.events(service, "certificate.issued")
    assert event["data"]["host"] == host
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        secured.get("unknown.test", secured.authority.trusting())


def test_a_refusal_is_told_and_harms_nobody(secured: Secured, service: str) -> None:
    good, bad = f"{service}.test", f"{service}.blocked.test"
    secured.create(service)
    secured.add(service, bad)
    secured.add(service, good)
    found = secured.state(service, bad, "failed")
    assert found["problem"]["code"] == "order_refused"
    assert found["next_try"]
    secured.state(service, good, "valid")
    assert len(secured.world.events(service, "certificate.failed")) == 1


def test_a_certificate_is_renewed_when_its_time_has_come(secured: Secured, service: str) -> None:
    host = f"{service}.test"
    secured.create(service)
    secured.add(service, host)
    secured.state(service, host, "valid")
    before = secured.leaf(host)
    secured.world.daemon.kill9()
    path = secured.folder / "certificates" / f"{host}.certificate"
    kept = json.loads(path.read_text())
    assert "PRIVATE KEY" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    kept["held"]["obtained"] -= 5 * 365 * DAY
    path.write_text(json.dumps(kept))
    secured.world.daemon.start()
    until(lambda: secured.leaf(host) != before, "the certificate is another one")
    assert secured.state(service, host, "valid")


def test_kill9_at_every_step_of_an_order(secured: Secured, service: str) -> None:
    """The daemon dies as soon as a step's result can be seen: the order that was begun, the
    certificate at the authority, the certificate here.
    """
    host = f"{service}.test"
    secured.create(service)
    folder = secured.folder / "certificates"
    issued = secured.issued()
    steps = {
        "begun": (folder / f"{host}.order").exists,
        "issued": lambda: secured.issued() > issued,
        "fetched": (folder / f"{host}.certificate").exists,
    }
    secured.add(service, host)
    for step, seen in steps.items():
        until(seen, step, pause=0.001)
        secured.world.daemon.kill9()
        secured.world.daemon.start()
    secured.state(service, host, "valid")
    secured.get(host, secured.authority.trusting())
    assert secured.issued() == issued + 1
    assert secured.accounts() == 1
    assert len(list(folder.glob("*.account"))) == 1
    assert not list(folder.glob("*.order"))


def test_an_authority_that_is_down_harms_nobody(service: str) -> None:
    old, new = f"old.{service}.test", f"new.{service}.test"
    with short_folder() as folder, secured_by(folder, engine=False) as secured:
        secured.create(service)
        secured.add(service, old)
        secured.state(service, old, "valid")
        roots = secured.authority.trusting()
        secured.authority.stop()
        secured.add(service, new)
        found = secured.state(service, new, "failed")
        assert found["problem"]["code"] == "authority_unreachable"
        assert secured.get(old, roots).status == 503
        secured.world.daemon.kill9()
        secured.world.daemon.start(with_engine=False)
        assert secured.get(old, roots).status == 503
        assert secured.certificate(service, new)["problem"] == found["problem"]


def test_proved_by_tls_while_others_go_on(by_tls: Secured, service: str) -> None:
    by_tls.create(service)
    by_tls.add(service, f"{service}.test")
    by_tls.state(service, f"{service}.test", "valid")
    answer = by_tls.get(f"{service}.test", by_tls.authority.trusting())
    assert answer.headers["x-paas-error"] == "no_traffic"


def test_one_wildcard_for_the_base_domain_by_dns(by_tls: Secured, service: str) -> None:
    by_tls.create(service)
    host = f"{service}.apps.test"
    until(lambda: by_tls.served(host), "the wildcard is there", seconds=20)
    answer = by_tls.get(host, by_tls.authority.trusting())
    assert answer.headers["x-paas-error"] == "no_traffic"
    listed = paas(by_tls, "domains")
    assert "*.apps.test" in listed
    calls = (by_tls.folder / "hook.log").read_text().splitlines()
    assert [call.split()[:2] for call in calls] == [
        ["set", "_acme-challenge.apps.test"],
        ["clear", "_acme-challenge.apps.test"],
    ]


def test_a_certificate_of_ones_own(by_tls: Secured, service: str) -> None:
    host = f"own.{service}.test"
    by_tls.create(service)
    by_tls.add(service, host)
    by_tls.state(service, host, "valid")
    pair = issue(host)
    chain, key = by_tls.folder / "own.pem", by_tls.folder / "own.key"
    chain.write_bytes(pair.chain)
    key.write_bytes(pair.key)
    paas(by_tls, "domains", service, "certificate", host, f"--certificate={chain}", f"--key={key}")
    assert by_tls.get(host, trusting(pair)).status == 503
    by_tls.world.daemon.kill9()
    by_tls.world.daemon.start(with_engine=False)
    assert by_tls.get(host, trusting(pair)).status == 503
    found = by_tls.certificate(service, host)
    assert (found["state"], found["source"]) == ("valid", "upload")
    listed = paas(by_tls, "domains", service)
    assert "valid" in listed
    assert "uploaded" in listed
    private = pair.key.decode().splitlines()[1]
    kept = b"".join(path.read_bytes() for path in by_tls.folder.rglob("*.certificate"))
    assert private.encode() not in kept
    assert private not in by_tls.world.daemon.log
    paas(by_tls, "domains", service, "certificate", host, "--remove")
    until(lambda: by_tls.certificate(service, host)["source"] == "acme", "ordered again")
    by_tls.get(host, by_tls.authority.trusting())


def paas(secured: Secured, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "paas", *words],
        env=secured.world.daemon.environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout
