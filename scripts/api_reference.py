"""Writes docs/api.md from the OpenAPI document: calls first, then what they take and answer.

With --check it writes nothing, and fails when the page is not what it would write.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from paas.api import openapi
from paas.api.table import ROUTES

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
HEAD = """# The HTTP API

Made by `./scripts/api-reference` from the daemon's own description (`GET /openapi.json`, OpenAPI
3.1); do not edit it by hand.

Over the unix socket `<data_dir>/api.sock` no token is needed. Over TCP a call carries
`Authorization: Bearer <token>`; the scopes are `read`, `deploy` and `admin`, each of which includes
those before it ([access.md](access.md)). Times are RFC 3339 in UTC, durations seconds, sizes bytes.
Lists are `{"items": [...]}`. Fields may be added in later releases.

A refusal is a [Problem](#problem) (RFC 9457) as `application/problem+json`, with a stable `code`,
what to do next in `advice`, and every wrong field in `errors`. Any call can answer 400 (not valid
HTTP or JSON), 401, 403, 421 (the host name is not the API's), 431, 500 and 503, one with a body 413
and 415; others stand at each call.
"""
USUAL = {"400", "401", "403", "413", "415", "421", "431", "500", "503"}
"""Refusals that the head of the page tells, or that follow from the call."""
JSON = "application/json"
_REFERENCE = r"#/components/schemas/([\w-]+)"


def main() -> int | str:
    text = page(openapi.document(ROUTES))
    if "--check" in sys.argv[1:]:
        return 0 if PAGE.read_text() == text else "docs/api.md is old: run ./scripts/api-reference"
    PAGE.write_text(text)
    return 0


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    calls = [
        (method.upper(), path, call)
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    ]
    schemas = document["components"]["schemas"]
    parts = [HEAD, "## Calls\n", *(line for one in calls for line in _call(*one))]
    parts += ["## What is sent and answered\n"]
    sent = _reached([call["requestBody"] for *_, call in calls if "requestBody" in call], schemas)
    for name in sorted(schemas):
        parts += _schema(name, schemas[name], sent=name in sent)
    return "\n".join(parts).rstrip() + "\n"


def _call(method: str, path: str, call: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {method} {path}\n"
    yield f"{call['summary']}. Scope: {_scope(call)}.\n"
    queries = [one for one in call["parameters"] if one["in"] == "query"]
    if queries:
        yield from _fields({one["name"]: one["schema"] for one in queries}, "query")
    for media, body in call.get("requestBody", {}).get("content", {}).items():
        if media == JSON:
            yield f"Body: {_type(body['schema'])}\n"
        else:
            yield f"Body as `{media}`{_parts(body)}\n"
    good, refusals = "", []
    for status, answer in call["responses"].items():
        if status < "400":
            good = f"{status}{_answer(answer)}"
        elif status not in USUAL:
            refusals.append(status)
    yield f"Answers: {', '.join([good, *refusals])}\n"


def _parts(body: Mapping[str, Any]) -> str:
    properties = body.get("schema", {}).get("properties", {})
    return f": parts {', '.join(f'`{name}`' for name in properties)}" if properties else ""


def _answer(answer: Mapping[str, Any]) -> str:
    content = answer.get("content", {})
    told = [_type(content[JSON]["schema"])] if JSON in content else []
    told += [f"`{media}`" for media in content if media != JSON]
    return f" {' or '.join(told)}" if told else ""


def _reached(start: object, schemas: Mapping[str, Any]) -> set[str]:
    """The names of all schemas that something refers to, directly or not."""
    found: set[str] = set()
    left = re.findall(_REFERENCE, json.dumps(start))
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += re.findall(_REFERENCE, json.dumps(schemas[name]))
    return found


def _schema(name: str, schema: Mapping[str, Any], *, sent: bool) -> Iterator[str]:
    yield f"### {_shown(name)}\n"
    if told := schema.get("description", ""):
        yield " ".join(told.split()) + "\n"
    if "enum" in schema:
        yield f"One of {_enum(schema)}.\n"
    if schema.get("properties"):
        needed = schema.get("required", ()) if sent else ()
        yield from _fields(schema["properties"], "field", needed=needed, defaults=sent)


def _fields(
    fields: Mapping[str, Mapping[str, Any]],
    noun: str,
    *,
    needed: Iterable[str] = (),
    defaults: bool = True,
) -> list[str]:
    rows = []
    meant = any(field.get("description") for field in fields.values())
    for name, field in fields.items():
        default = "required" if name in needed else _default(field)
        row = [f"`{name}`", _type(field)]
        row += [default] if defaults else []
        row += [field.get("description", "")] if meant else []
        rows.append(tuple(row))
    head = [noun, "type"] + (["default"] if defaults else []) + (["meaning"] if meant else [])
    return _table(tuple(head), rows)


def _default(field: Mapping[str, Any]) -> str:
    value = field.get("default")
    if value is None or isinstance(value, (dict, list)):
        return ""
    return f"`{str(value).lower()}`" if value != "" else "empty"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = _shown(schema["$ref"].rpartition("/")[2])
        return f"[{name}](#{name.lower().replace(' ', '-').translate(_NOT_IN_ANCHORS)})"
    among = schema.get("anyOf", schema.get("oneOf"))
    if among:
        told = (part for one in among for part in _type(one).split(" or "))
        return " or ".join(dict.fromkeys(told))
    if "enum" in schema or "const" in schema:
        return _enum(schema)
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"name → {_type(schema['additionalProperties'])}"
    names = kind if isinstance(kind, list) else [kind]
    return " or ".join(_NAMES.get(one, one) for one in names) + _bounds(schema)


_NOT_IN_ANCHORS = str.maketrans("", "", "()")
_NAMES = {"string": "text", "boolean": "yes/no", "integer": "whole number"}


def _bounds(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return " (a time)"
    above = "exclusiveMinimum" in schema
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    begin = "" if low is None else f", {'above ' if above else ''}{_number(low)}"
    return begin if high is None else f"{begin} to {_number(high)}"


def _number(value: float) -> str:
    """Large powers of two are told as such."""
    whole = int(value)
    if whole != value or whole < 2**31:
        return f"{value:,}".removesuffix(".0")
    power = whole.bit_length()
    return f"2^{power} − 1" if whole + 1 == 1 << power else f"2^{power - 1}"


def _enum(schema: Mapping[str, Any]) -> str:
    values = schema.get("enum") or [schema["const"]]
    return ", ".join(f"`{one}`" for one in values)


def _scope(call: Mapping[str, Any]) -> str:
    """The first caller's: the token's."""
    if {} in call["security"]:
        return "none"
    return ", ".join(call["security"][0]["token"])


def _shown(name: str) -> str:
    """Models that are both sent and answered are two."""
    return name.replace("-Input", " (sent)").replace("-Output", "")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in one)} |" for one in lines
    ] + [""]


if __name__ == "__main__":
    sys.exit(main())
