import io

import pytest

from paas.cli.output import Output, age, moment, safe, seconds, size, width
from paas.cli.progress import Live, Plain, Silent, choose
from paas.cli.trouble import CliError


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("发布 ok", "发布 ok"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb\nc\td", "a\\x0db\\x0ac\td"),
        ("\x9b1m\x7f", "\\x9b1m\\x7f"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
    ],
)
def test_safe_shows_control_characters(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_width_counts_columns() -> None:
    assert [width(text) for text in ("abc", "发布", "e\u0301")] == [3, 4, 1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0.26, "0.3 s"),
        (42, "42 s"),
        (185, "3 min 5 s"),
        (7800, "2 h 10 min"),
        (273600, "3 d 4 h"),
    ],
)
def test_seconds(value: float | None, shown: str) -> None:
    assert seconds(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (0, "0 B"), (1536, "1.5 KiB"), (512 << 20, "512 MiB"), (5 << 40, "5120 GiB")],
)
def test_size(value: int | None, shown: str) -> None:
    assert size(value) == shown


def test_times_that_are_none_stay_as_they_are() -> None:
    assert moment("soon") == age("soon") == "soon"
    assert moment(None) == age(None) == ""
    assert len(moment("2026-05-01T12:00:00Z")) == 19
    assert age("2020-01-01T00:00:00Z").endswith("h")


def test_colours_only_on_a_terminal() -> None:
    plain, terminal = (
        Output(stdout=io.StringIO(), environ={}),
        Output(stdout=Terminal(), environ={}),
    )
    assert plain.paint("red", "x") == "x"
    assert terminal.paint("red", "x") == "\x1b[31mx\x1b[0m"
    assert Output(stdout=Terminal(), environ={"NO_COLOR": "1"}).paint("red", "x") == "x"


def test_a_table_aligns_and_escapes() -> None:
    stdout = io.StringIO()
    Output(stdout=stdout, environ={}).table(("A", "B"), [("发布", 1), ("x\x1b", "")])
    assert stdout.getvalue() == "A      B\n发布   1\nx\\x1b\n"


def test_an_error_of_several_lines() -> None:
    stderr = io.StringIO()
    out = Output(stderr=stderr, environ={})
    out.error(CliError("first\nsecond\x1b", log=("l",), advice="do"), as_json=False)
    assert stderr.getvalue() == "error: first\n  second\\x1b\n  | l\ndo\n"


def test_progress_fits_where_it_goes() -> None:
    terminal, plain = (
        Output(stdout=Terminal(), environ={}),
        Output(stdout=io.StringIO(), environ={}),
    )
    assert isinstance(choose(terminal, as_json=False), Live)
    assert isinstance(choose(plain, as_json=False), Plain)
    assert isinstance(choose(terminal, as_json=True), Silent)


def test_live_progress_leaves_no_status_behind() -> None:
    stdout = Terminal()
    live = Live(Output(stdout=stdout, environ={"NO_COLOR": "1"}))
    live.busy("build", 1.0)
    live.log("line\x1b[2J")
    live.upload(50, 100)
    live.step("build", "running", None)
    live.step("build", "succeeded", 2.0)
    live.close()
    written = stdout.getvalue()
    assert written.endswith("\r\x1b[K")
    assert "  line\\x1b[2J\n" in written
    assert "✓ build  2.0 s\n" in written
    assert "upload 50 % of 100 B" in written
