"""The OpenAPI 3.1 document, made from the table of routes and their models."""

import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from paas import __version__
from paas.api.answers import Problem
from paas.api.call import JSON, Route
from paas.api.meanings import explain
from paas.api.problems import MEDIA_TYPE
from paas.api.queries import NoQuery
from paas.api.uploads import MULTIPART

PATH = "/openapi.json"

_REFERENCE = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"\{(\w+)\}")
_ALWAYS = (400, 401, 421, 431, 500, 503)
_MEANING = {
    400: "The request is not valid HTTP, or its body not valid JSON or multipart",
    401: "The token is missing or wrong",
    403: "The caller's scope does not reach so far",
    404: "There is no such thing",
    408: "The body stopped arriving",
    409: "The present state does not allow this",
    413: "The request is too large",
    415: "The body is of another type",
    421: "The API does not answer to this host name",
    422: "Fields are wrong; all of them are named",
    429: "Too many requests; try again later",
    431: "A line of the request's head is too long",
    500: "A failure inside the daemon",
    502: "The other side refused or failed",
    503: "Something outside is away; try again later",
    507: "The disk is full",
}


_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token. Scopes: read, deploy and admin, each of which includes "
        "those before it. It may be bound to one service.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-paas",
        "description": "The cookie of POST /v1/session (named paas without TLS). Changes send "
        "the header X-CSRF-Token as well and come from the same origin.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "An API token as the password of any user name; for git.",
    },
}


def document(routes: Iterable[Route[Any, Any]]) -> dict[str, Any]:
    """The whole description."""
    known = tuple(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in known:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "paas",
            "version": __version__,
            "description": "Services, versions, deployments and traffic of one host. Over the "
            "unix socket no token is needed.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": _callers([]),
        "paths": paths,
        "components": {
            "schemas": _schemas(known),
            "securitySchemes": _SCHEMES,
        },
    }


def _schemas(routes: tuple[Route[Any, Any], ...]) -> dict[str, Any]:
    bodies: list[type[BaseModel]] = [route.body for route in routes if route.takes_body]
    shapes: list[type[BaseModel]] = [Problem, *(route.answer for route in routes if route.answer)]
    wanted: list[tuple[type[BaseModel], Literal["validation", "serialization"]]] = []
    wanted += [(model, "validation") for model in dict.fromkeys(bodies)]
    wanted += [(model, "serialization") for model in dict.fromkeys(shapes)]
    _, definitions = models_json_schema(wanted, ref_template=_REFERENCE)
    schemas: dict[str, Any] = definitions["$defs"]
    explain(schemas)
    return schemas


def _operation(route: Route[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route),
    }
    if route.takes_body:
        fields = route.body.model_fields.values()
        needed = any(one.is_required() for one in fields)
        operation["requestBody"] = {"required": needed, "content": _request_content(route)}
    if route.raw:
        operation["requestBody"] = {"required": True, "content": {"*/*": {}}}
    operation |= _access(route)
    return operation


def _access(route: Route[Any, Any]) -> dict[str, Any]:
    """Who may call it, and what a caller who is bound to one service gets: `path`, the
    service of the path only; `filtered`, what is of that service; `refused`.
    """
    rule = route.rule
    if rule.public:
        return {"security": [{}, *_callers([])]}
    bound = "path" if "{service}" in route.path else "filtered" if rule.filtered else "refused"
    callers = _callers([rule.needs.value])
    if rule.basic:
        callers.append({"basic": [rule.needs.value]})
    return {"security": callers, "x-paas-bound": bound}


def _callers(scopes: list[str]) -> list[dict[str, list[str]]]:
    return [{"token": scopes}, {"session": scopes}]


def _path_parameters(route: Route[Any, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _VARIABLE.findall(route.path)
    ]


def _query_parameters(route: Route[Any, Any]) -> list[dict[str, Any]]:
    schema = route.query.model_json_schema()
    return [
        {"name": name, "in": "query", "required": False, "schema": rule}
        for name, rule in schema.get("properties", {}).items()
    ]


def _request_content(route: Route[Any, Any]) -> dict[str, Any]:
    model = _reference(route.body)
    content: dict[str, Any] = {JSON: {"schema": model}}
    if route.upload:
        archive = {"type": "string", "contentMediaType": "application/octet-stream"}
        content[MULTIPART] = {
            "schema": {
                "type": "object",
                "properties": {"spec": model, "archive": archive},
                "required": ["spec", "archive"],
            },
            "encoding": {"spec": {"contentType": JSON}},
        }
    return content


def _responses(route: Route[Any, Any]) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done"}
    if route.answer is not None or JSON not in route.media:
        success["content"] = {media: {"schema": _content(route, media)} for media in route.media}
    if route.status == 202:
        success["headers"] = {"Location": {"schema": {"type": "string"}}}
    refusals = {*_ALWAYS, *route.errors}
    refusals |= set() if route.public else {403}
    refusals |= {413, 415, 422} if route.takes_body else set()
    refusals |= {404} if _VARIABLE.search(route.path) else set()
    refusals |= {422} if route.query is not NoQuery else set()
    return {
        str(route.status): success,
        **{str(status): _refusal(status) for status in sorted(refusals)},
    }


def _content(route: Route[Any, Any], media: str) -> dict[str, str]:
    if route.answer is not None and media == JSON:
        return _reference(route.answer)
    return {"type": "string"}


def _refusal(status: int) -> dict[str, Any]:
    return {
        "description": _MEANING[status],
        "content": {MEDIA_TYPE: {"schema": _reference(Problem)}},
    }


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
