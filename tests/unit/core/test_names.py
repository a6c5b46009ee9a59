import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.names import (
    RESERVED,
    check_domain,
    check_own_host,
    check_service_name,
    normal_host,
    version_name,
)
from paas.errors import Invalid


@pytest.mark.parametrize("name", ["ab", "hello", "a1", "a-b", "my-app-12", "x" * 40, "a-1-22"])
def test_service_names_that_are_allowed(name):
    assert check_service_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "x" * 41,
        "1a",
        "-ab",
        "ab-",
        "Ab",
        "a_b",
        "a.b",
        "ab\n",
        "é1",
        "a١",
        "shop-001",
        "shop-1234",
        "a-b-999",
    ],
)
def test_service_names_that_are_refused(name):
    with pytest.raises(Invalid) as refused:
        check_service_name(name, field="service")
    assert refused.value.code == "invalid_name"
    assert [wrong.field for wrong in refused.value.fields] == ["service"]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_reserved_names_are_refused(name):
    with pytest.raises(Invalid) as refused:
        check_service_name(name)
    assert refused.value.code == "reserved_name"


@given(number=st.integers(1, 10**6))
def test_no_service_can_take_the_name_of_a_version(number):
    with pytest.raises(Invalid):
        check_service_name(version_name("shop", number))


@pytest.mark.parametrize(("number", "name"), [(1, "a-001"), (999, "a-999"), (1000, "a-1000")])
def test_version_names(number, name):
    assert version_name("a", number) == name


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        ("Shop.Localhost", "shop.localhost"),
        ("shop.localhost:8080", "shop.localhost"),
        ("shop.localhost.:8080", "shop.localhost"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:8080", "[::1]"),
        ("[::1]", "[::1]"),
        ("", ""),
    ],
)
def test_a_host_header_in_its_normal_form(host, normal):
    assert normal_host(host) == normal


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("Shop.Example.com", "shop.example.com"),
        (" shop.example.com. ", "shop.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("商店。例子。测试", "xn--czrs0t.xn--fsqu00a.xn--0zwm56d"),
    ],
)
def test_domains_in_their_normal_form(name, normal):
    assert check_domain(name, base_domain="localhost") == normal


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "com",
        "a..b",
        "-a.example",
        "a_b.example",
        "*.example.com",
        "10.0.0.1",
        "a b.example",
        "x" * 64 + ".example",
        ".".join(["x" * 60] * 5),
        "shop.example.com:80",
        "http://a.example",
    ],
)
def test_domains_that_are_refused(name):
    with pytest.raises(Invalid) as refused:
        check_domain(name, base_domain="localhost")
    assert refused.value.code == "invalid_domain"
    assert refused.value.fields[0].field == "domain"


@pytest.mark.parametrize(
    "name", ["apps.example.com", "shop.APPS.example.com", "a.apps。example.com"]
)
def test_the_base_domain_belongs_to_the_services(name):
    with pytest.raises(Invalid) as refused:
        check_domain(name, base_domain="apps.example.com")
    assert refused.value.code == "reserved_domain"


def test_a_domain_that_only_ends_like_the_base_domain_is_free():
    assert check_domain("myapps.example.com", base_domain="apps.example.com")


@pytest.mark.parametrize("host", ["console.apps.example", "api.apps.example", "hooks.example"])
def test_the_api_s_own_host_is_one_that_no_service_can_have(host):
    check_own_host(host, base_domain="apps.example")


@pytest.mark.parametrize("host", ["apps.example", "shop.apps.example", "a.console.apps.example"])
def test_a_host_that_a_service_can_have_is_not_the_api_s(host):
    with pytest.raises(ValueError, match="free of services"):
        check_own_host(host, base_domain="apps.example")
