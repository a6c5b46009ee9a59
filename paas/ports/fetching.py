"""From a repository to a source."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class GitLogin:
    """Who we are to a repository: user and password over https, a private key over ssh.

    `host_key` pins the server's key (`ssh-ed25519 AAAA…`); without it the first one that
    the server shows is believed, and kept.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    ssh_key: str = field(default="", repr=False)
    host_key: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not appear in any log."""
        return tuple(text for text in (self.password, self.ssh_key) if text)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositorySpec:
    """What to take: the directory `subdir` (empty: all) as it is at `ref`, which is a branch,
    a tag or a commit (empty: the remote's HEAD). `login` is for the URL's own host only.
    """

    url: str
    ref: str = ""
    subdir: str = ""
    submodules: bool = False
    lfs: bool = False
    login: GitLogin | None = field(default=None, repr=False)


class Repositories(Protocol):
    """Fetches sources from repositories that nobody vouches for."""

    async def fetch(
        self, wanted: RepositorySpec, into: Path, *, progress: Callable[[str], None]
    ) -> str:
        """The tree as plain files in the new directory `into`; answers the commit's id. A
        refusal leaves nothing.

        Raises `Invalid` (`bad_repository_url`, `not_a_repository`, `subdir_not_found`,
        `repository_redirects`, …), `Denied` (`private_address`, `repository_login_needed`,
        `repository_login_refused`, `host_key_changed`), `NotFound` (`repository_not_found`,
        `ref_not_found`), `TooLarge` (`repository_too_large`), `Unavailable`
        (`repository_unreachable`), `Failed` (`repository_timeout`, `fetch_failed`).
        """

    async def clean(self) -> None:
        """At start: remove what a former daemon left."""
