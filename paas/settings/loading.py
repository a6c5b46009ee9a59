"""`load`: file and environment to `Settings`, or every mistake at once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from paas.errors import Invalid
from paas.settings.shapes import CertificateFiles, Proxy, Settings
from paas.settings.sources import Sources, leaves, read_environment, read_file

LONGEST_SOCKET_PATH = 107
"""Bytes the kernel allows for a unix socket's path."""

_KINDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "list_type": "a list of text or one text",
    "is_instance_of": "a path",
    "path_type": "a path",
    "model_type": "a section",
    "missing": "given",
    "extra_forbidden": "left out: there is no such setting",
    "string_too_short": "a path",
}


def load(path: Path | None, env: Mapping[str, str]) -> Settings:
    """The settings of that file (None: defaults) with `PAAS_…` variables of `env` over it.

    A relative `data_dir`, `api.socket`, `proxy.access_log_file` or file of
    `proxy.certificates` starts at the file's directory, from the environment at the working
    directory; `~` is the home directory.
    Raises `Invalid` (`bad_settings`) with one line per mistake.
    """
    sources = Sources()
    if path is not None:
        read_file(path, sources)
    read_environment(env, sources)
    settings = _validated(sources)
    if settings is not None:
        settings = _resolved(settings, path, env=env, sources=sources)
    if settings is None or sources.mistakes:
        raise Invalid(
            "\n".join(sources.mistakes),
            code="bad_settings",
            advice="Correct each line above; config.example.yaml shows every setting.",
        )
    return settings


def changed(before: Settings, after: Settings) -> set[str]:
    """The names of the settings in which the two differ (`proxy.http`)."""
    return {".".join(path) for path, _ in leaves(Settings) if _at(before, path) != _at(after, path)}


def _at(settings: Settings, path: tuple[str, ...]) -> object:
    found: object = settings
    for name in path:
        found = getattr(found, name)
    return found


def _validated(sources: Sources) -> Settings | None:
    try:
        return Settings.model_validate(sources.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _report(detail, sources)
        return None


def _report(detail: ErrorDetails, sources: Sources) -> None:
    path = tuple(str(part) for part in detail["loc"] if not _is_branch(part))
    got = "" if _explains_itself(detail) else f", got {_shown(detail['input'])}"
    sources.wrong(sources.place(path), path, f"must be {_rule(detail, path)}{got}")


def _is_branch(part: object) -> bool:
    """Whether that part of an error's place names a validator and no key."""
    return isinstance(part, str) and not part.isidentifier()


def _explains_itself(detail: ErrorDetails) -> bool:
    return isinstance(detail["input"], dict)


def _rule(detail: ErrorDetails, path: tuple[str, ...]) -> str:
    """What the value has to be, with the interval allowed where there is one."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return f"one of {context['expected']}".replace("'", "").replace(" or ", ", ")
    if kind == "too_short":
        return "at least one address"
    interval = _interval(path)
    if kind in _KINDS:
        return f"{_KINDS[kind]} {interval}".strip()
    return f"a number {interval}".strip()


def _interval(path: tuple[str, ...]) -> str:
    """The bounds of a setting as text, from the shape itself."""
    named = tuple(part for part in path if not part.isdigit())
    info = dict(leaves(Settings)).get(named)
    bounds = _bounds(info.metadata, info.annotation) if info else {}
    texts = {"ge": "at least", "gt": "more than", "le": "at most"}
    return " and ".join(f"{texts[key]} {value:,}" for key, value in bounds.items())


def _bounds(metadata: list[Any], annotation: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    inner = [part for kind in getattr(annotation, "__args__", ()) for part in _metadata(kind)]
    for item in _flat([*metadata, *inner]):
        for key in ("ge", "gt", "le"):
            if getattr(item, key, None) is not None:
                found[key] = getattr(item, key)
    return found


def _metadata(kind: Any) -> list[Any]:
    return list(getattr(kind, "__metadata__", ()))


def _flat(items: list[Any]) -> list[Any]:
    return [part for item in items for part in [item, *getattr(item, "metadata", ())]]


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def _resolved(
    settings: Settings, file: Path | None, *, env: Mapping[str, str], sources: Sources
) -> Settings:
    """The settings with absolute paths."""
    home = Path(env.get("HOME") or Path.home())
    base = file.parent if file is not None else Path()

    def absolute(value: Path, path: tuple[str, ...]) -> Path:
        start = Path() if sources.place(path).startswith("PAAS_") else base
        parts = value.parts
        expanded = home.joinpath(*parts[1:]) if parts[:1] == ("~",) else value
        return (start / expanded).absolute()

    given = settings.data_dir != Path()
    data_dir = absolute(settings.data_dir, ("data_dir",)) if given else _usual_data_dir(env, home)
    socket = (
        absolute(Path(settings.api.socket), ("api", "socket"))
        if settings.api.socket
        else data_dir / "api.sock"
    )
    if len(str(socket).encode()) > LONGEST_SOCKET_PATH:
        path = ("api", "socket") if settings.api.socket else ("data_dir",)
        rule = f"shorter: the socket's path {socket} exceeds {LONGEST_SOCKET_PATH} bytes"
        sources.wrong(sources.place(path), path, f"must be {rule}")
    api = settings.api.model_copy(update={"socket": str(socket)})
    proxy = _resolved_proxy(settings.proxy, absolute)
    return settings.model_copy(update={"data_dir": data_dir, "api": api, "proxy": proxy})


def _resolved_proxy(proxy: Proxy, absolute: Callable[[Path, tuple[str, ...]], Path]) -> Proxy:
    log = proxy.access_log_file
    if log:
        log = str(absolute(Path(log), ("proxy", "access_log_file")))

    def file(name: str) -> str:
        return str(absolute(Path(name), ("proxy", "certificates")))

    certificates = [
        CertificateFiles(certificate=file(one.certificate), key=file(one.key))
        for one in proxy.certificates
    ]
    return proxy.model_copy(update={"access_log_file": log, "certificates": certificates})


def _usual_data_dir(env: Mapping[str, str], home: Path) -> Path:
    state = env.get("STATE_DIRECTORY", "").partition(":")[0]
    if state:
        return Path(state)
    shared = env.get("XDG_DATA_HOME", "")
    return (Path(shared) if shared else home / ".local" / "share") / "paas"
