"""A real `GitRepositories` that may use this host's servers."""

from pathlib import Path
from typing import Any

from paas.adapters.git import FetchCaps, GitRepositories, Places
from paas.adapters.git_gate import Gate, Resolve, look_up
from paas.adapters.git_remote import Trust
from paas.adapters.git_sandbox import LowUser
from paas.core.networks import networks as parsed

PREFIX = "paas-git-test-"


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
    scratch = data / "scratch"
    scratch.mkdir(exist_ok=True)
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
        user=LowUser(),
        places=Places(scratch=scratch, prefix=PREFIX),
    )


def leftovers(data: Path) -> list[Path]:
    return [*(data / "scratch").iterdir()]
