"""The store's queries about registries, holdings and old deployments."""

from collections.abc import Mapping

from paas.adapters.database import Database, Transaction
from paas.adapters.store_rows import deployment_of
from paas.core.holdings import Held, Holding
from paas.core.model import Change, Deployment
from paas.core.registries import Registry


async def save(transaction: Transaction, change: Change) -> None:
    """What a change says of them."""
    await _save_registries(transaction, change.registries)
    if change.held:
        await transaction.run_many(
            "INSERT INTO holdings (kind, id, name, service, noted) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING",
            ((one.kind, one.id, one.name, one.service, one.noted) for one in change.held),
        )
    if change.let_go:
        await transaction.run_many(
            "DELETE FROM holdings WHERE kind = ? AND id = ? AND name = ?",
            ((one.kind, one.id, one.name) for one in change.let_go),
        )
    if change.forgotten:
        await transaction.run_many(
            "DELETE FROM deployments WHERE id = ? AND NOT unfinished",
            ((deployment,) for deployment in change.forgotten),
        )


async def registries(database: Database) -> list[Registry]:
    rows = await database.read("SELECT host, user, login, created FROM registries ORDER BY host")
    return [
        Registry(host=host, user=user, login=login, created=created)
        for host, user, login, created in rows
    ]


async def holdings(database: Database) -> list[Holding]:
    rows = await database.read(
        "SELECT kind, id, name, service, noted FROM holdings ORDER BY noted, id, name"
    )
    return [
        Holding(kind=Held(kind), id=ident, name=name, service=service, noted=noted)
        for kind, ident, name, service, noted in rows
    ]


async def records(database: Database) -> dict[str, tuple[str, int]]:
    rows = await database.read(
        "SELECT deployments.id, services.name, LENGTH(deployments.document) FROM deployments "
        "JOIN services ON services.id = service_id"
    )
    return {ident: (service, size) for ident, service, size in rows}


async def surplus(database: Database, keep: int) -> list[Deployment]:
    rows = await database.read(
        "SELECT document FROM (SELECT id, document, unfinished, created, ROW_NUMBER() OVER "
        "(PARTITION BY service_id ORDER BY created DESC, id DESC) AS place FROM deployments) "
        "WHERE place > ? AND NOT unfinished "
        "AND json_extract(document, '$.version_id') NOT IN (SELECT id FROM versions) "
        "ORDER BY created, id",
        (keep,),
    )
    return [deployment_of(row) for row in rows]


async def _save_registries(
    transaction: Transaction, changed: Mapping[str, Registry | None]
) -> None:
    for host, registry in changed.items():
        await transaction.run("DELETE FROM registries WHERE host = ?", (host,))
        if registry is not None:
            await transaction.run(
                "INSERT INTO registries (host, user, login, created) VALUES (?, ?, ?, ?)",
                (host, registry.user, registry.login, registry.created),
            )
