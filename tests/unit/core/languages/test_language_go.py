"""Go: which package, which image, and what stays."""

import pytest

from paas.errors import Invalid
from tests.unit.core.languages.sources import lines, planned

MAIN = "package main\n"


def test_the_program_alone_in_an_empty_image() -> None:
    plan = planned(
        "go.sum", "templates/a.html", go_mod="module a/shop\n\ngo 1.22.3\n", main_go=MAIN
    )
    text = lines(plan)
    assert "FROM golang:1.22 AS build" in text
    assert text.index("COPY go.mod go.sum ./") < text.index('RUN ["go", "mod", "download"]')
    assert text.index('RUN ["go", "mod", "download"]') < text.index("COPY . .")
    assert "FROM scratch" in text
    assert "COPY templates ./templates" in text
    assert 'CMD ["/bin/app"]' in text


def test_without_a_module_or_with_its_packages_beside_it() -> None:
    single = lines(planned(main_go=MAIN))
    assert not any("mod" in line for line in single)
    assert any('"main.go"]' in line for line in single)
    vendored = lines(planned("vendor/x/y.go", go_mod="module x\n", main_go=MAIN))
    assert 'RUN ["go", "mod", "download"]' not in vendored
    assert "FROM golang:1.25 AS build" in vendored


@pytest.mark.parametrize(
    ("folders", "package"),
    [
        (["cmd/anything"], "./cmd/anything"),
        (["cmd/tool", "cmd/server"], "./cmd/server"),
        (["cmd/tool", "cmd/shop", "cmd/web"], "./cmd/shop"),
    ],
)
def test_the_package_that_is_the_service(folders: list[str], package: str) -> None:
    mains = {f"{folder.replace('/', '__')}__main_go": MAIN for folder in folders}
    plan = planned(go_mod="module example/shop\n", lib_go="package lib", **mains)
    assert any(f'"{package}"]' in line for line in lines(plan))
    assert package in plan.reason


def test_which_package_cannot_be_told() -> None:
    for mains in ({"a__main_go": MAIN, "b__main_go": MAIN}, {"lib_go": "package lib"}):
        with pytest.raises(Invalid) as caught:
            planned(go_mod="// no module\n", **mains)
        assert caught.value.code == "unclear_source"
        assert "cmd/server" in caught.value.advice


def test_a_command_for_a_shell_gets_one() -> None:
    plan = planned(main_go=MAIN, Procfile="web: app --port $PORT\n")
    assert "FROM debian:bookworm-slim" in lines(plan)
    plan = planned(main_go=MAIN, Procfile="web: app --fast\n")
    assert "FROM scratch" in lines(plan)
