import json

import pytest

from paas.api.problems import problem_response
from paas.errors import (
    Conflict,
    Denied,
    Failed,
    FieldError,
    Invalid,
    NotFound,
    PaasError,
    TooLarge,
    Unavailable,
)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Invalid("x"), 422),
        (Invalid("x", code="malformed_json"), 400),
        (TooLarge("x"), 413),
        (Denied("x"), 403),
        (Denied("x", code="bad_token"), 401),
        (Denied("x", code="host_not_allowed"), 421),
        (NotFound("x"), 404),
        (Conflict("x"), 409),
        (Unavailable("x"), 503),
        (Unavailable("x", code="disk_full"), 507),
        (Failed("x"), 500),
        (Failed("x", code="pull_failed"), 502),
        (PaasError("x"), 500),
    ],
)
def test_each_error_has_one_status(error: PaasError, status: int) -> None:
    answer = problem_response(error)
    assert answer.status == status
    assert answer.content_type == "application/problem+json"
    assert ("Retry-After" in answer.headers) == (status == 503)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def test_a_problem_carries_all_that_the_error_says() -> None:
    error = Invalid(
        "No.",
        code="bad_split",
        advice="Do.",
        fields=(FieldError(field="split.a", message="must"),),
        log=("last line",),
    )
    assert json.loads(problem_response(error).body) == {
        "type": "urn:paas:problem:bad_split",
        "title": "The request is not valid",
        "status": 422,
        "code": "bad_split",
        "detail": "No.",
        "advice": "Do.",
        "errors": [{"field": "split.a", "message": "must"}],
        "log": ["last line"],
    }
