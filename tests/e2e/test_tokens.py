"""A deploy token from its making to its end: by the command line, over TCP, for one service."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

from tests.e2e import apps
from tests.e2e.daemon import ROOT
from tests.e2e.world import World

DONE, FAILED, REFUSED = 0, 1, 4


def tcp(world: World) -> str:
    """Where the API listens, as the log tells."""
    line = next(line for line in world.daemon.log.splitlines() if "api='" in line)
    return "http://" + line.partition("api='")[2].partition("'")[0]


def paas(environment: Mapping[str, str], *words: str, code: int = DONE) -> str:
    """What `paas` writes, on either stream."""
    done = subprocess.run(
        [sys.executable, "-m", "paas", *words],
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_a_deploy_token_deploys_its_service_until_it_is_revoked(
    shared: World, service: str, tmp_path
) -> None:
    other = World.name()
    shared.deploy(other)
    local = shared.daemon.environment
    made = json.loads(
        paas(
            local,
            *("token", "create", service, "--scope", "deploy", "--service", service),
            *("--expires", "1h", "--json"),
        )
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PAAS_")}
    remote = clean | {"PAAS_URL": tcp(shared), "PAAS_TOKEN": made["token"], "HOME": str(tmp_path)}
    folder = str(apps.web("by token").folder(tmp_path / service))
    paas(remote, "deploy", folder)
    assert shared.body(service) == "by token"
    deployment = shared.api.items(f"/v1/services/{service}/deployments")[0]
    assert deployment["actor"] == f"token:{service}"
    assert [item["name"] for item in json.loads(paas(remote, "services", "--json"))["items"]] == [
        service
    ]
    assert "There is no service" in paas(remote, "deploy", folder, "--service", other, code=REFUSED)
    assert "scope admin" in paas(remote, "token", code=REFUSED)
    assert "scope admin" in paas(remote, "delete", service, "--yes", code=REFUSED)
    assert made["token"] not in shared.daemon.log
    assert made["token"].encode() not in b"".join(
        path.read_bytes() for path in shared.daemon.data.glob("paas.db*")
    )
    paas(local, "token", "revoke", made["id"])
    assert "not valid" in paas(remote, "services", code=REFUSED)
    assert shared.body(service) == "by token"
