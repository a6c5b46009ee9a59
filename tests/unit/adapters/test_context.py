"""The context's tar stream, read back with `tarfile`."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from paas.adapters.context import CHUNK, TEXT_LIMIT, Context, open_context, streamed, tar_blocks
from paas.errors import Invalid


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def members(context: Context) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(tar_blocks(context)))) as tar:
        return {info.name: info for info in tar}


def content(context: Context, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(b"".join(tar_blocks(context)))) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


def opened(root: Path, dockerfile: str = "Dockerfile", build_dir: str = ".") -> Context:
    return open_context(root, dockerfile=dockerfile, build_dir=build_dir)


def test_everything_is_sent_with_its_mode_and_without_its_owner(tmp_path: Path) -> None:
    put(tmp_path, Dockerfile="FROM scratch", a__b="text")
    (tmp_path / "run").write_text("#!")
    (tmp_path / "run").chmod(0o755)
    (tmp_path / ("long" * 40)).write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / os.fsdecode(b"odd\xff")).write_text("x")
    os.mkfifo(tmp_path / "pipe")
    context = opened(tmp_path)
    found = members(context)
    odd = os.fsdecode(b"odd\xff")
    assert found.keys() == {"Dockerfile", "a", "a/b", "run", "long" * 40, "empty", odd}
    assert found["run"].mode == 0o755
    assert {info.uid for info in found.values()} == {0}
    assert found["empty"].isdir()
    assert content(context, "a/b") == b"text"


def test_links_are_sent_as_links_and_never_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(outside, secret="x")
    root = tmp_path / "root"
    put(root, Dockerfile="FROM scratch")
    (root / "file").symlink_to(outside / "secret")
    (root / "folder").symlink_to(outside)
    found = members(opened(root))
    assert found.keys() == {"Dockerfile", "file", "folder"}
    assert found["file"].issym()
    assert found["folder"].linkname == str(outside)


def test_ignored_files_stay_but_those_that_the_build_needs_go(tmp_path: Path) -> None:
    put(tmp_path, Dockerfile="FROM scratch", a="", b__c="", b__keep__d="", node_modules__x="")
    (tmp_path / ".dockerignore").write_text("*\n!b/keep\n")
    assert members(opened(tmp_path)).keys() == {
        "Dockerfile",
        ".dockerignore",
        "b/keep",
        "b/keep/d",
    }


def test_a_dockerfile_in_an_ignored_directory_is_sent(tmp_path: Path) -> None:
    put(tmp_path, deploy__Dockerfile="FROM scratch", deploy__x="", a="")
    (tmp_path / ".dockerignore").write_text("deploy\n")
    context = opened(tmp_path, "deploy/Dockerfile")
    assert context.dockerfile == "deploy/Dockerfile"
    assert members(context).keys() == {"deploy/Dockerfile", ".dockerignore", "a"}


def test_a_dockerfile_outside_of_the_context_gets_a_name_of_its_own(tmp_path: Path) -> None:
    put(tmp_path, deploy__Web="FROM scratch", app__main="x")
    (tmp_path / "app" / ".dockerignore").write_text("*.key")
    context = opened(tmp_path, "deploy/Web", "app")
    name = context.dockerfile
    assert name.startswith(".docker")
    assert members(context).keys() == {name, ".dockerignore", "main"}
    assert content(context, name) == b"FROM scratch"
    assert content(context, ".dockerignore").decode() == f"*.key\n{name}\n"


def test_which_dockerfile_is_meant(tmp_path: Path) -> None:
    put(tmp_path, Dockerfile="top", app__Dockerfile="app", app__d__Web="app", d__Web="top")
    context = opened(tmp_path, build_dir="app")
    assert content(context, context.dockerfile) == b"app"
    context = opened(tmp_path, "d/Web", "app")
    assert content(context, context.dockerfile) == b"top"
    (tmp_path / "d" / "Web").unlink()
    assert opened(tmp_path, "d/Web", "app").dockerfile == "d/Web"


def test_a_dockerfile_that_is_a_link_inside_the_source(tmp_path: Path) -> None:
    put(tmp_path, deploy__Prod="FROM scratch")
    (tmp_path / "Dockerfile").symlink_to("deploy/Prod")
    assert opened(tmp_path).dockerfile == "deploy/Prod"


@pytest.mark.parametrize(
    ("dockerfile", "build_dir", "code"),
    [
        ("/etc/passwd", ".", "bad_dockerfile"),
        ("../outside", ".", "bad_dockerfile"),
        ("link", ".", "bad_dockerfile"),
        ("a\0b", ".", "bad_dockerfile"),
        ("loop", ".", "bad_dockerfile"),
        ("Dockerfile", "..", "bad_build_dir"),
        ("Dockerfile", "/etc", "bad_build_dir"),
        ("Dockerfile", "folder", "bad_build_dir"),
        ("Dockerfile", "nowhere", "bad_build_dir"),
        ("Dockerfile", "Dockerfile", "bad_build_dir"),
    ],
)
def test_paths_stay_inside(tmp_path: Path, dockerfile: str, build_dir: str, code: str) -> None:
    root = tmp_path / "root"
    put(root, Dockerfile="FROM scratch")
    put(tmp_path, outside="x")
    (root / "link").symlink_to("../outside")
    (root / "folder").symlink_to("..")
    (root / "loop").symlink_to("loop")
    with pytest.raises(Invalid) as raised:
        opened(root, dockerfile, build_dir)
    assert raised.value.code == code


def test_a_missing_dockerfile_tells_what_is_there(tmp_path: Path) -> None:
    put(tmp_path, **{f"file{number:02}": "" for number in range(25)})
    with pytest.raises(Invalid) as raised:
        opened(tmp_path)
    assert raised.value.code == "no_dockerfile"
    assert "file00, file01" in raised.value.message
    assert "and 5 more" in raised.value.message
    with pytest.raises(Invalid) as raised:
        opened(tmp_path, "none/Dockerfile")
    assert "nothing" in raised.value.message


def test_an_ignore_file_behind_a_link_out_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root, Dockerfile="FROM scratch")
    (root / ".dockerignore").symlink_to("/etc/hostname")
    with pytest.raises(Invalid):
        opened(root)


def test_texts_are_bounded(tmp_path: Path) -> None:
    put(tmp_path, Dockerfile="FROM scratch")
    (tmp_path / ".dockerignore").write_text("#" * (TEXT_LIMIT + 1))
    with pytest.raises(Invalid):
        opened(tmp_path)


async def test_the_stream_comes_in_pieces(tmp_path: Path) -> None:
    put(tmp_path, Dockerfile="FROM scratch")
    (tmp_path / "big").write_bytes(os.urandom(5 * CHUNK + 1))
    pieces = [piece async for piece in streamed(tar_blocks(opened(tmp_path)))]
    assert all(CHUNK <= len(piece) < 2 * CHUNK + 1024 for piece in pieces[:-1])
    assert len(pieces) > 4
    with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
        assert tar.getmember("big").size == 5 * CHUNK + 1


async def test_a_stream_can_be_left(tmp_path: Path) -> None:
    put(tmp_path, Dockerfile="FROM scratch")
    (tmp_path / "big").write_bytes(bytes(4 * CHUNK))
    stream = streamed(tar_blocks(opened(tmp_path)))
    assert await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]


def test_a_file_that_shrinks_is_noticed(tmp_path: Path) -> None:
    put(tmp_path, Dockerfile="FROM scratch")
    big = tmp_path / "big"
    big.write_bytes(bytes(4 * CHUNK))
    blocks = tar_blocks(opened(tmp_path))
    next(blocks)
    os.truncate(big, CHUNK)
    with pytest.raises(OSError, match="shorter"):
        list(blocks)
