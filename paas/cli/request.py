"""What a deployment request says, from the options of `paas deploy`."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from paas.cli.trouble import CliError
from paas.core.names import SERVICE_RULE, check_service_name
from paas.errors import Invalid


def service_name(wanted: str) -> str:
    """A valid service name made of a folder's or image's name. Raises `CliError`."""
    name = re.sub(r"[^a-z0-9]+", "-", wanted.lower()).lstrip("-0123456789")[:40].strip("-")
    name = re.sub(r"(-[0-9]{3,})+$", "", name)
    if len(name) == 1:
        name += "-app"
    try:
        return check_service_name(name)
    except Invalid as error:
        raise CliError(
            f"{wanted!r} does not make a service name.",
            advice=f"Give one with --service NAME: {SERVICE_RULE}.",
        ) from error


def image_name(reference: str) -> str:
    """`registry.example/team/shop:1.4@sha256:…` → `shop`."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def pairs(given: Iterable[str], option: str) -> dict[str, str]:
    """`K=V` texts as a mapping. Raises `CliError`."""
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise CliError(f"{option} {key!r} has no value.", advice=f"Write {option} NAME=VALUE.")
        found[key] = value
    return found


def secret_pairs(
    given: Iterable[str],
    environ: Mapping[str, str],
    ask: Callable[[str], str],
    *,
    option: str = "--secret",
) -> dict[str, str]:
    """`K=V`, or `K` alone: then from the environment, else by asking for it."""
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not key:
            advice = f"Write {option} NAME or NAME=VALUE."
            raise CliError(f"{option} needs a name.", advice=advice)
        found[key] = value if equals else environ[key] if key in environ else ask(key)
    return found


def read_pairs(path: Path) -> dict[str, str]:
    """A file of `K=V` lines; `#` comments, `export ` and matching quotes are taken off."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{path} cannot be read: {error}.") from error
    found = {}
    for number, raw in enumerate(lines, 1):
        line = raw.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise CliError(f"{path}:{number}: not NAME=VALUE.")
        found[key.strip()] = _unquoted(value.strip())
    return found


def spec(options: Mapping[str, Any], source: Mapping[str, object]) -> dict[str, Any]:
    """The request's JSON: what was given, and nothing where an option was silent."""
    simple = (
        *("port", "note", "cpu", "memory", "concurrency", "read_only"),
        *("dockerfile", "build_dir", "target"),
    )
    asked: dict[str, Any] = {"create": True, "source": source, "traffic": options["traffic"]}
    asked |= {name: options[name] for name in simple if options[name] is not None}
    for section, keys in (
        ("replicas", {"min": "minimum", "max": "maximum"}),
        ("scaling", {"rps": "rps"}),
        ("probe", {"http": "probe_http"}),
        ("timeouts", {"start": "timeout_start"}),
    ):
        given = {key: options[name] for key, name in keys.items() if options[name] is not None}
        if given:
            asked[section] = given
    if options["inherit"]:
        asked["inherit"] = True
    for name in ("command", "args"):
        if options[name]:
            asked[name] = list(options[name])
    return asked


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value
