import pytest

from paas.cli.settings import body, shown
from paas.cli.trouble import CliError


def ask(user):
    return f"secret of {user}"


def test_words_become_the_apis_fields():
    words = {
        "sticky": "true",
        "freeze_after": "default",
        "stop_after": "7200",
        "main_domain": "www.example",
        "basic_auth": "ann:a:b",
        "allow": "10.0.0.0/8, 203.0.113.7",
        "maintenance": "hold",
        "body_limit": "10MiB",
    }
    assert body(words, ask=ask) == {
        "sticky": True,
        "idle": {"freeze_after": None, "stop_after": 7200.0},
        "main_domain": "www.example",
        "basic_auth": {"user": "ann", "password": "a:b"},
        "allow": ["10.0.0.0/8", "203.0.113.7"],
        "maintenance": "hold",
        "body_limit": 10 * 1024**2,
    }


def test_none_switches_off_and_a_password_is_asked_for():
    words = {"main_domain": "none", "basic_auth": "none", "allow": "none", "body_limit": "0"}
    off = {"main_domain": None, "basic_auth": None, "allow": [], "body_limit": 0}
    assert body(words, ask=ask) == off
    asked = body({"basic_auth": "ann"}, ask=ask)
    assert asked == {"basic_auth": {"user": "ann", "password": "secret of ann"}}


@pytest.mark.parametrize(
    ("key", "text"), [("sticky", "yes"), ("body_limit", "x"), ("stop_after", "x"), ("colour", "x")]
)
def test_what_it_cannot_be(key, text):
    with pytest.raises(CliError):
        body({key: text}, ask=ask)


def test_for_people():
    item = {
        "sticky": False,
        "idle": {"freeze_after": None, "stop_after": 5},
        "main_domain": None,
        "basic_auth": {"user": "ann", "password": "set"},
        "allow": [],
        "maintenance": "page",
        "body_limit": 1024,
    }
    assert shown(item) == {
        "freeze_after": "host's default",
        "stop_after": "5",
        "sticky": "off",
        "main_domain": "none",
        "basic_auth": "ann, password set",
        "allow": "everybody",
        "maintenance": "page",
        "body_limit": "1KiB",
    }
