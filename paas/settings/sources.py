"""Reads the settings file and the environment into plain data with places.

A place says where a value was written (`config.yaml:12:9`, `PAAS_PROXY__HTTP`).
Nothing is checked here but what is lost later: syntax, duplicate and unknown keys.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from paas.settings.shapes import Settings

PREFIX = "PAAS_"
NOT_SETTINGS = frozenset({"PAAS_URL", "PAAS_TOKEN", "PAAS_CONFIG"})
"""Variables of the command line."""

Key = tuple[str, ...]


@dataclass(slots=True)
class Sources:
    """What was read: `data` for the model, `places` by path, `mistakes` so far."""

    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def wrong(self, place: str, path: Key, text: str) -> None:
        self.mistakes.append(f"{place} {'.'.join(path)}: {text}" if path else f"{place} {text}")

    def place(self, path: Key) -> str:
        """Where that setting, or else the nearest section around it, was written."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return "settings"


def read_file(path: Path, into: Sources) -> None:
    """Add the file's settings."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return into.wrong(str(path), (), "the file does not exist")
    except UnicodeDecodeError as error:
        return into.wrong(str(path), (), f"is not UTF-8 text (byte {error.start})")
    except OSError as error:
        return into.wrong(str(path), (), f"cannot be read: {error.strerror}")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        return into.wrong(_error_place(path, error), (), f"is not YAML: {_problem(error)}")
    except RecursionError:
        return into.wrong(str(path), (), "is nested too deeply")
    if root is not None:
        into.data = _Walk(str(path), into).section(root, Settings, ())
    return None


def read_environment(env: Mapping[str, str], into: Sources) -> None:
    """Add `PAAS_<SECTION>__<FIELD>` variables, which win over the file."""
    known = {variable(path): (path, info) for path, info in leaves(Settings)}
    for name in sorted(env):
        if not name.startswith(PREFIX) or name in NOT_SETTINGS:
            continue
        if name not in known:
            into.wrong(name, (), f"is no setting{_did_you_mean(name, known)}")
            continue
        path, info = known[name]
        _put(into.data, path, _from_text(env[name], info))
        into.places = {
            place: where for place, where in into.places.items() if place[: len(path)] != path
        }
        into.places[path] = name


def leaves(model: type[BaseModel], prefix: Key = ()) -> Iterator[tuple[Key, FieldInfo]]:
    """Every setting below a section with its path."""
    for name, info in model.model_fields.items():
        section = section_of(info)
        if section is None:
            yield (*prefix, name), info
        else:
            yield from leaves(section, (*prefix, name))


def section_of(info: FieldInfo) -> type[BaseModel] | None:
    """The section a field holds, or None for a single setting."""
    kind = info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def variable(path: Key) -> str:
    """`("proxy", "http")` → `PAAS_PROXY__HTTP`."""
    return PREFIX + "__".join(path).upper()


class _Walk:
    """Turns YAML nodes into data along the shape of the model, so that every key has a
    line and a loop of aliases cannot be followed.
    """

    def __init__(self, file: str, into: Sources) -> None:
        self._file = file
        self._into = into

    def section(self, node: yaml.Node, model: type[BaseModel], path: Key) -> dict[str, Any]:
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
            return {}
        if not isinstance(node, yaml.MappingNode):
            self._into.wrong(self._place(node), path, "must be a section with key: value lines")
            return {}
        data: dict[str, Any] = {}
        for key, value in node.value:
            self._pair(key, value, model=model, path=path, data=data)
        return data

    def _pair(
        self,
        key: yaml.Node,
        value: yaml.Node,
        *,
        model: type[BaseModel],
        path: Key,
        data: dict[str, Any],
    ) -> None:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        info = model.model_fields.get(name)
        if info is None:
            text = f"is no setting{_did_you_mean(name, model.model_fields)}"
            return self._into.wrong(self._place(key), (*path, name), text)
        inner = (*path, name)
        if inner in self._into.places:
            text = f"is given twice, first at {self._into.places[inner]}"
            return self._into.wrong(self._place(key), inner, text)
        self._into.places[inner] = self._place(key)
        section = section_of(info)
        if section is not None:
            data[name] = self.section(value, section, inner)
        else:
            self._value(value, inner, data)
        return None

    def _value(self, node: yaml.Node, path: Key, data: dict[str, Any]) -> None:
        loader = yaml.SafeLoader("")
        try:
            data[path[-1]] = loader.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            problem = _problem(error) if isinstance(error, yaml.YAMLError) else str(error)
            self._into.wrong(self._place(node), path, f"is no plain value: {problem}")
        finally:
            loader.dispose()

    def _place(self, node: yaml.Node) -> str:
        mark = node.start_mark
        return f"{self._file}:{mark.line + 1}:{mark.column + 1}"


def _error_place(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)


def _did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    if len(known) > 20:
        return ""
    return f"; known here: {', '.join(known)}"


def _put(data: dict[str, Any], path: Key, value: object) -> None:
    for name in path[:-1]:
        data = data.setdefault(name, {})
    data[path[-1]] = value


def _from_text(text: str, info: FieldInfo) -> object:
    """A variable's text as the setting's type; left as it is where it does not fit, for
    the model to refuse. Lists are separated by commas; empty means null where null is
    allowed.
    """
    kinds = set(_kinds(info.annotation))
    if list in kinds:
        return [part.strip() for part in text.split(",") if part.strip()]
    if type(None) in kinds and text in {"", "null"}:
        return None
    if bool in kinds and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    return text


def _kinds(annotation: Any) -> Iterator[Any]:
    """The plain types an annotation allows."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        for part in get_args(annotation):
            yield from _kinds(part)
    elif hasattr(annotation, "__metadata__"):
        yield from _kinds(annotation.__origin__)
    else:
        yield origin or annotation
