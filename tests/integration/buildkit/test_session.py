"""What BuildKit can ask of a build's session."""

import io
import tarfile
from pathlib import Path

import pytest

from paas.adapters.buildkit.grpc import INTERNAL, NOT_FOUND, OK, UNIMPLEMENTED
from paas.adapters.buildkit.session import BuildSession
from paas.adapters.context import Context, open_context
from paas.core.protobuf import bytes_field, bytes_of, fields
from paas.ports import BuildSpec, Credentials
from tests.integration.buildkit.peer import Peer, session

PULL = "/moby.upload.v1.Upload/Pull"
SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
AUTH = "/moby.filesync.v1.Auth/"
LOGINS = {
    "registry.example:5000": Credentials(user="ann", password="sesame"),
    "docker.io": Credentials(user="bob", password="hub"),
}


@pytest.fixture
def made(tmp_path: Path) -> tuple[BuildSession, Context]:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "large").write_bytes(bytes(1_000_000))
    spec = BuildSpec(
        root=tmp_path,
        dockerfile="Dockerfile",
        build_dir=".",
        tag="paas/x:1",
        timeout=10,
        secrets={"token": "s3cret", "empty": ""},
        registries=LOGINS,
    )
    context = open_context(tmp_path, dockerfile="Dockerfile", build_dir=".")
    return BuildSession(spec, context), context


async def asked(peer: Peer, path: str, name: bytes) -> tuple[int, list[tuple[int, object]]]:
    found = await peer.answer(peer.call(path, bytes_field(1, name)))
    return found.status, [pair for message in found.messages for pair in fields(message)]


async def test_the_context_can_be_pulled_again(made: tuple[BuildSession, Context]) -> None:
    upload = made[0].remote.removeprefix("http://buildkit-session")
    async with session(made[0].methods()) as peer:
        for _ in range(2):
            found = await peer.answer(peer.call(PULL, urlpath=upload, end=False))
            assert found.status == OK
            pairs = [pair for message in found.messages for pair in fields(message)]
            content = b"".join(bytes_of(value) for number, value in pairs if number == 1)
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                assert archive.getnames() == ["Dockerfile", "large"]


async def test_another_upload_is_unknown(made: tuple[BuildSession, Context]) -> None:
    async with session(made[0].methods()) as peer:
        found = await peer.answer(peer.call(PULL, urlpath="/other", end=False))
        assert found.status == NOT_FOUND


async def test_a_source_that_is_gone_is_told(made: tuple[BuildSession, Context]) -> None:
    (made[1].directory / "large").unlink()
    (made[1].directory / "Dockerfile").unlink()
    made[1].directory.rmdir()
    upload = made[0].remote.removeprefix("http://buildkit-session")
    async with session(made[0].methods()) as peer:
        found = await peer.answer(peer.call(PULL, urlpath=upload, end=False))
        assert found.status == INTERNAL
    assert made[0].problem is not None
    assert made[0].problem.code == "source_unreadable"


async def test_secrets_are_given_by_name_only(made: tuple[BuildSession, Context]) -> None:
    async with session(made[0].methods()) as peer:
        assert await asked(peer, SECRET, b"token") == (OK, [(1, b"s3cret")])
        assert await asked(peer, SECRET, b"empty") == (OK, [(1, b"")])
        assert await asked(peer, SECRET, b"other") == (NOT_FOUND, [])
        broken = await peer.answer(peer.call(SECRET, b"\x0a\xff"))
        assert broken.status == INTERNAL


async def test_logins_are_given_by_registry_only(made: tuple[BuildSession, Context]) -> None:
    async with session(made[0].methods()) as peer:
        login = await asked(peer, AUTH + "Credentials", b"registry.example:5000")
        assert login == (OK, [(1, b"ann"), (2, b"sesame")])
        for host in (b"docker.io", b"registry-1.docker.io", b"index.docker.io"):
            assert await asked(peer, AUTH + "Credentials", host) == (
                OK,
                [(1, b"bob"), (2, b"hub")],
            )
        assert await asked(peer, AUTH + "Credentials", b"registry.example") == (OK, [])
        for method in ("FetchToken", "GetTokenAuthority", "VerifyTokenAuthority"):
            assert (await asked(peer, AUTH + method, b"x"))[0] == UNIMPLEMENTED


async def test_the_rest_is_declined_and_health_is_told(
    made: tuple[BuildSession, Context],
) -> None:
    async with session(made[0].methods()) as peer:
        assert await asked(peer, "/grpc.health.v1.Health/Check", b"") == (OK, [(1, 1)])
        found = await asked(peer, "/moby.filesync.v1.FileSync/DiffCopy", b"")
        assert found[0] == UNIMPLEMENTED
