"""Pages that exist in two languages say the same: headings, commands, links and pictures."""

import re
from pathlib import Path

import pytest

from paas.console import wording

ROOT = Path(__file__).parents[2]
PAIRS = [("README.md", "README.zh-CN.md"), ("docs/guide.md", "docs/guide.zh-CN.md")]
MOST_PICTURES, LARGEST = 10, 120 * 1024
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]+)\)")


def blocks(text: str) -> list[str]:
    """Commands of the code blocks, without their comments."""
    found = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return [re.sub(r"\s*#.*", "", block).strip() for block in found]


def levels(text: str) -> list[int]:
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return [len(mark) for mark in re.findall(r"^(#+) ", plain, re.MULTILINE)]


def links(text: str) -> set[str]:
    """Where to, but to the other language; a page in two languages counts as one."""
    found = (link.replace(".zh-CN", "") for link in re.findall(r"[^!]\[[^\]]*\]\(([^)]+)\)", text))
    return {link for link in found if link not in ("README.md", "guide.md")}


def cells(text: str) -> list[list[str]]:
    """The code in each row of the tables."""
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return [re.findall(r"`([^`]+)`", row) for row in rows]


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_pages_are_in_step(english: str, chinese: str) -> None:
    one, other = (ROOT / english).read_text(), (ROOT / chinese).read_text()
    assert levels(one) == levels(other)
    assert blocks(one) == blocks(other)
    assert cells(one) == cells(other)
    assert links(one) == links(other)
    pictures = [name.replace(".en.", ".zh.") for name in PICTURE.findall(one)]
    assert pictures == PICTURE.findall(other)


def test_the_guide_s_pictures_are_there_and_small() -> None:
    named = {name for page in PAIRS[1] for name in PICTURE.findall((ROOT / page).read_text())}
    there = {f"guide/{file.name}" for file in (ROOT / "docs" / "guide").glob("*")}
    assert named == there
    assert len(there) <= MOST_PICTURES
    assert all((ROOT / "docs" / name).stat().st_size <= LARGEST for name in there)


@pytest.mark.parametrize(("page", "language"), [(PAIRS[1][0], "en"), (PAIRS[1][1], "zh")])
def test_the_guide_s_buttons_are_called_so_in_the_console(page: str, language: str) -> None:
    said = "\n".join(wording.load(language).values())
    bold = re.findall(r"\*\*([^*]+)\*\*", (ROOT / page).read_text())
    labels = [re.sub(r"hello-001", "{version}", label) for label in bold]
    assert [label for label in labels if label not in said] == []
