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
        "branch": "release/2",
        "ignore": "/healthz, agent:Uptime Robot+status:204,/a+b+agent:x:y+z",
    }
    assert body(words, ask=ask) == {
        "sticky": True,
        "idle": {"freeze_after": None, "stop_after": 7200.0},
        "main_domain": "www.example",
        "basic_auth": {"user": "ann", "password": "a:b"},
        "allow": ["10.0.0.0/8", "203.0.113.7"],
        "maintenance": "hold",
        "body_limit": 10 * 1024**2,
        "branch": "release/2",
        "ignore": [
            {"path_prefix": "/healthz"},
            {"user_agent": "Uptime Robot", "status": 204},
            {"path_prefix": "/a+b", "user_agent": "x:y+z"},
        ],
    }


def test_none_switches_off_and_a_password_is_asked_for():
    words = {"main_domain": "none", "basic_auth": "none", "allow": "none", "body_limit": "0"}
    off = {"main_domain": None, "basic_auth": None, "allow": [], "body_limit": 0}
    assert body(words, ask=ask) == off
    assert body({"ignore": "none"}, ask=ask) == body({"ignore": ""}, ask=ask) == {"ignore": []}
    asked = body({"basic_auth": "ann"}, ask=ask)
    assert asked == {"basic_auth": {"user": "ann", "password": "secret of ann"}}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("sticky", "yes"),
        ("body_limit", "x"),
        ("stop_after", "x"),
        ("colour", "x"),
        ("ignore", "healthz"),
        ("ignore", "/a,"),
        ("ignore", "agent:"),
        ("ignore", "/a+status:x"),
    ],
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
        "ignore": [
            {"path_prefix": "/a", "user_agent": None, "status": 200},
            {"path_prefix": "/b", "user_agent": "x", "status": 404},
        ],
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
        "ignore": "/a, /b+agent:x+status:404",
    }
    assert shown({"ignore": [], "branch": None}) == {
        "ignore": "nothing",
        "branch": "main or master",
    }


def test_a_repository_is_named_by_its_url() -> None:
    changed = body({"repository": "https://git.example/a/b"}, ask=str)
    assert changed == {"repository": {"url": "https://git.example/a/b"}}
    assert body({"repository": "none"}, ask=str) == {"repository": None}
    known = {"url": "https://git.example/a/b", "branch": "main", "subdir": "web"}
    assert shown({"repository": known}) == {
        "repository": "https://git.example/a/b, main, in web",
    }
    assert shown({"repository": None}) == {"repository": "none"}
