"""Repositories in deployment requests."""

import pytest

from paas.api import schema, to_core
from paas.api.fields import checked
from paas.core.spec import GitSource
from paas.errors import Invalid
from paas.ports import GitLogin
from paas.settings import Git

URL = "https://git.example/team/shop.git"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE"


def request(**source: object) -> schema.NewDeployment:
    return checked(schema.NewDeployment, {"source": {"type": "git", "url": URL, **source}})


def wrong(**source: object) -> set[str]:
    with pytest.raises(Invalid) as refused:
        request(**source)
    return {error.field for error in refused.value.fields}


def test_all_of_it_reaches_the_core_but_the_login() -> None:
    login = {"user": "ann", "password": "sesame"}
    wanted = request(ref="v1", subdir="./web/", submodules=True, lfs=True, credentials=login)
    source = to_core.source(wanted, filename="archive", base=None)
    assert source == GitSource(url=URL, ref="v1", subdir="web", submodules=True, lfs=True)
    assert to_core.credentials(wanted) == GitLogin(user="ann", password="sesame")
    assert "sesame" not in repr(wanted)


def test_a_key_for_ssh() -> None:
    login = {"ssh_key": "PRIVATE", "host_key": KEY}
    wanted = request(url="git@git.example:shop.git", credentials=login)
    assert to_core.credentials(wanted) == GitLogin(ssh_key="PRIVATE", host_key=KEY)
    assert "PRIVATE" not in repr(wanted)


def test_no_login() -> None:
    assert to_core.credentials(request()) is None


@pytest.mark.parametrize(
    ("source", "fields"),
    [
        ({"url": "file:///etc"}, {"url"}),
        ({"url": "ext::sh"}, {"url"}),
        ({"ref": "-x"}, {"ref"}),
        ({"subdir": "../x"}, {"subdir"}),
        ({"credentials": {}}, {"credentials.user", "credentials.password"}),
        ({"credentials": {"user": "a"}}, {"credentials.password"}),
        (
            {"credentials": {"ssh_key": "x", "host_key": KEY}},
            {f"credentials.{name}" for name in ("user", "password", "ssh_key", "host_key")},
        ),
        (
            {"url": "git@h:x", "credentials": {"user": "a", "password": "b"}},
            {"credentials.ssh_key", "credentials.user", "credentials.password"},
        ),
        (
            {"url": "git@h:x", "credentials": {"ssh_key": "x", "host_key": "y"}},
            {"credentials.host_key"},
        ),
    ],
)
def test_what_is_wrong_is_named(source: dict[str, object], fields: set[str]) -> None:
    assert wrong(**source) == {f"source.{name}" for name in fields}


def test_http_is_the_hosts_to_allow() -> None:
    plain = request(url="http://git.example/shop")
    to_core.check_repository(plain, Git(allow_http=True))
    with pytest.raises(Invalid, match=r"source\.url"):
        to_core.check_repository(plain, Git())
