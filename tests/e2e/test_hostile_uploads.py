"""Archives made to harm: refused by name, and nothing of them stays."""

import io
import os
import socket
import stat
import tarfile
import zipfile
import zlib

import pytest

from tests.e2e import apps
from tests.e2e.api import multipart
from tests.e2e.world import World

MIB = 1024 * 1024


def tar_with(*members: tuple[str, str, str]) -> bytes:
    """A good source with more members: name, kind (file, symlink, hardlink, fifo), target."""
    into = io.BytesIO(apps.web("x").tar())
    kinds = {"symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE}
    with tarfile.open(fileobj=into, mode="a") as archive:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type = kinds.get(kind, tarfile.REGTYPE)
            info.linkname = target
            archive.addfile(info)
    return into.getvalue()


def zip_with(name: str, *, link: str = "") -> bytes:
    into = io.BytesIO(apps.web("x").zip())
    with zipfile.ZipFile(into, "a") as archive:
        info = zipfile.ZipInfo(name)
        kind = stat.S_IFLNK if link else stat.S_IFREG
        info.external_attr = (kind | 0o777) << 16
        archive.writestr(info, link or "content")
    return into.getvalue()


def encrypted_zip() -> bytes:
    """The flag that says so, in the entry's header and in the directory."""
    whole = bytearray(zip_with("secret.txt"))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        whole[whole.rindex(mark) + offset] |= 1
    return bytes(whole)


def bomb() -> bytes:
    """200 MiB of zeros in 200 KB of zip."""
    into = io.BytesIO()
    with (
        zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("zeros", "w") as big,
    ):
        for _ in range(200):
            big.write(bytes(MIB))
    return into.getvalue()


def crowd() -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz", compresslevel=1) as archive:
        for number in range(10_001):
            archive.addfile(tarfile.TarInfo(f"files/{number}"))
    return into.getvalue()


NAMED = {
    "tar: parent": (lambda: tar_with(("../../evil", "file", "")), "../../evil"),
    "tar: absolute": (lambda: tar_with(("/etc/cron.d/evil", "file", "")), "/etc/cron.d/evil"),
    "tar: link out": (lambda: tar_with(("out", "symlink", "../../../etc")), "out"),
    "tar: absolute link": (lambda: tar_with(("out", "symlink", "/etc/passwd")), "out"),
    "tar: through a link": (
        lambda: tar_with(("d", "symlink", "root"), ("d/evil", "file", "")),
        "d/evil",
    ),
    "tar: hard link out": (lambda: tar_with(("hard", "hardlink", "/etc/passwd")), "/etc/passwd"),
    "tar: fifo": (lambda: tar_with(("pipe", "fifo", "")), "pipe"),
    "tar: twice": (lambda: tar_with(("Dockerfile", "file", "")), "Dockerfile"),
    "tar: by case": (lambda: tar_with(("dockerfile", "file", "")), "dockerfile"),
    "zip: parent": (lambda: zip_with("../evil"), "../evil"),
    "zip: absolute": (lambda: zip_with("/evil"), "/evil"),
    "zip: backslash": (lambda: zip_with("..\\evil"), "evil"),
    "zip: link out": (lambda: zip_with("out", link="../../etc/passwd"), "out"),
    "zip: encrypted": (encrypted_zip, "secret.txt"),
}


@pytest.mark.parametrize("case", NAMED)
def test_a_bad_entry_is_named(shared: World, service: str, case: str) -> None:
    make, entry = NAMED[case]
    error = _refused(shared, service, make())
    assert error["code"] == "bad_archive"
    assert entry in error["message"]


@pytest.mark.parametrize("make", [bomb, crowd])
def test_what_unpacks_to_too_much(shared: World, service: str, make) -> None:
    assert _refused(shared, service, make())["code"] == "archive_too_large"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "invalid"),
        (b"#!/bin/sh\necho hello\n" * 100, "not_an_archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(600), "not_an_archive"),
        (b"\x1f\x8b" + zlib.compress(os.urandom(1000)), "bad_archive"),
        (apps.web("x").targz()[:-20], "bad_archive"),
        (apps.web("x").tar()[:MIB], "bad_archive"),
        (apps.web("x").zip()[: MIB // 2], "bad_archive"),
    ],
    ids=["empty", "script", "7z", "broken gzip", "short tar.gz", "short tar", "short zip"],
)
def test_what_is_no_whole_archive(shared: World, service: str, content: bytes, code: str) -> None:
    assert _refused(shared, service, content)["code"] == code


def test_an_upload_that_is_cut_off(shared: World, service: str) -> None:
    body = multipart("edge", {"create": True, "source": {"type": "archive"}}, bytes(MIB), "x.tar")
    head = (
        f"POST /v1/services/{service}/deployments HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(shared.daemon.data / "api.sock"))
        client.sendall(head.encode() + body[: MIB // 2])
    shared.assert_tidy()
    assert shared.api.get(f"/v1/services/{service}").status == 404


def test_a_form_without_an_archive(shared: World, service: str) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    spec = '{"create": true, "source": {"type": "archive"}}'
    form = f'--edge\r\nContent-Disposition: form-data; name="spec"\r\n\r\n{spec}\r\n--edge--\r\n'
    path = f"/v1/services/{service}/deployments"
    answer = shared.api.raw("POST", path, form.encode(), headers)
    assert answer.status in (400, 422), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    shared.assert_tidy()


def _refused(shared: World, service: str, archive: bytes) -> dict:
    """The error of the upload, or of the deployment that could not unpack it."""
    answer = shared.api.upload(service, archive, filename="source")
    if answer.status == 202:
        ended = shared.api.ended(answer.json["id"])
        assert ended["status"] == "failed"
        error = ended["error"]
    else:
        assert answer.status in (400, 413, 422), answer.text
        error = {"code": answer.json["code"], "message": answer.json["detail"]}
    shared.assert_tidy()
    assert shared.containers(service) == []
    return error
