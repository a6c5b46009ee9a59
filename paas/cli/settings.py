"""A service's settings, from `KEY=VALUE` words and for people to read."""

from collections.abc import Callable, Mapping
from typing import Any

from paas.cli.trouble import CliError
from paas.core.sizes import format_size, parse_size

Ask = Callable[[str], str]
"""Asks for the password of a user."""

_SWITCHES = ("auto_prune", "sticky", "redirect_https", "request_log")
_TIMES = ("freeze_after", "stop_after")
KEYS = (
    "auto_prune",
    *_TIMES,
    "sticky",
    "redirect_https",
    "main_domain",
    "basic_auth",
    "allow",
    "maintenance",
    "body_limit",
    "request_log",
)


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
    if key == "body_limit":
        return _size(text)
    if key == "maintenance":
        return text
    if text in ("", "none"):
        return [] if key == "allow" else None
    return _named(key, text, ask)


def _named(key: str, text: str, ask: Ask) -> object:
    if key == "allow":
        return [part.strip() for part in text.split(",")]
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


def _login(text: str, ask: Ask) -> dict[str, str]:
    user, colon, password = text.partition(":")
    return {"user": user, "password": password if colon else ask(user)}


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
    if key == "basic_auth":
        return f"{value['user']}, password set" if value else "off"
    if key == "allow":
        return ", ".join(value) or "everybody"
    if key == "body_limit":
        return format_size(value) if value else "none"
    return "none" if value is None else str(value)
