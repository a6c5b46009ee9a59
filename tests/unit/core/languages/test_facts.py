"""What is looked at of a source, and what is not."""

import pytest

from paas.core.languages import facts as module
from paas.core.languages.facts import MOST_ENTRIES, TEXT_LIMIT, survey
from paas.errors import Invalid
from tests.unit.core.languages.sources import Tree


def test_files_by_path_and_the_texts_that_tell_something() -> None:
    tree = Tree({"package.json": "{}", "src/app.py": "x = 1", "photo.png": "…", "src/a/b.css": ""})
    found = survey(tree)
    assert found.files == {"package.json", "src/app.py", "photo.png", "src/a/b.css"}
    assert found.top == ("package.json", "photo.png", "src")
    assert found.texts == {"package.json": "{}", "src/app.py": "x = 1"}
    assert (found.has("none", "photo.png"), found.has("none")) == ("photo.png", None)
    assert (found.under("src"), found.under("sr")) == (True, False)
    assert found.text("none") == ""


def test_what_the_ignore_file_leaves_out_is_not_there() -> None:
    found = survey(Tree({".dockerignore": "docs\n*.py\n!main.py\n", "docs/x.md": "", "a.py": "",
                         "main.py": ""}))  # fmt: skip
    assert found.files == {".dockerignore", "main.py"}
    with pytest.raises(Invalid) as caught:
        survey(Tree({".dockerignore": "[\n"}))
    assert caught.value.code == "bad_dockerignore"


def test_links_odd_names_and_folders_of_installed_things_are_passed_over() -> None:
    odd = ["main.py@", "a b.py", 'x";RUN evil.py', "$HOME.py", "bad\nline.py"]
    skipped = ["node_modules/x/package.json", ".git/config", "venv/main.py"]
    tree = Tree(dict.fromkeys([*odd, *skipped, "ok.py"], ""))
    assert survey(tree).files == {"ok.py"}
    assert tree.read == ["ok.py"]


def test_it_looks_so_deep_so_far_and_at_so_much() -> None:
    deep = "/".join("abcdefgh")
    assert survey(Tree({f"{deep}/main.py": "", "a/b/c/main.py": ""})).files == {"a/b/c/main.py"}
    many = Tree({f"f{number}": "" for number in range(MOST_ENTRIES + 50)})
    assert len(survey(many).files) == MOST_ENTRIES
    assert survey(Tree({"main.py": "x" * (TEXT_LIMIT + 1)})).text("main.py") == "x" * TEXT_LIMIT
    tree = Tree({f"x/f{number}.py": "" for number in range(300)} | {"go.mod": ""})
    assert len(survey(tree).texts) == module.MOST_TEXTS
    assert tree.read[0] == "go.mod"
