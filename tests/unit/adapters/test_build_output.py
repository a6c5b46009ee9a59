"""What a build says and how it ended, for whoever wrote the Dockerfile."""

import base64

import pytest

from paas.adapters.build_output import BuildOutput, explained, timed_out
from paas.core.protobuf import bytes_field
from paas.errors import Failed, Invalid, PaasError, Unavailable


def output() -> tuple[BuildOutput, list[str]]:
    lines: list[str] = []
    return BuildOutput(lines.append), lines


def trace(message: bytes) -> dict[str, object]:
    return {"id": "moby.buildkit.trace", "aux": base64.b64encode(message).decode()}


STEP = bytes_field(
    1,
    bytes_field(1, b"a") + bytes_field(3, b"RUN \x1b[31mx") + bytes_field(5, b""),
)


def test_a_trace_becomes_lines_without_colours() -> None:
    made, lines = output()
    made.feed(trace(STEP))
    made.feed(trace(bytes_field(3, bytes_field(1, b"a") + bytes_field(4, b"\x1b[1mhi\x1b[0m\nha"))))
    made.feed({"id": "moby.image.id", "aux": {"ID": "sha256:1"}})
    assert lines == ["#1 RUN x", "#1 | hi"]
    assert made.image == "sha256:1"
    with pytest.raises(Failed, match="broken"):
        made.feed({"error": "broken", "errorDetail": {"message": "broken"}})
    assert lines[-1] == "#1 | ha"


@pytest.mark.parametrize("aux", [None, "", "!!", "gA==", 7, ["x"], "é"])
def test_a_trace_that_cannot_be_read_says_nothing(aux: object) -> None:
    made, lines = output()
    made.feed({"id": "moby.buildkit.trace", "aux": aux})
    made.feed({"aux": aux})
    assert (lines, made.image) == ([], "")


@pytest.mark.parametrize(
    ("error", "code", "part"),
    [
        (Failed("failed to solve: exit code: 137"), "build_failed", "builds.memory"),
        (Failed("returned a non-zero code: 1"), "build_failed", "build log"),
        (Failed("exit code: 1370"), "build_failed", "build log"),
        (Failed("failed to solve: secret t not found: not found"), "build_failed", "secret t,"),
        (Failed("failed to solve: secret a.b: not found"), "build_failed", "secret a.b,"),
        (Failed("x: 401 Unauthorized"), "build_failed", "credentials"),
        (Failed("Get https://r/v2/: dial tcp: no such host"), "build_failed", "docker load"),
        (Failed("dockerfile parse error line 2: x"), "bad_dockerfile", "line"),
        (
            Failed("failed to create LLB definition: the Dockerfile cannot be empty"),
            "bad_dockerfile",
            "",
        ),
        (Invalid("Unknown instruction"), "bad_dockerfile", "line"),
        (Invalid("failed to reach build target x in Dockerfile"), "no_such_target", "target"),
        (Failed("target stage x could not be found"), "no_such_target", "target"),
    ],
)
def test_errors_say_what_to_do(error: PaasError, code: str, part: str) -> None:
    made, _ = output()
    made.say("last words")
    found = explained(error, made)
    assert found.code == code
    assert part in found.advice
    assert "failed to solve" not in found.message
    if code == "build_failed":
        assert found.log == ("last words",)


def test_an_engine_that_is_gone_is_no_fault_of_the_build() -> None:
    made, _ = output()
    error = Unavailable("gone")
    assert explained(error, made) is error
    made.say("held all")
    memory = explained(Failed("much", code="build_memory"), made)
    assert (memory.code, memory.log) == ("build_memory", ("held all",))
    late = timed_out(5, made)
    assert (late.code, late.log) == ("build_timeout", ("held all",))
