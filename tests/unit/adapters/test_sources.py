"""Sources on the disk: what is read of them, what is added, and that no link is followed."""

import os
from pathlib import Path

import pytest

from paas.adapters.sources import LocalFolder, LocalSources
from paas.errors import Failed, Invalid

sources = LocalSources()


def tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


async def test_a_source_with_a_dockerfile_tells_no_more(tmp_path: Path) -> None:
    root = tree(tmp_path, Dockerfile="FROM scratch\n", shop__main="")
    assert await sources.survey(root, build_dir=".") is None
    assert await sources.survey(root, build_dir="shop") is None  # it is looked for there, too


async def test_what_is_called_dockerfile_and_is_none_is_left_to_the_builder(
    tmp_path: Path,
) -> None:
    (tmp_path / "Dockerfile").symlink_to("nowhere")
    assert await sources.survey(tmp_path, build_dir=".") is None


async def test_the_facts_are_those_of_the_build_directory(tmp_path: Path) -> None:
    root = tree(tmp_path, shop__Procfile="web: x", other="")
    found = await sources.survey(root, build_dir="shop")
    assert found is not None
    assert (found.files, found.text("Procfile")) == ({"Procfile"}, "web: x")
    with pytest.raises(Invalid) as caught:
        await sources.survey(root, build_dir="../x")
    assert caught.value.code == "bad_build_dir"


async def test_no_link_is_followed_and_no_pipe_is_opened(tmp_path: Path) -> None:
    outside = tree(tmp_path / "outside", main="secret")
    root = tree(tmp_path / "root", here="")
    (root / "package.json").symlink_to(outside / "main")
    (root / "folder").symlink_to(outside)
    os.mkfifo(root / "go.mod")
    found = await sources.survey(root, build_dir=".")
    assert found is not None
    assert found.files == {"here"}
    assert found.texts == {}
    with pytest.raises(OSError, match="symbolic"):
        LocalFolder(root).text("package.json", 10)


async def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_bytes(b"web: \xff\xfe\n")
    found = await sources.survey(tmp_path, build_dir=".")
    assert found is not None
    assert found.text("Procfile").startswith("web: ")


async def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    root = tree(tmp_path / "root", Dockerfile="mine")
    (root / ".dockerignore").symlink_to(victim)
    await sources.add(root, {"Dockerfile": "x", ".dockerignore": "y"}, build_dir=".")
    assert (root / "Dockerfile").read_text() == "mine"
    assert not victim.exists()
    (root / "sub").mkdir()
    await sources.add(root, {"Dockerfile": "FROM a\n"}, build_dir="sub")
    assert (root / "sub" / "Dockerfile").read_text() == "FROM a\n"


async def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(Failed) as caught:
        await sources.add(tmp_path / "none", {"Dockerfile": "x"}, build_dir=".")
    assert caught.value.code == "source_unwritable"


async def test_the_hello_image_is_made_for_the_engines_processor(tmp_path: Path) -> None:
    for architecture, machine in (("amd64", 62), ("arm64", 183)):
        root = tmp_path / architecture
        await sources.hello(root, architecture=architecture)
        program = (root / "hello").read_bytes()
        assert program[:4] == b"\x7fELF"
        assert int.from_bytes(program[18:20], "little") == machine
        assert len(program) < 100 * 1024
        assert os.access(root / "hello", os.X_OK)
        assert (root / "Dockerfile").read_text().startswith("FROM scratch\n")
    with pytest.raises(Failed) as caught:
        await sources.hello(tmp_path / "x", architecture="riscv64")
    assert caught.value.code == "no_hello"
