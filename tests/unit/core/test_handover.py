"""Sockets that were handed over, and the addresses of the settings."""

import pytest

from paas.core.handover import Held, Place, places
from paas.errors import Invalid


def held(host: str, port: int, name: str = "") -> Held:
    return Held(name=name, host=host, port=port)


def listening(*sockets: Held, http: str = ":80", https: str = "", api: str = "") -> object:
    wanted = {"http": http.split(), "https": https.split(), "api": api.split()}
    return places(sockets, wanted)


def test_without_sockets_every_address_is_its_own_place() -> None:
    assert listening(http=":80 127.0.0.1:81", api="127.0.0.1:8600") == {
        "http": [Place(address=":80"), Place(address="127.0.0.1:81")],
        "https": [],
        "api": [Place(address="127.0.0.1:8600")],
    }


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (":80", "::"),
        (":80", "0.0.0.0"),
        ("0.0.0.0:80", "::"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:80", "::1"),
    ],
)
def test_a_socket_takes_the_place_of_its_address(address: str, host: str) -> None:
    found = places([held(host, 80)], {"http": ["127.0.0.9:79", address]})
    assert found == {"http": [Place(address="127.0.0.9:79"), Place(address=address, held=0)]}


def test_each_setting_gets_its_own() -> None:
    found = listening(held("::", 443), held("::", 80), https=":443")
    assert found == {
        "http": [Place(address=":80", held=1)],
        "https": [Place(address=":443", held=0)],
        "api": [],
    }


def test_a_name_counts_more_than_the_address() -> None:
    found = places([held("::", 80, "https")], {"http": [":80"], "https": [":443"]})
    assert found == {"http": [Place(address=":80")], "https": [Place(address=":443", held=0)]}


def test_what_is_left_over_is_listened_on_as_well() -> None:
    sockets = [held("0.0.0.0", 80, "http"), held("::", 80, "http"), held("::1", 9, "http")]
    assert places(sockets, {"http": [":80"]}) == {
        "http": [
            Place(address=":80", held=0),
            Place(address="[::]:80", held=1),
            Place(address="[::1]:9", held=2),
        ]
    }


def test_a_socket_without_use_is_refused() -> None:
    with pytest.raises(Invalid, match=r"holds 0\.0\.0\.0:81 .* name 'web' is none of http") as e:
        listening(held("0.0.0.0", 81, "web"))
    assert e.value.code == "unwanted_socket"


def test_a_socket_for_an_empty_setting_is_refused() -> None:
    with pytest.raises(Invalid, match=r"\[::\]:443 .* proxy\.https is empty") as caught:
        listening(held("::", 443, "https"))
    assert "disable that socket unit" in caught.value.advice
