"""The login of a service's repository, sealed.

It is sealed with a context of the service's, that of a version's source with one of the
version's: neither opens in the other's place.
"""

from dataclasses import dataclass, field, replace

from paas.core.repositories import Repository, same_repository
from paas.ports import Credentials, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryEdit:
    """A repository as a caller gives it: with `login` in clear text, or with the one that
    is stored for the same URL when `keeps_login`.
    """

    repository: Repository
    login: Credentials | None = field(default=None, repr=False)
    keeps_login: bool = False


def sealed_repository(
    vault: Vault, service_id: str, edit: RepositoryEdit, *, now: Repository | None
) -> Repository:
    """What to store for an edit; `now` is the service's repository before it."""
    login = edit.login
    if login is not None:
        sealed = vault.seal(login_context(service_id), f"{login.user}:{login.password}")
        return replace(edit.repository, credentials=sealed)
    if edit.keeps_login and now is not None and same_repository(now.url, edit.repository.url):
        return replace(edit.repository, credentials=now.credentials)
    return edit.repository


def login_context(service_id: str) -> str:
    """The context that a service's repository login is sealed with."""
    return f"services/{service_id}/repository"
