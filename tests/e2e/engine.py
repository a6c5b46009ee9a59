"""The Docker Engine as its own command line shows it, and what a test left on it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

RUN_LABEL = "paas.e2e"
"""On every image that the tests build, from its first step on."""
_REMOVE_RULES = Path(__file__).parents[2] / "scripts" / "remove_rules.py"


class Engine:
    """One engine; `host` is a `unix:///…` address, empty for the usual one."""

    def __init__(self, host: str = "") -> None:
        self._prefix = ["docker", *(["--host", host] if host else [])]

    def run(self, *words: str, check: bool = True, seconds: float = 60.0) -> str:
        """The output of one docker command."""
        done = subprocess.run(
            [*self._prefix, *words], capture_output=True, text=True, timeout=seconds, check=False
        )
        assert not check or done.returncode == 0, f"docker {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def lines(self, *words: str) -> list[str]:
        return self.run(*words).splitlines()

    def inspect(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("inspect", name))[0]
        return found

    def containers(self, *labels: str) -> list[str]:
        """Ids of all containers, also stopped ones, that carry the labels."""
        return self.lines("ps", "-aq", "--no-trunc", *_filters(labels))

    def images(self, *labels: str, every: bool = False) -> list[str]:
        """Ids of the images that carry the labels; `every` with the untagged ones."""
        flags = ["-aq"] if every else ["-q"]
        return sorted(set(self.lines("images", *flags, "--no-trunc", *_filters(labels))))

    def tags(self, repository: str) -> list[str]:
        """Names of the images of one repository."""
        return self.lines("images", "--format", "{{.Repository}}:{{.Tag}}", repository)

    def networks(self, *labels: str) -> list[str]:
        return self.lines("network", "ls", "-q", "--no-trunc", *_filters(labels))

    def installation(self, gateway: str) -> str:
        """Whose bridge has that gateway."""
        for network in self.networks("paas.installation"):
            found = json.loads(self.run("network", "inspect", network))[0]
            if any(one.get("Gateway") == gateway for one in found["IPAM"]["Config"]):
                return str(found["Labels"]["paas.installation"])
        raise AssertionError(f"no network with the gateway {gateway}")

    def wipe(self, *labels: str) -> None:
        """Remove all containers, images and networks that carry the labels."""
        for label in labels:
            for container in self.containers(label):
                self.run("rm", "-fv", container, check=False)
            for network in self.networks(label):
                self.run("network", "rm", network, check=False)
            self._remove_images(label)

    def wipe_installation(self, ident: str) -> None:
        """All of an installation that ended, its packet filter's rules among it."""
        self.wipe(f"paas.installation={ident}")
        subprocess.run([sys.executable, str(_REMOVE_RULES), ident], check=False, timeout=120)

    def _remove_images(self, label: str) -> None:
        """Those that others are built on can go only after them: in rounds."""
        left = self.images(label, every=True)
        while left:
            self.run("rmi", "-f", *left, check=False, seconds=300.0)
            before, left = left, self.images(label, every=True)
            if left == before:
                return


def _filters(labels: tuple[str, ...]) -> Iterator[str]:
    for label in labels:
        yield from ("--filter", f"label={label}")
