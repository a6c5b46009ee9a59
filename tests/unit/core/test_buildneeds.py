"""What a Dockerfile needs, and which builder takes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.buildneeds import (
    BuilderChoice,
    BuilderKind,
    Choice,
    Needs,
    choose,
    needs_newer_engine,
    read_needs,
)
from paas.errors import Invalid

MOUNT = Needs(flag="RUN --mount (line 2)")
HEREDOC = Needs(heredoc="RUN <<END (line 2)")
SYNTAX = Needs(syntax="docker/dockerfile:1")
FOREIGN = Needs(syntax="registry.example/frontend:2")
NOTHING = Needs()
CLASSIC = Choice(kind=BuilderKind.CLASSIC)


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ("", NOTHING),
        ("FROM x\nRUN a --mount=x\nCOPY --from=a --chown=1:1 b c\n", NOTHING),
        ("FROM x\nRUN --mount=type=cache,target=/c a\n", MOUNT),
        ("FROM x\nONBUILD  run  --mount=type=cache a\n", MOUNT),
        ("FROM x\nRUN \\\n # a comment\n\n  --mount=a b", MOUNT),
        ("# escape=`\nFROM x\nRUN `\n--network=none a", Needs(flag="RUN --network (line 3)")),
        ("FROM x\nRUN --security=insecure a \\", Needs(flag="RUN --security (line 2)")),
        ("FROM x\nCOPY --chmod=700 --link a b", Needs(flag="COPY --chmod (line 2)")),
        ("FROM x\nADD --chown=1 --checksum=a b c", Needs(flag="ADD --checksum (line 2)")),
        ("FROM x\nRUN <<END\na\nEND\nRUN <<-'X' a\n", HEREDOC),
        ("FROM x\nRUN cat <<END >/x\na\nEND", HEREDOC),
        ("FROM x\nRUN echo $((1 << 3)) $((A<<B)) <<<word\n", NOTHING),
        ("FROM x\nLABEL a=<<END b=--mount\n", NOTHING),
        ("# syntax = docker/dockerfile:1\nFROM x", SYNTAX),
        ("\ufeff#syntax=docker/dockerfile:1\nFROM x", SYNTAX),
        ("# check=skip=all\n# syntax=docker/dockerfile:1\n# syntax=other\nFROM x", SYNTAX),
        ("# a comment first\n# syntax=docker/dockerfile:1\nFROM x", NOTHING),
        ("FROM x\n# syntax=docker/dockerfile:1\n", NOTHING),
        ("FROM x\nRUN --mount=a b\nRUN --network=host c\n", MOUNT),
        ("FROM\n\\\n", NOTHING),
    ],
)
def test_what_a_dockerfile_needs(text: str, needs: Needs) -> None:
    assert read_needs(text) == needs


@pytest.mark.parametrize(
    ("syntax", "own"),
    [
        ("docker/dockerfile", True),
        ("docker.io/docker/dockerfile:1.7-labs", True),
        ("docker/dockerfile@sha256:0", True),
        ("docker/dockerfile-upstream:1", False),
        ("registry.example/docker/dockerfile", False),
    ],
)
def test_dockers_own_frontend_is_no_reason(syntax: str, *, own: bool) -> None:
    assert bool(Needs(syntax=syntax).reason) is not own


@given(st.text(alphabet="RUNADCOPY -=<>E\\\n#`a\"'", max_size=200))
def test_any_text_is_read(text: str) -> None:
    read_needs(text)


@pytest.mark.parametrize("needs", [NOTHING, SYNTAX])
def test_classic_builds_what_it_can(needs: Needs) -> None:
    assert choose(BuilderChoice.CLASSIC, needs, secrets=False, limited=True) == CLASSIC


@pytest.mark.parametrize(
    ("needs", "secrets"), [(MOUNT, False), (HEREDOC, False), (FOREIGN, False), (NOTHING, True)]
)
def test_classic_refuses_the_rest(needs: Needs, *, secrets: bool) -> None:
    with pytest.raises(Invalid) as raised:
        choose(BuilderChoice.CLASSIC, needs, secrets=secrets, limited=True)
    assert raised.value.code == "needs_buildkit"
    assert raised.value.advice


def test_buildkit_takes_all() -> None:
    for needs in (NOTHING, MOUNT):
        found = choose(BuilderChoice.BUILDKIT, needs, secrets=False, limited=True)
        assert (found.kind, found.fallback) == (BuilderKind.BUILDKIT, False)
        assert found.why


@pytest.mark.parametrize(
    ("needs", "secrets", "limited", "choice"),
    [
        (NOTHING, False, True, CLASSIC),
        (NOTHING, False, False, Choice(kind=BuilderKind.BUILDKIT, fallback=True)),
        (MOUNT, False, True, Choice(kind=BuilderKind.BUILDKIT, why=MOUNT.flag)),
        (HEREDOC, False, False, Choice(kind=BuilderKind.BUILDKIT, why=HEREDOC.heredoc)),
        (NOTHING, True, True, Choice(kind=BuilderKind.BUILDKIT, why="a build secret")),
        (SYNTAX, False, True, CLASSIC),
        (SYNTAX, False, False, Choice(kind=BuilderKind.BUILDKIT, fallback=True)),
        (
            FOREIGN,
            False,
            True,
            Choice(kind=BuilderKind.BUILDKIT, why="# syntax=registry.example/frontend:2"),
        ),
    ],
)
def test_auto_takes_buildkit_for_what_needs_it(
    needs: Needs, choice: Choice, *, secrets: bool, limited: bool
) -> None:
    assert choose(BuilderChoice.AUTO, needs, secrets=secrets, limited=limited) == choice


def test_an_old_engine_is_told() -> None:
    error = needs_newer_engine("RUN <<END (line 2)")
    assert error.code == "needs_newer_engine"
    assert "RUN <<END" in error.message
