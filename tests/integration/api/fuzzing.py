"""Calls made up from the OpenAPI document, good and bad ones, and whether an answer keeps to it.

A small part of JSON Schema: what our document uses. Everything comes from one seed.
"""

import json
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

ODD = (
    "", " ", "a", "0", "-1", ".", "..", "%00", "%", "a/b", "é" * 40, "\ud800", "\0", "\n", "'", '"',
    "<b>", "{}", "null", "a" * 300, "𝔘" * 20, "--help", "$(id)", "\u202e", "2026-05-01T12:00:00Z",
    "9999-12-31T23:59:59+23:59", "0001-01-01T00:00:00Z", "NaN", "1e999", "shop.localhost",
)  # fmt: skip
NUMBERS = (0, 1, -1, 2**31, 2**53 + 1, 2**63, -(2**63), 10**30, 0.5, 1e308, True, False)
GARBAGE = (
    b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a":1,"a":2}', b"[" * 100_000, b'{"a":NaN}',
    b"1" * 5000, b'{"name":"\\ud800"}', b"\0", b'{"":{}}',
)  # fmt: skip
DEEP = 6
_PART = b'--b\r\nContent-Disposition: form-data; name="%b"; filename="x.zip"\r\n\r\n%b\r\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One call as a client sends it."""

    method: str
    target: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Maker:
    """Makes calls. `known` are values that exist, by the name of the path's variable."""

    def __init__(
        self, document: Mapping[str, Any], seed: str, known: Mapping[str, Sequence[str]]
    ) -> None:
        self._schemas = document["components"]["schemas"]
        self._random = Random(seed)
        self._known = known

    def call(self, method: str, path: str, operation: Mapping[str, Any]) -> Made:
        target, queries = path, {}
        for one in operation["parameters"]:
            name = one["name"]
            if one["in"] == "path":
                known = self._known.get(name, ())
                value = self._pick(known) if known and not self._now_and_then() else self._text()
                safe = value.encode("utf-8", "replace").decode().replace("/", "-").strip(".") or "x"
                target = target.replace(f"{{{name}}}", quote(safe, safe=""))
            elif self._random.random() < 0.5 and name != "follow":
                value = self._text() if self._now_and_then() else self._value(one["schema"], DEEP)
                queries[name] = str(value).encode("utf-8", "replace")
        if queries:
            target += "?" + urlencode(queries)
        return Made(method=method.upper(), target=target, **self._body(operation))

    def _body(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return {}
        media = self._pick(sorted(content))
        if media == "*/*":
            return {"body": self._pick(GARBAGE), "headers": {"Content-Type": "application/json"}}
        if media != "application/json":
            return self._multipart(content[media]["schema"])
        if self._now_and_then():
            body = self._pick(GARBAGE)
        else:
            body = json.dumps(self._value(content[media]["schema"], DEEP)).encode()
        kind = "text/plain" if self._now_and_then() else media
        return {"body": body, "headers": {"Content-Type": kind}}

    def _multipart(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        parts = []
        for name, rule in schema["properties"].items():
            if not self._now_and_then():
                value = self._value(rule, DEEP)
                text = b"no archive" if name == "archive" else json.dumps(value).encode()
                parts.append(_PART % (name.encode(), text))
        end = b"" if self._now_and_then() else b"--b--\r\n"
        kind = "multipart/form-data" + ("" if self._now_and_then() else "; boundary=b")
        return {"body": b"".join(parts) + end, "headers": {"Content-Type": kind}}

    def _value(self, schema: Mapping[str, Any], depth: int) -> Any:
        if self._random.random() < 0.04 or depth == 0:
            return self._pick((None, [], {}, "text", 7, True, [None], {"x": 1}))
        if "$ref" in schema:
            return self._value(self._schemas[schema["$ref"].rpartition("/")[2]], depth)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return self._value(self._pick(schema[key]), depth)
        if "enum" in schema or "const" in schema:
            return self._pick(schema.get("enum") or [schema["const"]])
        kind = schema.get("type", "string")
        kind = self._pick(kind) if isinstance(kind, list) else kind
        return getattr(self, f"_{kind}")(schema, depth)

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        needed = schema.get("required", ())
        made = {
            name: self._value(rule, depth - 1)
            for name, rule in schema.get("properties", {}).items()
            if (name in needed and not self._now_and_then()) or self._random.random() < 0.35
        }
        rest = schema.get("additionalProperties")
        if isinstance(rest, dict):
            for _ in range(self._random.randrange(3)):
                made[self._text()] = self._value(rest, depth - 1)
        elif self._random.random() < 0.05:
            made["unknown"] = 1
        return made

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[Any]:
        count = self._random.randrange(4)
        return [self._value(schema.get("items", {}), depth - 1) for _ in range(count)]

    def _string(self, _schema: Mapping[str, Any], _depth: int) -> str:
        return self._text()

    def _integer(self, schema: Mapping[str, Any], _depth: int) -> float:
        bounds = [schema[one] for one in ("minimum", "maximum") if one in schema]
        return self._pick((*NUMBERS, *bounds, *(one + 1 for one in bounds), 5, 10, 100))

    _number = _integer

    def _boolean(self, _schema: Mapping[str, Any], _depth: int) -> bool:
        return self._random.random() < 0.5

    def _null(self, _schema: Mapping[str, Any], _depth: int) -> None:
        return None

    def _text(self) -> str:
        known = [value for values in self._known.values() for value in values]
        some = "".join(self._random.choices(string.printable, k=self._random.randrange(12)))
        return self._pick((self._pick(known), self._pick(ODD), some))

    def _pick(self, among: Sequence[Any]) -> Any:
        return self._random.choice(among)

    def _now_and_then(self) -> bool:
        return self._random.random() < 0.15


def departures(
    document: Mapping[str, Any], operation: Mapping[str, Any], answer: Any
) -> Iterator[str]:
    """What of an answer its description does not allow; nothing when all is well."""
    status = str(answer.status)
    if status not in operation["responses"]:
        yield f"undocumented status {status}"
        return
    if answer.status == 500:
        yield "a failure inside the daemon"
    content = operation["responses"][status].get("content", {})
    media = answer.headers.get("Content-Type", "").partition(";")[0]
    if not content:
        if answer.text:
            yield f"content where none is documented: {answer.text[:80]}"
    elif media not in content:
        yield f"undocumented media type {media!r}"
    elif "json" in media:
        yield from wrong(answer.json, content[media]["schema"], document, "answer")


def wrong(
    value: Any, schema: Mapping[str, Any], document: Mapping[str, Any], at: str
) -> Iterator[str]:
    """Where a value departs from its schema."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from wrong(value, document["components"]["schemas"][name], document, at)
        return
    for key in ("anyOf", "oneOf"):
        if key in schema:
            tried = [list(wrong(value, one, document, at)) for one in schema[key]]
            if all(tried):
                yield min(tried, key=len)[0]
            return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if not _is(value, schema.get("type")):
        yield f"{at}: {value!r} is no {schema['type']}"
    elif isinstance(value, dict):
        yield from _wrong_object(value, schema, document, at)
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from wrong(one, schema.get("items", {}), document, f"{at}[{number}]")


def _wrong_object(
    value: Mapping[str, Any], schema: Mapping[str, Any], document: Mapping[str, Any], at: str
) -> Iterator[str]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}: {name} is missing"
    for name, one in value.items():
        rule = known.get(name, rest if isinstance(rest, dict) else None)
        if rule is not None:
            yield from wrong(one, rule, document, f"{at}.{name}")
        elif known:
            yield f"{at}: {name} is not documented"


def _is(value: Any, kind: str | list[str] | None) -> bool:
    if kind is None:
        return True
    kinds = [kind] if isinstance(kind, str) else kind
    return any(_TESTS[one](value) for one in kinds)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TESTS = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _number,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
