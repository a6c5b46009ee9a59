"""A service's repository as a caller gives it, and as it is stored."""

from dataclasses import dataclass, field, replace

from paas.control.logins import seal_own_login
from paas.core.repositories import Repository
from paas.ports import GitLogin, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryEdit:
    """A repository as a caller gives it: with `login` in clear text, or with the one that
    is stored for the same URL when `keeps_login`.
    """

    repository: Repository
    login: GitLogin | None = field(default=None, repr=False)
    keeps_login: bool = False


def sealed_repository(
    vault: Vault, service_id: str, edit: RepositoryEdit, *, now: Repository | None
) -> Repository:
    """What to store for an edit; `now` is the service's repository before it."""
    if edit.login is not None:
        sealed = seal_own_login(vault, service_id, edit.login)
        return replace(edit.repository, credentials=sealed)
    if edit.keeps_login and now is not None and now.url == edit.repository.url:
        return replace(edit.repository, credentials=now.credentials)
    return edit.repository
