"""Which version the project's own files ask for."""

import pytest

from paas.core.languages.versions import GO, JAVA, NODE, PHP, PYTHON, at_least, pinned, satisfying


@pytest.mark.parametrize(
    ("constraint", "known", "version"),
    [
        ("", PYTHON, "3.13"),
        (">=3.11", PYTHON, "3.13"),
        (">=3.9,<3.12", PYTHON, "3.11"),
        ("<=3.12", PYTHON, "3.12"),
        ("<3.13.2", PYTHON, "3.13"),
        ("<3.13.0", PYTHON, "3.12"),
        ("==3.10.*", PYTHON, "3.10"),
        ("~=3.12", PYTHON, "3.13"),
        ("^3.14", PYTHON, "3.14"),
        (">3.13,!=3.13", PYTHON, "3.14"),
        ("!=3.13.1", PYTHON, "3.13"),
        ("3.7.*", PYTHON, "3.7"),
        (">=18", NODE, "24"),
        ("^20.1.0 || 22.x", NODE, "22"),
        ("<21", NODE, "20"),
        ("v16.3", NODE, "16"),
        ("latest", NODE, "24"),
        ("*", NODE, "24"),
        ("~8.2", PHP, "8.2"),
        ("^8.1", PHP, "8.4"),
        (">=7.2 <8.0", PHP, "7.4"),
    ],
)
def test_constraints(constraint: str, known: tuple[str, ...], version: str) -> None:
    assert satisfying(constraint, known) == version


def test_a_pinned_version_is_taken_as_it_is() -> None:
    assert pinned("3.12.4\n", 2) == "3.12"
    assert pinned("python-3.11.9", 2) == "3.11"
    assert pinned("v20.11", 1) == "20"
    assert (pinned("lts/iron", 1), pinned("", 2)) == ("", "")


def test_the_smallest_that_will_do() -> None:
    assert [at_least(one, JAVA) for one in ("", "8", "16", "17", "25", "30")] == [
        "21", "8", "17", "17", "25", "30",
    ]  # fmt: skip
    assert GO
