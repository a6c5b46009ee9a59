import base64
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.ignoring import ignore_rules
from paas.core.model import BasicAuth, Domain, IgnoreRule, Maintenance, ServiceSettings
from paas.core.networks import parse_ip
from paas.core.policy import (
    Facts,
    Prove,
    Redirect,
    Refuse,
    Verdict,
    decide,
    service_policy,
    sticky_cookie,
    sticky_version,
    targets_policy,
    version_policy,
)
from tests import builders

HOSTS = ["shop.localhost", "www.example"]
LOGIN = BasicAuth(user="ann", password="hash")
IGNORE = (IgnoreRule(path_prefix="/healthz"),)
FACTS = Facts(
    client=parse_ip(b"192.0.2.1"),
    scheme=b"http",
    host="shop.localhost",
    port=b":8080",
    method=b"GET",
    target=b"/a?b",
    length=0,
    authorization=None,
)


def shop(split=None, **settings):
    return builders.service(
        builders.version(1),
        builders.version(2),
        split=split or {},
        settings=ServiceSettings(**settings),
        domains=(Domain(name="www.example", created=1.0),),
    )


def policy(split=None, **settings):
    return service_policy(shop(split, **settings), hosts=HOSTS)


def verdict(facts=FACTS, *, proven=None, **settings):
    return decide(policy(**settings), facts, proven=proven)


def basic(pair):
    return b"Basic " + base64.b64encode(pair)


def test_no_demands_are_no_policy():
    assert policy() is None
    assert policy({"shop-001": 100}, auto_prune=True, freeze_after=3) is None
    assert version_policy(shop(sticky=True, main_domain="www.example")) is None
    assert policy(sticky=True) is None
    assert policy(main_domain="gone.example") is None


def test_a_versions_own_host_is_protected_but_neither_sticky_nor_moved():
    own = version_policy(
        shop(
            {"shop-001": 100},
            sticky=True,
            main_domain="www.example",
            basic_auth=LOGIN,
            allow=("10.0.0.0/8",),
            body_limit=5,
            ignore=IGNORE,
        )
    )
    assert own == policy(basic_auth=LOGIN, allow=("10.0.0.0/8",), body_limit=5, ignore=IGNORE)


def test_ignore_rules_are_a_demand_and_hold_on_all_hosts():
    assert policy(ignore=IGNORE).ignore == ignore_rules(IGNORE)
    assert version_policy(shop(ignore=IGNORE)).ignore == ignore_rules(IGNORE)
    assert verdict(ignore=IGNORE) == Verdict.ALLOW


class TestAddresses:
    @pytest.mark.parametrize(
        ("client", "expected"),
        [
            (b"192.0.2.1", Verdict.ALLOW),
            (b"192.0.3.1", Refuse.ADDRESS),
            (b"nonsense", Refuse.ADDRESS),
        ],
    )
    def test_only_those_inside_may_come(self, client, expected):
        facts = replace(FACTS, client=parse_ip(client))
        assert verdict(facts, allow=("192.0.2.0/24",)) == expected

    def test_who_is_kept_out_learns_nothing_else(self):
        wanted = {"redirect_https": True, "basic_auth": LOGIN, "maintenance": Maintenance.PAGE}
        assert verdict(allow=("10.0.0.0/8",), **wanted) == Refuse.ADDRESS


class TestTargets:
    ONLY = targets_policy(re.compile(rb"/hooks/[a-z]+"), body_limit=10)

    def test_the_ones_named_pass(self):
        assert decide(self.ONLY, replace(FACTS, target=b"/hooks/shop")) is Verdict.ALLOW

    @pytest.mark.parametrize(
        "target",
        [b"/", b"/hooks/", b"/hooks/shop/../../v1", b"/hooks/%2e%2e/v1", b"//hooks/shop", b"*"],
    )
    def test_others_are_not_there_byte_for_byte(self, target):
        assert decide(self.ONLY, replace(FACTS, target=target)) is Refuse.PATH

    def test_the_body_is_bounded(self):
        facts = replace(FACTS, target=b"/hooks/shop", length=11)
        assert decide(self.ONLY, facts) is Refuse.BODY


class TestRedirects:
    @pytest.mark.parametrize(
        ("settings", "facts", "location"),
        [
            ({"redirect_https": True}, {}, b"https://shop.localhost/a?b"),
            (
                {"redirect_https": True},
                {"secure_port": b":8443"},
                b"https://shop.localhost:8443/a?b",
            ),
            ({"redirect_https": True}, {"scheme": b"https"}, None),
            ({"main_domain": "www.example"}, {}, b"http://www.example:8080/a?b"),
            ({"main_domain": "www.example"}, {"host": "www.example"}, None),
            (
                {"main_domain": "www.example"},
                {"scheme": b"https", "port": b""},
                b"https://www.example/a?b",
            ),
            (
                {"main_domain": "www.example", "redirect_https": True},
                {},
                b"https://www.example/a?b",
            ),
            (
                {"main_domain": "www.example", "redirect_https": True},
                {"host": "www.example"},
                b"https://www.example/a?b",
            ),
            (
                {"main_domain": "www.example"},
                {"target": b"//evil"},
                b"http://www.example:8080//evil",
            ),
        ],
    )
    def test_in_one_step_to_where_it_belongs(self, settings, facts, location):
        answer = verdict(replace(FACTS, **facts), **settings)
        assert answer == (Redirect(location=location, status=301) if location else Verdict.ALLOW)

    @given(
        host=st.sampled_from([*HOSTS, "other.example"]),
        scheme=st.sampled_from([b"http", b"https"]),
        secure=st.booleans(),
        main=st.sampled_from([None, *HOSTS]),
    )
    def test_nobody_is_sent_in_a_circle(self, host, scheme, secure, main):
        rules = policy(redirect_https=secure, main_domain=main, body_limit=1)
        answer = decide(rules, replace(FACTS, host=host, scheme=scheme))
        if isinstance(answer, Redirect):
            there, _, rest = answer.location.partition(b"://")
            arrived = rest.partition(b"/")[0].partition(b":")[0].decode()
            again = replace(FACTS, scheme=there, host=arrived)
            assert decide(rules, again) is Verdict.ALLOW

    def test_another_method_stays_what_it_is(self):
        answer = verdict(replace(FACTS, method=b"POST"), redirect_https=True)
        assert isinstance(answer, Redirect)
        assert answer.status == 308


def test_the_body_limit():
    assert verdict(replace(FACTS, length=5), body_limit=5) == Verdict.ALLOW
    assert verdict(replace(FACTS, length=6), body_limit=5) == Refuse.BODY


class TestLogin:
    @pytest.mark.parametrize(
        "value",
        [
            None,
            b"",
            b"Bearer x",
            b"Basic",
            b"Basic !!!",
            b"Basic abc",
            basic(b"no colon"),
            basic(b"ann:" + b"x" * 2000),
        ],
    )
    def test_without_a_usable_one_it_is_asked_for(self, value):
        assert verdict(replace(FACTS, authorization=value), basic_auth=LOGIN) == Verdict.CHALLENGE

    def test_one_is_to_be_proved(self):
        facts = replace(FACTS, authorization=b"basic  " + base64.b64encode("ann:pä:ss".encode()))
        assert verdict(facts, basic_auth=LOGIN) == Prove(user=b"ann", password="pä:ss".encode())

    def test_a_proof_holds_for_the_login_it_was_made_for(self):
        facts = replace(FACTS, authorization=basic(b"ann:x"))
        assert verdict(facts, basic_auth=LOGIN, proven=LOGIN) == Verdict.ALLOW
        other = BasicAuth(user="ann", password="another hash")
        assert isinstance(verdict(facts, basic_auth=LOGIN, proven=other), Prove)


def test_maintenance():
    assert verdict(maintenance=Maintenance.PAGE) == Refuse.MAINTENANCE
    assert verdict(maintenance=Maintenance.HOLD) == Verdict.HOLD


class TestSticky:
    @pytest.mark.parametrize(
        ("cookies", "expected"),
        [
            ([], None),
            ([b"paas-version=shop-001"], "shop-id-1"),
            ([b'a=b; paas-version="shop-002";c'], "shop-id-2"),
            ([b"a=b", b"paas-version=shop-002"], "shop-id-2"),
            ([b"paas-version=gone-001; paas-version=shop-002"], "shop-id-2"),
            ([b"xpaas-version=shop-001"], None),
            ([b"paas-version=shop-0011"], None),
            ([b"paas-version=shop-003"], None),
            ([b"paas-version=other-001"], None),
            ([b"paas-version=SHOP-001"], None),
            ([b"paas-version=\xff"], None),
        ],
    )
    def test_a_cookie_of_a_version_with_weight_is_honoured(self, cookies, expected):
        rules = policy({"shop-001": 90, "shop-002": 10}, sticky=True)
        assert sticky_version(rules, cookies) == expected

    def test_it_never_outlives_the_weight(self):
        cookie = [b"paas-version=shop-002"]
        assert sticky_version(policy({"shop-001": 100, "shop-002": 0}, sticky=True), cookie) is None

    def test_the_field_line(self):
        rules = policy({"shop-001": 100}, sticky=True)
        assert rules.cookies == {
            "shop-id-1": b"Set-Cookie: paas-version=shop-001; Path=/; HttpOnly; SameSite=Lax\r\n"
        }

    def test_by_https_it_is_for_https_alone(self):
        rules = policy({"shop-001": 100}, sticky=True)
        line = rules.cookies["shop-id-1"]
        assert sticky_cookie(rules, "shop-id-1", secure=False) == line
        assert sticky_cookie(rules, "shop-id-1", secure=True) == line[:-2] + b"; Secure\r\n"
        assert sticky_cookie(rules, "other", secure=True) == b""


def test_browsers_are_told_for_how_long_to_use_https():
    assert policy(hsts=60).hsts == b"Strict-Transport-Security: max-age=60\r\n"
    assert policy(redirect_https=True).hsts == b""
