"""Untrusted archives: what is right arrives whole, what is not leaves nothing."""

import asyncio
import gzip
import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paas.adapters.archives import ArchiveUnpacker
from paas.errors import Invalid, PaasError, TooLarge

MIB = 1024**2


@pytest.fixture
def place(tmp_path):
    return tmp_path


def tar_of(*members, mode="w:gz", **options):
    """Members: (name, content) or a TarInfo with its content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, **options) as archive:
        for name, content in members:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            if content is None:
                info.type = tarfile.DIRTYPE
            data = content or b""
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(*members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def member(name, kind=tarfile.REGTYPE, target="", mode=0o644):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, mode
    return info


def zip_member(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


def unpack(place, data, *, size=64 * MIB, entries=1000, ratio=100):
    (place / "upload").write_bytes(data)
    unpacker = ArchiveUnpacker(size=size, entries=entries, ratio=ratio)
    asyncio.run(unpacker.unpack(place / "upload", place / "source"))
    return tree(place / "source")


def tree(root):
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def refused(place, data, kind=Invalid, **limits):
    with pytest.raises(kind) as caught:
        unpack(place, data, **limits)
    assert [path.name for path in place.iterdir()] == ["upload"]
    assert caught.value.advice
    return caught.value


FILES = {"Dockerfile": b"FROM scratch\n", "src/a.py": b"a" * 100_000, "src/empty": b""}


@pytest.mark.parametrize(
    "data",
    [
        tar_of(*FILES.items()),
        tar_of(*FILES.items(), mode="w"),
        tar_of(*FILES.items(), mode="w", format=tarfile.GNU_FORMAT),
        tar_of(("src", None), *FILES.items(), ("src/", None)),
        tar_of(("./", None), *((f"./{name}", data) for name, data in FILES.items())),
        zip_of(*FILES.items()),
        zip_of(("src/", b""), *FILES.items(), compression=zipfile.ZIP_STORED),
    ],
    ids=["tar.gz", "tar", "gnu", "directories", "dot", "zip", "stored"],
)
def test_contents_arrive(place, data):
    assert unpack(place, data) == FILES


def test_one_directory_at_the_top_is_taken_off(place):
    top = [(f"shop-main/{name}", data) for name, data in FILES.items()]
    assert unpack(place, zip_of(("shop-main/", b""), *top)) == FILES


def test_a_file_beside_the_directory_keeps_it(place):
    assert unpack(place, tar_of(("a/b", b"1"), ("c", b"2"))) == {"a/b": b"1", "c": b"2"}


def test_only_one_level_is_taken_off(place):
    assert unpack(place, tar_of(("a/b/c", b"1"))) == {"b/c": b"1"}


def test_modes_are_plain(place):
    unpack(
        place,
        tar_of(
            (member("run", mode=0o6777), b"x"), (member("data", mode=0o600), b"y"), ("d/e", b"z")
        ),
    )
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) & ~0o022
        for path in (place / "source").iterdir()
    }
    assert modes == {"run": 0o755, "data": 0o644, "d": 0o755}
    assert not (place / "source/run").stat().st_mode & 0o6000


def test_links_that_stay_inside_are_kept(place):
    found = unpack(
        place,
        tar_of(
            ("a/file", b"1"),
            (member("b/up", tarfile.SYMTYPE, "../a/file"), b""),
            (member("dangling", tarfile.SYMTYPE, "later"), b""),
            (member("hard", tarfile.LNKTYPE, "a/file"), b""),
        ),
    )
    assert found == {
        "a/file": b"1",
        "b/up": "-> ../a/file",
        "dangling": "-> later",
        "hard": b"1",
    }
    assert (place / "source/b/up").read_bytes() == b"1"


def test_links_in_a_zip(place):
    link = zip_member("link", stat.S_IFLNK | 0o777)
    script = zip_member("run", stat.S_IFREG | 0o755)
    assert unpack(place, zip_of((link, "run"), (script, "x"))) == {"link": "-> run", "run": b"x"}
    assert os.access(place / "source/run", os.X_OK)


LONG = "x" * 256
BAD_NAMES = {
    "absolute": "/etc/passwd",
    "up": "a/../../b",
    "up inside": "a/../b",
    "backslash": "a\\..\\b",
    "drive": "C:evil",
    "newline": "a\nb",
    "escape": "a\x1b[2J",
    "c1": "a\x85b",
    "long": LONG,
    "long path": "/".join(["x" * 200] * 6),
    "deep": "/".join("d" * 70),
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_bad_names(place, name, make):
    error = refused(place, make(("ok", b"1"), (name, b"2")))
    assert error.code == "bad_archive"
    assert repr(name)[1:20] in error.message
    assert error.message.isprintable()


def test_a_zip_name_with_nul(place):
    data = zip_of(("aXb", b"1"), ("c", b"2")).replace(b"aXb", b"a\0b")
    assert refused(place, data).code == "bad_archive"


def test_a_name_that_is_not_utf8(place):
    error = refused(place, tar_of(("a\udcff", b"1"), errors="surrogateescape"))
    assert "not UTF-8" in error.message


SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE
BAD_MEMBERS = {
    "absolute link": [(member("l", SYM, "/etc/passwd"), b"")],
    "link up": [(member("a/l", SYM, "../../x"), b"")],
    "empty link": [(member("l", SYM, ""), b"")],
    "through a link": [(member("l", SYM, "d"), b""), ("l/x", b"1"), ("d/y", b"2")],
    "link over a link": [(member("l", SYM, "a"), b""), ("l", b"1")],
    "chain out": [
        ("a/b/f", b"1"),
        (member("a/b/d", SYM, "../.."), b""),
        (member("a/b/x", SYM, "d/../f"), b""),
        ("g", b""),
    ],
    "link to the top's parent": [("top/f", b"1"), (member("top/l", SYM, "../f"), b"")],
    "hard link out": [(member("l", HARD, "/etc/passwd"), b"")],
    "hard link up": [(member("l", HARD, "../x"), b"")],
    "hard link to nothing": [(member("l", HARD, "later"), b""), ("later", b"1")],
    "hard link to a link": [(member("s", SYM, "f"), b""), (member("l", HARD, "s"), b"")],
    "device": [(member("dev", tarfile.CHRTYPE), b"")],
    "block": [(member("dev", tarfile.BLKTYPE), b"")],
    "fifo": [(member("pipe", tarfile.FIFOTYPE), b"")],
    "twice": [("a", b"1"), ("a", b"2")],
    "case": [("Readme", b"1"), ("README", b"2")],
    "case of a directory": [("Src/a", b"1"), ("src/b", b"2")],
    "sharp s": [("straße", b"1"), ("STRASSE", b"2")],
    "file as directory": [("a", b"1"), ("a/b", b"2")],
    "directory as file": [("a/b", b"1"), ("a", b"2")],
}


@pytest.mark.parametrize("members", BAD_MEMBERS.values(), ids=BAD_MEMBERS.keys())
def test_bad_members(place, members):
    error = refused(place, tar_of(*members))
    assert error.code == "bad_archive"
    assert "entry '" in error.message


def test_a_fifo_in_a_zip(place):
    refused(place, zip_of((zip_member("pipe", stat.S_IFIFO), b"")))


def test_a_sparse_file(place):
    info = member("sparse")
    info.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "99", "GNU.sparse.major": "0"}
    assert "sparse" in refused(place, tar_of((info, b"x"), format=tarfile.PAX_FORMAT)).message


def encrypted():
    data = bytearray(zip_of(("a", b"1")))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


TAR = tar_of(*FILES.items(), mode="w")
BROKEN = {
    "encrypted": encrypted(),
    "bzip2 inside zip": zip_of(("a", b"1"), compression=zipfile.ZIP_BZIP2),
    "zip cut": zip_of(*FILES.items())[:-30],
    "zip changed": zip_of(("a", b"hello"), compression=zipfile.ZIP_STORED).replace(
        b"hello", b"hullo"
    ),
    "tar.gz cut": tar_of(*FILES.items())[:-12],
    "tar.gz sum": tar_of(*FILES.items())[:-8] + b"\0" * 8,
    "tar without end": TAR[: 512 * 2],
    "tar cut in a header": TAR[:700],
    "tar cut in a file": TAR[: 512 * 5],
    "tar with a broken header": TAR[:1024] + b"x" * 512 + TAR[1536:],
    "tar going on": TAR + b"\0" * (2 * MIB),
    "gz of text": gzip.compress(b"hello" * 500),
    "gz of nothing": gzip.compress(b""),
    "text": b"hello" * 500,
    "nothing": b"",
    "bzip2": tar_of(*FILES.items(), mode="w:bz2"),
    "empty zip": zip_of(),
    "empty tar": tar_of(),
    "only directories": tar_of(("a", None), ("b", None)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_broken_archives(place, data):
    assert refused(place, data).code in {"bad_archive", "not_an_archive", "empty_archive"}


@pytest.mark.parametrize("make", [tar_of, zip_of])
class TestLimits:
    def test_bytes(self, place, make):
        data = make(*((str(number), os.urandom(1000)) for number in range(20)))
        assert len(unpack(place, data, size=20_000)) == 20

    def test_too_many_bytes(self, place, make):
        data = make(*((str(number), os.urandom(1000)) for number in range(20)))
        assert refused(place, data, TooLarge, size=19_999).code == "archive_too_large"

    def test_too_many_entries(self, place, make):
        data = make(*((str(number), b"") for number in range(21)))
        assert "20 entries" in refused(place, data, TooLarge, entries=20).message

    def test_implied_directories_count(self, place, make):
        data = make(("/".join("abcdefgh"), b""), ("/".join("ijklmnop"), b""))
        assert "12 entries" in refused(place, data, TooLarge, entries=12).message

    def test_ratio(self, place, make):
        data = make(("zeros", bytes(20 * MIB)))
        assert "50 times" in refused(place, data, TooLarge, ratio=50).message


def test_a_zip_that_declares_less_than_it_holds(place):
    data = bytearray(zip_of(("zeros", bytes(MIB))))
    start = data.index(b"PK\x01\x02")
    for offset in (22, start + 24):
        data[offset : offset + 4] = struct.pack("<I", 10)
    assert refused(place, bytes(data)).code == "bad_archive"


def test_a_huge_tar_header_is_not_read(place):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 * 1024**3
    data = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(MIB))
    assert "header" in refused(place, data).message


def test_a_huge_zip_directory_is_not_read(place):
    data = zip_of(*((f"{number:060}", b"") for number in range(3000)))
    assert "directory" in refused(place, data, entries=10).message


def test_an_endless_chain_of_headers(place):
    info = tarfile.TarInfo("pax_global_header")
    info.type, info.size = tarfile.XHDTYPE, 512
    record = info.tobuf(tarfile.USTAR_FORMAT) + b"20 comment=aaaaaaaa\n".ljust(512, b"\0")
    assert refused(place, zlib_gz(record * 3000)).code == "bad_archive"


def zlib_gz(data):
    packer = zlib.compressobj(wbits=31)
    return packer.compress(data) + packer.flush()


def test_a_directory_that_exists_is_left_alone(place):
    (place / "source").mkdir()
    (place / "source/mine").touch()
    with pytest.raises(PaasError):
        unpack(place, tar_of(("a", b"1")))
    assert [path.name for path in (place / "source").iterdir()] == ["mine"]


async def test_cancelling_leaves_nothing(tmp_path):
    (tmp_path / "upload").write_bytes(zip_of(*((str(n), bytes(MIB)) for n in range(200))))
    unpacker = ArchiveUnpacker(size=1024 * MIB, entries=1000, ratio=10_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await unpacker.unpack(tmp_path / "upload", tmp_path / "source")
    assert [path.name for path in tmp_path.iterdir()] == ["upload"]


SMALL = [tar_of(*FILES.items(), mode="w"), tar_of(*FILES.items()), zip_of(*FILES.items())]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_flipped_bytes_are_refused_or_harmless(tmp_path_factory, data):
    place = tmp_path_factory.mktemp("flip")
    packed = bytearray(data.draw(st.sampled_from(SMALL)))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        unpack(place, bytes(packed))
    except Invalid:
        assert not (place / "source").exists()
    inside = {"upload", "source"}
    assert {path.name for path in Path(place).iterdir()} <= inside
