"""Logins of repositories, sealed with a version's id."""

import json
from dataclasses import asdict

from paas.control.launcher import secret_context
from paas.core.model import Version
from paas.core.spec import GitSource
from paas.ports import GitLogin, Vault

REPOSITORY = "repository"
"""The name under which a version's repository login is sealed."""


def seal_login(vault: Vault, version_id: str, login: GitLogin) -> bytes:
    """The login for storage with that version."""
    return vault.seal(secret_context(version_id, REPOSITORY), json.dumps(asdict(login)))


def repository_login(vault: Vault, version: Version) -> GitLogin | None:
    """The version's own. Raises `Failed` (`secret_unreadable`)."""
    source = version.spec.source
    if not isinstance(source, GitSource) or source.credentials is None:
        return None
    context = secret_context(version.id, REPOSITORY)
    return GitLogin(**json.loads(vault.unseal(context, source.credentials)))
