"""Secrets that only the build of a version sees: sealed apart from those of its replicas."""

from collections.abc import Mapping

from paas.core.model import Version
from paas.ports import Vault


def seal_build_secrets(
    vault: Vault, version_id: str, given: Mapping[str, str | None], *, base: Version | None
) -> dict[str, bytes]:
    """Those of a new version: what was given, and what `base` has; None takes one out."""
    known = {} if base is None else reveal_build_secrets(vault, base)
    values = {name: value for name, value in {**known, **given}.items() if value is not None}
    return {name: vault.seal(_context(version_id, name), value) for name, value in values.items()}


def reveal_build_secrets(vault: Vault, version: Version) -> dict[str, str]:
    """The version's build secrets in clear text."""
    return {
        name: vault.unseal(_context(version.id, name), sealed)
        for name, sealed in version.spec.build_secrets.items()
    }


def _context(version_id: str, name: str) -> str:
    # No name of a replica's secret holds a slash.
    return f"versions/{version_id}/build/{name}"
