"""A real `GitRepositories` that may use this host's servers."""

import hashlib
from pathlib import Path
from typing import Any

from paas.adapters.git import FetchCaps, GitRepositories, Places
from paas.adapters.git_gate import Gate, Resolve, look_up
from paas.adapters.git_remote import Trust
from paas.adapters.git_sandbox import LowUser
from paas.core.networks import networks as parsed

SCRATCH = Path("/var/tmp")
"""Where git's own user gets to."""


def fetcher(
    data: Path,
    *,
    ca_file: str = "",
    allow_private: bool = True,
    networks: tuple[str, ...] = (),
    resolve: Resolve = look_up,
    **caps: Any,
) -> GitRepositories:
    data.mkdir(exist_ok=True)
    usual = {"size": 20 << 20, "seconds": 20.0, "unpacked": 20 << 20, "entries": 1000}
    return GitRepositories(
        FetchCaps(**{**usual, **caps}),
        gate=Gate(
            allow_private=allow_private,
            allow_http=False,
            networks=parsed(networks),
            resolve=resolve,
        ),
        trust=Trust(ca_file=ca_file, known_hosts=data / "known_hosts"),
        user=LowUser.named("nobody"),
        places=Places(scratch=SCRATCH, prefix=prefix(data)),
    )


def leftovers(data: Path) -> list[Path]:
    """Sandboxes that are still there."""
    return [*SCRATCH.glob(f"{prefix(data)}*")]


def prefix(data: Path) -> str:
    """How the names of a test's own sandboxes begin."""
    return f"paas-git-test-{hashlib.sha256(str(data).encode()).hexdigest()[:12]}-"
