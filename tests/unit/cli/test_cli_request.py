from datetime import UTC, datetime
from pathlib import Path

import pytest

from paas.cli import request
from paas.cli.logs import since
from paas.cli.sse import Event, parse
from paas.cli.trouble import CliError
from paas.cli.versions import full_name
from paas.core.names import check_service_name


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("shop", "shop"),
        ("My Shop!", "my-shop"),
        ("shop_v2", "shop-v2"),
        ("shop-001", "shop"),
        ("2048", None),
        ("x", "x-app"),
        ("api", None),
        ("发布", None),
        ("a" * 60, "a" * 40),
    ],
)
def test_service_names_are_made_valid(wanted: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(CliError):
            request.service_name(wanted)
    else:
        assert request.service_name(wanted) == check_service_name(name)


@pytest.mark.parametrize(
    "reference", ["shop", "shop:1.4", "team/shop", "host:5000/team/shop:1@sha256:00ff"]
)
def test_image_names(reference: str) -> None:
    assert request.image_name(reference) == "shop"


def test_pairs_and_secrets() -> None:
    assert request.pairs(["A=1", "B=x=y", "C="], "--env") == {"A": "1", "B": "x=y", "C": ""}
    found = request.secret_pairs(["A=1", "B", "C"], {"B": "env"}, lambda name: f"asked {name}")
    assert found == {"A": "1", "B": "env", "C": "asked C"}
    for wrong in ("A", "=1"):
        with pytest.raises(CliError):
            request.pairs([wrong], "--env")
    with pytest.raises(CliError, match="--secret needs"):
        request.secret_pairs(["=1"], {}, str)
    with pytest.raises(CliError, match="--build-secret needs"):
        request.secret_pairs(["=1"], {}, str, option="--build-secret")


def test_a_file_of_pairs(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# comment\n\nA=1\nexport B='two words'\nC = \"x\"\n")
    assert request.read_pairs(file) == {"A": "1", "B": "two words", "C": "x"}
    file.write_text("A=1\nnonsense\n")
    with pytest.raises(CliError, match=r":2: not NAME=VALUE"):
        request.read_pairs(file)
    with pytest.raises(CliError, match="cannot be read"):
        request.read_pairs(tmp_path / "none")


def test_full_names() -> None:
    assert [full_name("shop", text) for text in ("1", "001", "1000", "shop-002")] == [
        "shop-001",
        "shop-001",
        "shop-1000",
        "shop-002",
    ]


def test_since() -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert since(None, now) is None
    assert since("10m", now) == "2026-05-01T11:50:00Z"
    assert since("2026-05-01T10:00:00+02:00", now) == "2026-05-01T08:00:00Z"
    with pytest.raises(CliError):
        since("yesterday", now)


def test_events_are_parsed_as_the_standard_says() -> None:
    stream = b": ping\n\nid: 1\r\ndata: a\r\ndata:b\r\n\r\nevent: end\ndata\n\nid\ndata: cut"
    assert list(parse(stream.splitlines(keepends=True))) == [
        Event(data="a\nb", id="1"),
        Event(data="", name="end", id="1"),
    ]
