"""Logins of repositories, sealed: a version's with its id, a service's own with its one.

Neither opens in the other's place.
"""

import json
from dataclasses import asdict

from paas.control.launcher import secret_context
from paas.core.model import Service, Version
from paas.core.spec import GitSource
from paas.ports import GitLogin, Vault

REPOSITORY = "repository"
"""The name under which a version's repository login is sealed."""


def seal_login(vault: Vault, version_id: str, login: GitLogin) -> bytes:
    """The login for storage with that version."""
    return vault.seal(secret_context(version_id, REPOSITORY), _text(login))


def repository_login(vault: Vault, version: Version) -> GitLogin | None:
    """The version's own. Raises `Failed` (`secret_unreadable`)."""
    source = version.spec.source
    if not isinstance(source, GitSource) or source.credentials is None:
        return None
    context = secret_context(version.id, REPOSITORY)
    return _login(vault.unseal(context, source.credentials))


def seal_own_login(vault: Vault, service_id: str, login: GitLogin) -> bytes:
    """The login for storage with the service's repository."""
    return vault.seal(_own_context(service_id), _text(login))


def own_login(vault: Vault, service: Service) -> GitLogin | None:
    """That of the service's repository. Raises `Failed` (`secret_unreadable`)."""
    repository = service.settings.repository
    if repository is None or repository.credentials is None:
        return None
    return _login(vault.unseal(_own_context(service.id), repository.credentials))


def _own_context(service_id: str) -> str:
    return f"services/{service_id}/{REPOSITORY}"


def _text(login: GitLogin) -> str:
    return json.dumps(asdict(login))


def _login(text: str) -> GitLogin:
    return GitLogin(**json.loads(text))
