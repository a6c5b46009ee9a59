"""Values of core/model.py as JSON text and back.

The walk follows the dataclasses' own types, so a new field needs no code here:
documents without it get its default, documents with a field that is gone lose
it. Bytes are base64; a union of dataclasses is told apart by its `type` field.
"""

import base64
import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Decoder = Callable[[Any], Any]


def to_json(value: object) -> str:
    """The document of a dataclass."""
    return json.dumps(_plain(value), separators=(",", ":"))


def from_json(kind: type[T], text: str) -> T:
    """The value of a document. Raises `ValueError` or `KeyError` when it is none of `kind`."""
    hashable: Any = kind
    value: T = _decoder(hashable)(json.loads(text))
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        kind: Any = type(value)
        return {name: _plain(getattr(value, name)) for name in _names(kind)}
    return value


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@functools.cache
def _decoder(kind: Any) -> Decoder:
    """The function that makes a `kind` of plain JSON; built once for each type."""
    origin = get_origin(kind)
    if origin in {Union, UnionType}:
        return _union(tuple(get_args(kind)))
    if origin is None or origin is Literal:
        return _single(kind)
    if origin is tuple:
        item = _decoder(get_args(kind)[0])
        return lambda items: tuple(map(item, items))
    item = _decoder(get_args(kind)[1])
    return lambda pairs: {key: item(value) for key, value in pairs.items()}


def _single(kind: Any) -> Decoder:
    if kind is bytes:
        return functools.partial(base64.b64decode, validate=True)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {member.value: member for member in kind}.__getitem__
    return _same


def _same(value: Any) -> Any:
    return value


def _dataclass(kind: type) -> Decoder:
    hints = get_type_hints(kind)
    decoders = [(name, _decoder(hints[name])) for name in _names(kind)]

    def decode(plain: dict[str, Any]) -> Any:
        return kind(**{name: make(plain[name]) for name, make in decoders if name in plain})

    return decode


def _union(kinds: tuple[Any, ...]) -> Decoder:
    others = [kind for kind in kinds if kind is not NoneType]
    make = _decoder(others[0]) if len(others) == 1 else _tagged(others)
    if len(others) == len(kinds):
        return make
    return lambda value: None if value is None else make(value)


def _tagged(kinds: list[Any]) -> Decoder:
    """A union of dataclasses, told apart by the value of their `type` field."""
    decoders = {kind.__dataclass_fields__["type"].default: _decoder(kind) for kind in kinds}
    return lambda plain: decoders[plain["type"]](plain)
