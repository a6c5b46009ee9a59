"""Certificates of domains with an authority in memory: ordered, renewed, and troubles."""

import asyncio
import datetime as dt

import pytest

from paas.core.certifying import DAY, HOUR, CertificateState
from paas.errors import Failed, NotFound, TooOften, Unavailable
from paas.settings import Acme
from tests.certificates import issue
from tests.integration.control.wire import request
from tests.integration.control.world import World, Worlds
from tests.waiting import until

AWAY = Unavailable("The authority is away.", code="authority_unreachable")
REFUSED = Failed("It said no.", code="validation_failed")


@pytest.fixture
async def ordering(worlds: Worlds) -> World:
    return await worlds(acme=Acme(enabled=True, check_dns=True))


async def add(world: World, *domains: str, service: str = "shop") -> None:
    if world.control.catalog.find(service) is None:
        await world.deploy(service)
    for domain in domains:
        await world.control.services.add_domain(service, domain, actor="ann")


def state(world: World, host: str) -> CertificateState:
    return world.control.certification.certifier.status(host).state


def why(world: World, host: str) -> str:
    failure = world.control.certification.certifier.status(host).failure
    return failure.code if failure else ""


def valid(world: World, host: str) -> bool:
    return state(world, host) is CertificateState.VALID and host_is_served(world, host)


def host_is_served(world: World, host: str) -> bool:
    return world.proxy.certificates.find(host) is not None


async def later(world: World, seconds: float) -> None:
    world.clock.skip(seconds)
    world.control.certification.certifier.poke()
    await asyncio.sleep(0.05)


async def test_a_new_domain_gets_a_certificate(ordering: World) -> None:
    await add(ordering, "a.test")
    await until(lambda: valid(ordering, "a.test"))
    assert ordering.authority.issued == ["a.test"]
    event = await ordering.event("certificate.issued")
    assert event.data["host"] == "a.test"
    assert ordering.control.urls.host("a.test").startswith("http://")


async def test_the_check_is_answered_byte_for_byte_whatever_the_service_does(
    ordering: World,
) -> None:
    seen = []

    async def check(proof) -> None:
        path = f"/.well-known/acme-challenge/{proof.token}"
        seen.append(await request(proof.name, ordering.port, path=path))
        seen.append(await request(proof.name, ordering.port, path=path + "x"))
        seen.append(await request("shop.localhost", ordering.port, path=path))

    await ordering.deploy()
    await ordering.to_zero("shop-001")
    await ordering.configure(redirect_https=True)
    before = ordering.starts("shop-001")
    ordering.authority.check = check
    await add(ordering, "a.test")
    await until(lambda: valid(ordering, "a.test"))
    right, wrong, other = seen
    assert (right.status, right.body) == (200, "token1.thumb")
    assert (wrong.status, other.status) == (301, 301)
    assert ordering.starts("shop-001") == before
    after = await request("a.test", ordering.port, path="/.well-known/acme-challenge/token1")
    assert after.status == 301


async def test_nothing_is_ordered_without_being_asked_for(world: World) -> None:
    await add(world, "a.test")
    await later(world, HOUR)
    assert state(world, "a.test") is CertificateState.NONE
    assert world.authority.begun == []


async def test_one_domains_trouble_is_no_others(ordering: World) -> None:
    ordering.authority.troubles["finish bad.test"] = REFUSED
    ordering.names.unknown.add("nowhere.test")
    await add(ordering, "bad.test", "nowhere.test", "good.test")
    await until(lambda: valid(ordering, "good.test"))
    await until(lambda: why(ordering, "bad.test") == "validation_failed")
    await until(lambda: why(ordering, "nowhere.test") == "dns_unresolved")
    assert "nowhere.test" not in ordering.authority.begun
    assert state(ordering, "bad.test") is CertificateState.FAILED


async def test_a_failure_is_tried_again_later_and_told_once(ordering: World) -> None:
    ordering.authority.troubles["bad.test"] = REFUSED
    await add(ordering, "bad.test")
    await until(lambda: why(ordering, "bad.test"))
    await later(ordering, 30)
    assert ordering.authority.begun.count("bad.test") == 1
    await later(ordering, 31)
    await until(lambda: ordering.authority.begun.count("bad.test") == 2)
    await ordering.told("certificate.failed", 1)
    del ordering.authority.troubles["bad.test"]
    await later(ordering, 121)
    await until(lambda: valid(ordering, "bad.test"))


async def test_a_host_that_always_fails_is_tried_few_times(ordering: World) -> None:
    ordering.authority.troubles["bad.test"] = REFUSED
    await add(ordering, "bad.test")
    for _ in range(60):
        await later(ordering, 60)
    assert ordering.authority.begun.count("bad.test") <= 6


async def test_removing_and_adding_a_domain_gets_round_no_limit(ordering: World) -> None:
    ordering.authority.troubles["bad.test"] = REFUSED
    for turn in range(8):
        await add(ordering, "bad.test")
        if turn < 5:
            await until(lambda: why(ordering, "bad.test"))
        await ordering.control.services.remove_domain("shop", "bad.test", actor="ann")
        await later(ordering, 1)
    assert ordering.authority.begun.count("bad.test") == 5


async def test_an_authority_that_is_away_is_left_alone_and_found_again(ordering: World) -> None:
    await add(ordering, "old.test")
    await until(lambda: valid(ordering, "old.test"))
    hosts = [f"h{number}.test" for number in range(6)]
    for host in hosts:
        ordering.authority.troubles[host] = AWAY
    await add(ordering, *hosts)
    await until(lambda: any(why(ordering, host) for host in hosts))
    await later(ordering, 1)
    tried = len(ordering.authority.begun)
    assert tried <= 1 + 4
    await later(ordering, 50)
    assert len(ordering.authority.begun) == tried
    assert valid(ordering, "old.test")
    ordering.authority.troubles.clear()
    await later(ordering, HOUR)
    await until(lambda: all(valid(ordering, host) for host in hosts))


async def test_a_rate_limit_is_kept(ordering: World) -> None:
    limit = TooOften("Too many.", code="rate_limited", retry_after=7200)
    ordering.authority.troubles["a.test"] = limit
    await add(ordering, "a.test", "b.test")
    await until(lambda: why(ordering, "a.test") == "rate_limited" and valid(ordering, "b.test"))
    ordering.authority.troubles.clear()
    await later(ordering, 7100)
    assert ordering.authority.begun.count("a.test") == 1
    await later(ordering, 101)
    await until(lambda: valid(ordering, "a.test"))


async def test_back_off_outlives_the_daemon(ordering: World) -> None:
    ordering.authority.troubles["bad.test"] = REFUSED
    await add(ordering, "bad.test")
    await until(lambda: why(ordering, "bad.test"))
    for _ in range(3):
        await ordering.restart()
        await later(ordering, 5)
        assert why(ordering, "bad.test") == "validation_failed"
    assert ordering.authority.begun.count("bad.test") == 1


async def test_a_certificate_is_renewed_in_time(ordering: World) -> None:
    await add(ordering, "a.test")
    await until(lambda: valid(ordering, "a.test"))
    first = ordering.proxy.certificates.find("a.test")
    await later(ordering, 54 * DAY)
    assert len(ordering.authority.issued) == 1
    await later(ordering, 6.1 * DAY + HOUR)  # a jump is believed after an hour
    await until(lambda: len(ordering.authority.issued) == 2)
    await until(lambda: ordering.proxy.certificates.find("a.test") is not first)
    await later(ordering, HOUR)
    assert len(ordering.authority.issued) == 2


async def test_the_authority_can_ask_for_an_early_renewal(ordering: World) -> None:
    await add(ordering, "a.test", "b.test")
    await until(lambda: valid(ordering, "a.test") and valid(ordering, "b.test"))
    ordering.authority.wanted["a.test"] = ordering.clock.time() + 2 * DAY
    await later(ordering, 7 * HOUR)
    await later(ordering, 3 * DAY)
    await until(lambda: ordering.authority.issued.count("a.test") == 2)
    assert ordering.authority.issued.count("b.test") == 1


async def test_no_storm_when_the_clock_jumps(ordering: World) -> None:
    hosts = [f"h{number}.test" for number in range(5)]
    await add(ordering, *hosts)
    await until(lambda: all(valid(ordering, host) for host in hosts))
    for seconds in (HOUR, -2 * HOUR, 400 * DAY, -800 * DAY):
        ordering.clock.jump(seconds)
        for _ in range(5):
            await later(ordering, 60)
    assert len(ordering.authority.issued) == len(hosts)
    ordering.clock.jump(1200 * DAY)
    for _ in range(90):
        await later(ordering, 120)
    assert len(ordering.authority.issued) == 2 * len(hosts)
    assert all(host_is_served(ordering, host) for host in hosts)


async def test_a_renewal_that_fails_leaves_the_old_one_in_use_and_alarms(ordering: World) -> None:
    await add(ordering, "a.test")
    await until(lambda: valid(ordering, "a.test"))
    ordering.authority.troubles["a.test"] = AWAY
    for days in (61, 16, 7, 5.5):
        await later(ordering, days * DAY)
        await later(ordering, HOUR)
    await until(lambda: why(ordering, "a.test"))
    assert valid(ordering, "a.test")
    await ordering.told("certificate.expiring", 3)
    await ordering.restart()
    await later(ordering, 1)
    await ordering.told("certificate.expiring", 3)


async def test_certificates_outlive_the_daemon(ordering: World) -> None:
    await add(ordering, "a.test")
    await until(lambda: valid(ordering, "a.test"))
    await ordering.restart()
    assert valid(ordering, "a.test")
    await later(ordering, 20)
    assert ordering.authority.issued == ["a.test"]
    assert len(ordering.authority.accounts) == 1


async def test_an_order_goes_on_after_a_crash(ordering: World) -> None:
    ordering.authority.pass_.clear()
    await add(ordering, "a.test")
    await until(lambda: ordering.authority.begun)
    await until(lambda: ordering.proxy.certificates.challenges.http)
    await ordering.restart()
    ordering.authority.pass_.set()
    await until(lambda: valid(ordering, "a.test"))
    assert len(ordering.authority._orders) == 1
    assert len(ordering.authority.accounts) == 1
    assert not ordering.proxy.certificates.challenges.http


async def test_a_domain_that_goes_takes_its_certificate_out_of_use(ordering: World) -> None:
    await add(ordering, "a.test")
    await until(lambda: valid(ordering, "a.test"))
    await ordering.control.services.remove_domain("shop", "a.test", actor="ann")
    assert not host_is_served(ordering, "a.test")
    await add(ordering, "a.test")
    assert valid(ordering, "a.test")
    await later(ordering, 20)
    assert ordering.authority.issued == ["a.test"]


async def test_certificates_for_the_base_domain(worlds: Worlds) -> None:
    each = await worlds(acme=Acme(enabled=True, base_domain="hosts"), base_domain="apps.test")
    await each.deploy()
    await until(lambda: host_is_served(each, "shop.apps.test"))
    assert each.authority.issued == ["shop.apps.test"]
    one = await worlds(
        acme=Acme(enabled=True, base_domain="wildcard", dns_hook=["x"]), base_domain="apps.test"
    )
    await one.deploy()
    await until(lambda: host_is_served(one, "shop-001.apps.test"))
    assert one.authority.issued == ["*.apps.test"]
    assert one.zone.log == [
        ("put", "_acme-challenge.apps.test"),
        ("clear", "_acme-challenge.apps.test"),
    ]


async def test_an_error_of_ours_is_a_failure_and_no_storm(ordering: World) -> None:
    ordering.authority.troubles["a.test"] = ValueError("bug")  # type: ignore[assignment]
    await add(ordering, "a.test")
    await until(lambda: why(ordering, "a.test") == "internal")
    await later(ordering, 30)
    assert ordering.authority.begun == ["a.test"]


async def test_what_goes_while_it_is_warned_of_stays_gone(world: World) -> None:
    """The note that somebody was warned must not bring back a key that is gone."""
    await add(world, "a.test")
    pair = issue("a.test", days=5)
    own = world.control.certification.own
    await own.put("shop", "a.test", chain=pair.chain.decode(), key=pair.key.decode(), actor="ann")
    await world.told("certificate.expiring", 1)
    world.keyring.pass_.clear()
    await later(world, 4.5 * DAY)
    await later(world, HOUR)
    await until(lambda: world.keyring.held)
    await world.control.services.remove_domain("shop", "a.test", actor="ann")
    world.keyring.pass_.set()
    await until(lambda: not list((world.settings.data_dir / "certificates").glob("a.test.*")))
    await add(world, "a.test")
    assert state(world, "a.test") is CertificateState.NONE


async def test_expired_ones_say_so(ordering: World) -> None:
    ordering.authority.days = 1 / 86400
    await add(ordering, "a.test")
    await until(lambda: ordering.authority.issued)
    await until(lambda: state(ordering, "a.test") is CertificateState.FAILED)
    assert dt.datetime.now(dt.UTC).timestamp() < ordering.clock.time() + 1
    with pytest.raises(NotFound):
        await ordering.control.certification.own.delete("shop", "a.test", actor="ann")
