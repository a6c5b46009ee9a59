import io
import os
import tarfile
from pathlib import Path

import pytest

from paas.cli import pack
from paas.cli.trouble import CliError


def packed(folder: Path) -> tuple[bytes, dict[str, tarfile.TarInfo]]:
    into = io.BytesIO()
    pack.pack(pack.members(folder), into)
    with tarfile.open(fileobj=io.BytesIO(into.getvalue())) as archive:
        return into.getvalue(), {info.name: info for info in archive}


def test_order_owners_links_and_what_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("b")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run").write_text("#!")
    (tmp_path / "a" / "run").chmod(0o4755)
    (tmp_path / "a" / ".git").write_text("gitdir: elsewhere")
    (tmp_path / ".dockerignore").write_text("b")
    (tmp_path / "link").symlink_to("nowhere")
    os.link(tmp_path / "b", tmp_path / "c")
    os.mkfifo(tmp_path / "pipe")
    first, names = packed(tmp_path)
    assert list(names) == [".dockerignore", "a", "a/run", "b", "c", "link"]
    assert names["link"].linkname == "nowhere"
    assert names["c"].isreg()
    assert names["c"].size == 1
    assert names["a/run"].mode == 0o755
    assert {(info.uid, info.uname) for info in names.values()} == {(0, "")}
    assert packed(tmp_path)[0] == first


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "empty").mkdir()
    with pytest.raises(CliError, match="holds no files"):
        pack.members(tmp_path)


def test_a_huge_folder_names_its_largest_entries(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "hole").open("wb") as file:
        file.truncate(pack.MAX_BYTES)
    (tmp_path / "small").write_text("x")
    with pytest.raises(CliError, match=r"largest: data/ \(512 MiB\), small \(1 B\)"):
        pack.members(tmp_path)


def test_a_file_that_goes_away_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone").write_text("x")
    members = pack.members(tmp_path)
    (tmp_path / "gone").unlink()
    with pytest.raises(CliError, match=r"gone cannot be packed: No such file"):
        pack.pack(members, io.BytesIO())


def test_archives_are_known_by_name() -> None:
    names = ("a.zip", "A.TAR", "a.tar.gz", "a.tgz", "a.gz", "zip")
    assert [pack.is_archive(Path(name)) for name in names] == [True] * 4 + [False] * 2
