"""`POST /v1/backup`: an archive, for administrators."""

import io
import tarfile

from tests.integration.api.rig import World


async def test_an_archive_comes_with_its_length_and_is_an_event(paas: World) -> None:
    (paas.settings.data_dir / "secret.key").touch()
    async with paas.session.post("http://localhost/v1/backup", json={"key": True}) as response:
        content = await response.read()
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/x-tar"
        assert int(response.headers["Content-Length"]) == len(content)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert tar.getnames() == ["backup.json", "paas.db", "secret.key"]
    events = (await paas.call("GET", "/v1/events")).json["items"]
    assert [(one["kind"], one["data"]["key"]) for one in events] == [("backup.made", True)]
    assert list((paas.settings.data_dir / "backups").iterdir()) == []


async def test_images_of_the_versions_go_with_it(paas: World) -> None:
    await paas.deploy()
    async with paas.session.post("http://localhost/v1/backup", json={"images": True}) as response:
        content = await response.read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert "images.tar" in tar.getnames()


async def test_an_unknown_part_is_refused(paas: World) -> None:
    answer = await paas.call("POST", "/v1/backup", json={"keys": True})
    assert answer.status == 422


async def test_a_stranger_gets_nothing(paas: World) -> None:
    answer = await paas.call("POST", "/v1/backup", json={}, session=paas.tcp)
    assert answer.status == 401


async def test_an_image_that_is_gone_stops_no_backup(paas: World) -> None:
    await paas.deploy()
    paas.engine.images.clear()
    async with paas.session.post("http://localhost/v1/backup", json={"images": True}) as response:
        content = await response.read()
        assert response.status == 200
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert "images.tar" not in tar.getnames()
