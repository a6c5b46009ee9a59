"""An engine with `userns-remap`: root in a replica is nobody on the host."""

from pathlib import Path

from tests.e2e import apps
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.second_engine import second_engine
from tests.e2e.world import World


def test_replicas_in_a_user_namespace(service: str) -> None:
    """The engine makes itself a user for that, `dockremap`, which stays."""
    with short_folder() as folder, short_folder() as data:
        folder.chmod(0o711)  # whom the engine maps root to must get to its files
        with (
            second_engine(folder, "--userns-remap=default") as engine,
            running(Daemon(data, docker_host=engine.host)) as daemon,
        ):
            world = World(daemon)
            before = "echo said; echo here >/www/cgi-bin/kept"
            world.succeed(service, apps.web("hello", before=before))
            assert world.body(service) == "hello"
            replica = world.replica(f"{service}-001")
            pid = world.engine.inspect(replica)["State"]["Pid"]
            inside, outside, _ = Path(f"/proc/{pid}/uid_map").read_text().split()
            assert (inside, int(outside) > 0) == ("0", True)
            (seen,) = world.api.replicas(f"{service}-001")
            assert seen["memory"] > 0
            logs = world.api.items(f"/v1/services/{service}/logs")
            assert "said" in [line["text"] for line in logs]
            world.sleep(service, f"{service}-001")
            assert world.body(service) == "hello"
            world.succeed(service, apps.web("again"), read_only=True)
            assert world.body(service) == "again"
