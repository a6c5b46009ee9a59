"""The document agrees with the router and with itself."""

import re
from typing import Any

from aiohttp import web

from paas.api import openapi
from paas.api.call import add_route
from paas.api.table import ROUTES

DOCUMENT = openapi.document(ROUTES)


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_router_and_the_document_have_the_same_calls() -> None:
    app = web.Application()
    for route in ROUTES:
        add_route(app, route, None)
    routed = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource and route.method != "HEAD"
    }
    assert routed == {(method, path) for path, method, _ in operations()}


def test_every_reference_leads_somewhere() -> None:
    references = set(re.findall(r"'\$ref': '#/components/schemas/([^']+)'", str(DOCUMENT)))
    assert references <= DOCUMENT["components"]["schemas"].keys()


def test_operations_are_complete_and_named_once() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    for path, _, operation in operations():
        declared = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert declared == set(re.findall(r"\{(\w+)\}", path))
        assert any(status.startswith("2") for status in operation["responses"])
        for status, response in operation["responses"].items():
            assert response["description"]
            if int(status) >= 400:
                assert "application/problem+json" in response["content"]


def test_secrets_are_never_part_of_an_answer() -> None:
    version = DOCUMENT["components"]["schemas"]["Version"]["properties"]
    assert version["secrets"] == {"items": {"type": "string"}, "title": "Secrets", "type": "array"}
    assert "credentials" not in str(DOCUMENT["components"]["schemas"]["Source"])


def test_only_health_webhooks_and_signing_in_are_public() -> None:
    public = [
        operation["operationId"] for _, _, operation in operations() if {} in operation["security"]
    ]
    assert public == ["receiveHook", "readHealth", "signIn"]


def test_what_any_call_can_answer_is_documented() -> None:
    for path, _, operation in operations():
        documented = operation["responses"].keys()
        assert documented >= {"400", "431", "500", "503"}
        if "{" in path:
            assert "404" in documented
        if "requestBody" in operation or any(
            one["in"] == "query" for one in operation["parameters"]
        ):
            assert "422" in documented or operation["operationId"] == "receiveHook"


def test_a_body_is_required_where_a_field_of_it_is() -> None:
    required = {
        operation["operationId"]: operation["requestBody"]["required"]
        for _, _, operation in operations()
        if "requestBody" in operation
    }
    assert required["createService"]
    assert required["deploy"]
    assert not required["rollBack"]
    assert not required["changeService"]
