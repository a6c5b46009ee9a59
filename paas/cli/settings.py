"""A service's settings, from `KEY=VALUE` words and for people to read."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from paas.cli.trouble import CliError
from paas.core.sizes import format_size, parse_size

Ask = Callable[[str], str]
"""Asks for the password of a user."""

_SWITCHES = ("auto_prune", "sticky", "redirect_https", "request_log")
_TIMES = ("freeze_after", "stop_after")
_LISTS = {"allow": "everybody", "ignore": "nothing"}
"""What an empty one means."""
_NOTHING = {"branch": "main or master"}
"""What it means when there is none."""
KEYS = (
    "auto_prune",
    *_TIMES,
    "sticky",
    "redirect_https",
    "hsts",
    "main_domain",
    "basic_auth",
    "allow",
    "maintenance",
    "body_limit",
    "request_log",
    "ignore",
    "repository",
    "branch",
)
_NEXT_PART = re.compile(r"\+(?=agent:|status:)")
"""Between the parts of an ignore rule such as `/healthz+agent:UptimeRobot+status:204`."""


def body(words: Mapping[str, str], *, ask: Ask) -> dict[str, object]:
    """As the API has them: the times are under `idle`. Raises `CliError`."""
    changes = {key: _value(key, text, ask) for key, text in words.items()}
    idle = {key: value for key, value in changes.items() if key in _TIMES}
    rest = {key: value for key, value in changes.items() if key not in idle}
    return rest | {"idle": idle} if idle else rest


def shown(item: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a service as the API answers them."""
    known = {**item, **item.get("idle", {})}
    return {key: _shown(key, known[key]) for key in KEYS if key in known}


def _value(key: str, text: str, ask: Ask) -> object:
    if key not in KEYS:
        raise CliError(f"There is no setting {key!r}.", advice=f"Settings: {', '.join(KEYS)}.")
    if key in _SWITCHES:
        return _switch(key, text)
    if key in _TIMES:
        return _seconds(key, text)
    if key in _NUMBERS:
        return _NUMBERS[key](text)
    if key == "maintenance":
        return text
    if text in ("", "none"):
        return [] if key in _LISTS else None
    return _named(key, text, ask)


def _named(key: str, text: str, ask: Ask) -> object:
    parts = [part.strip() for part in text.split(",")]
    if key == "ignore":
        return [_ignore_rule(part) for part in parts]
    if key == "allow":
        return parts
    if key == "repository":
        return {"url": text}
    return _login(text, ask) if key == "basic_auth" else text


def _switch(key: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise CliError(f"{key} is true or false.")
    return text == "true"


def _seconds(key: str, text: str) -> float | None:
    if text == "default":
        return None
    try:
        return float(text)
    except ValueError as error:
        raise CliError(f"{key} is a number of seconds, or `default`.") from error


def _whole_seconds(text: str) -> int:
    if not text.isdecimal():
        raise CliError("hsts is a whole number of seconds, 0 for off.")
    return int(text)


def _login(text: str, ask: Ask) -> dict[str, str]:
    user, colon, password = text.partition(":")
    return {"user": user, "password": password if colon else ask(user)}


def _ignore_rule(text: str) -> dict[str, object]:
    rule: dict[str, object] = {}
    for part in _NEXT_PART.split(text):
        word, _, value = part.partition(":")
        if part.startswith("/"):
            rule["path_prefix"] = part
        elif word == "agent" and value:
            rule["user_agent"] = value
        elif word == "status" and value.isdecimal():
            rule["status"] = int(value)
        else:
            raise CliError(
                f"ignore has no rule {text!r}.",
                advice="Rules are /PATH, agent:TEXT, or both, and +status:CODE at the end.",
            )
    return rule


def _size(text: str) -> int:
    try:
        return parse_size(text) if text != "0" else 0
    except ValueError as error:
        raise CliError("body_limit is a number of bytes or a size such as 10MiB.") from error


def _shown(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if key in _TIMES:
        return "host's default" if value is None else str(value)
    if key in _SHOWN:
        return _SHOWN[key](value) if value else "none"
    if key in _LISTS:
        return ", ".join(map(_shown_item, value)) or _LISTS[key]
    return _NOTHING.get(key, "none") if value is None else str(value)


def _shown_login(value: Mapping[str, Any]) -> str:
    return f"{value['user']}, password set"


def _shown_repository(value: Mapping[str, Any]) -> str:
    parts = [value["url"], value["branch"], value["subdir"] and f"in {value['subdir']}"]
    return ", ".join(part for part in parts if part)


def _shown_item(item: Any) -> str:
    """A network, or an ignore rule as it is written in a word."""
    if isinstance(item, str):
        return item
    parts = [item["path_prefix"]] if item["path_prefix"] else []
    parts += [f"agent:{item['user_agent']}"] if item["user_agent"] else []
    parts += [f"status:{item['status']}"] if item["status"] != 200 else []
    return "+".join(parts)


_SHOWN: Mapping[str, Callable[[Any], str]] = {
    "basic_auth": _shown_login,
    "repository": _shown_repository,
    "body_limit": format_size,
    "hsts": "{} s".format,
}
_NUMBERS: Mapping[str, Callable[[str], int]] = {"body_limit": _size, "hsts": _whole_seconds}
