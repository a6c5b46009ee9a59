"""The key must be there while something is stored that only it opens."""

from pathlib import Path

from paas.adapters.store import SqliteStore
from paas.core.model import Change
from paas.core.registries import Registry
from paas.daemon import _has_secrets

LOGIN = Registry(host="registry.example", user="ann", created=1.0, login=b"sealed")


async def test_a_stored_login_needs_the_key(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "paas.db")
    try:
        assert not await _has_secrets(store)
        await store.commit(Change(registries={LOGIN.host: LOGIN}))
        assert await _has_secrets(store)
        await store.commit(Change(registries={LOGIN.host: None}))
        assert not await _has_secrets(store)
    finally:
        await store.close()
