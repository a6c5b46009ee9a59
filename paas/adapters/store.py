"""The `Store` port over SQLite: what was acknowledged survives.

A service is read as a whole and written by difference: only rows whose value
changed between `before` and `after`. Service names and domains are unique in
the database itself. Events outlive their service, the newest 10,000 of each.
"""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from paas.adapters import store_storage
from paas.adapters.database import Database, Transaction
from paas.adapters.deliveries import SqliteDeliveries
from paas.adapters.figure_store import SqliteFigures
from paas.adapters.store_access import read_access, save_access
from paas.adapters.store_rows import (
    deployment_of,
    deployment_row,
    event_of,
    event_row,
    mark_of,
    mark_row,
    service_row,
    services_of,
    version_row,
)
from paas.core.access import AccessRecords
from paas.core.holdings import Holding
from paas.core.idle import Mark
from paas.core.model import Change, Deployment, Event, Service
from paas.core.registries import Registry
from paas.errors import Conflict

KEPT_EVENTS = 10_000
TRIM_EVERY = 500
"""Events of a service between two trims."""


class SqliteStore:
    """Open with `open`, end with `close`: its threads keep the process alive."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.deliveries = SqliteDeliveries(database)
        self._untrimmed: Counter[str | None] = Counter()

    @classmethod
    async def open(cls, path: Path) -> "SqliteStore":
        """The store in that file, made or migrated.

        Raises `Unavailable` (`store_corrupt`, `newer_schema`, `disk_full`, `store_busy`,
        `store_failed`).
        """
        return cls(await Database.open(path))

    @property
    def figures(self) -> SqliteFigures:
        """The figures in the same file."""
        return SqliteFigures(self._database)

    async def close(self) -> None:
        """Finish the transaction under way and refuse further ones."""
        await self._database.close()

    async def services(self) -> list[Service]:
        """All services by name, each with its versions by number."""
        rows = await self._database.read(
            "SELECT id, NULL, document FROM services "
            "UNION ALL SELECT service_id, number, document FROM versions"
        )
        return await asyncio.to_thread(services_of, rows)

    async def commit(self, change: Change) -> tuple[Event, ...]:
        """Apply all of it in one durable transaction; returns its events, numbered.

        Raises `Conflict` (`service_exists`, `domain_taken`, `service_gone`, `token_exists`) and
        `Unavailable` (`disk_full`, `store_busy`, `stopping`, …).
        """

        async def work(transaction: Transaction) -> tuple[Event, ...]:
            await _save_service(transaction, change)
            for deployment in change.deployments:
                await _save_deployment(transaction, deployment)
            await _save_activity(transaction, change.activity)
            if not change.access.empty:
                await save_access(transaction, change.access)
            await store_storage.save(transaction, change)
            return await self._add_events(transaction, change.events)

        return await self._database.write(work)

    async def deployment(self, deployment_id: str) -> Deployment | None:
        rows = await self._database.read(
            "SELECT document FROM deployments WHERE id = ?", (deployment_id,)
        )
        return deployment_of(rows[0]) if rows else None

    async def deployments(
        self, *, service_id: str | None = None, unfinished: bool = False, limit: int = 100
    ) -> list[Deployment]:
        """Newest first; with `unfinished` only queued and running ones, oldest first."""
        conditions = ["unfinished"] if unfinished else ["TRUE"]
        parameters: list[object] = []
        if service_id is not None:
            conditions.append("service_id = ?")
            parameters.append(service_id)
        order = "ASC" if unfinished else "DESC"
        rows = await self._database.read(
            f"SELECT document FROM deployments WHERE {' AND '.join(conditions)} "  # noqa: S608 - constant parts only
            f"ORDER BY created {order}, id {order} LIMIT ?",
            (*parameters, limit),
        )
        return [deployment_of(row) for row in rows]

    async def latest_deployments(self) -> list[Deployment]:
        """The newest of each service that has any."""
        rows = await self._database.read(
            "SELECT document FROM (SELECT document, ROW_NUMBER() OVER "
            "(PARTITION BY service_id ORDER BY created DESC, id DESC) AS place "
            "FROM deployments) WHERE place = 1"
        )
        return await asyncio.to_thread(lambda: [deployment_of(row) for row in rows])

    async def events(
        self,
        *,
        service: str | None = None,
        kinds: Collection[str] = (),
        after: int = 0,
        before: int = 0,
        limit: int = 100,
    ) -> list[Event]:
        """Newest first, of all kinds or some; `after`/`before` bound the ids (0 = no bound)."""
        conditions = ["id > ?"]
        parameters: list[object] = [after]
        if before:
            conditions.append("id < ?")
            parameters.append(before)
        if service is not None:
            conditions.append("service = ?")
            parameters.append(service)
        if kinds:
            places = ", ".join("?" * len(kinds))
            conditions.append(f"json_extract(document, '$.kind') IN ({places})")
            parameters += kinds
        rows = await self._database.read(
            f"SELECT id, document FROM events WHERE {' AND '.join(conditions)} "  # noqa: S608 - constant parts only
            "ORDER BY id DESC LIMIT ?",
            (*parameters, limit),
        )
        return [event_of(row) for row in rows]

    async def activity(self) -> dict[str, Mark]:
        """The last committed mark of each version, by id."""
        rows = await self._database.read(
            "SELECT version_id, boot, monotonic, wall, busy FROM activity"
        )
        return dict(mark_of(row) for row in rows)

    async def access(self) -> AccessRecords:
        """All tokens, users and sessions."""
        return await read_access(self._database)

    async def registries(self) -> list[Registry]:
        """The stored logins, by host."""
        return await store_storage.registries(self._database)

    async def holdings(self) -> list[Holding]:
        """What is written down as ours, oldest first."""
        return await store_storage.holdings(self._database)

    async def records(self) -> dict[str, tuple[str, int]]:
        """Of every deployment, by id: its service's name, and the bytes of its record."""
        return await store_storage.records(self._database)

    async def surplus(self, *, keep: int) -> list[Deployment]:
        """Ended deployments of versions that are gone, beyond the newest `keep` of their
        service, oldest first.
        """
        return await store_storage.surplus(self._database, keep)

    async def meta(self, key: str, default: str) -> str:
        """The stored value of `key`; stores `default` first if there is none."""

        async def work(transaction: Transaction) -> str:
            await transaction.run(
                "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (key, default)
            )
            rows = await transaction.rows("SELECT value FROM meta WHERE key = ?", (key,))
            return str(rows[0][0])

        return await self._database.write(work)

    async def _add_events(
        self, transaction: Transaction, events: tuple[Event, ...]
    ) -> tuple[Event, ...]:
        numbered = []
        for event in events:
            number = await transaction.insert(
                "INSERT INTO events (service, document) VALUES (?, ?)", event_row(event)
            )
            numbered.append(dataclasses.replace(event, id=number))
        for service in {event.service for event in events}:
            await self._trim_events(transaction, service, len(events))
        return tuple(numbered)

    async def _trim_events(self, transaction: Transaction, service: str | None, added: int) -> None:
        """Drop a service's oldest events now and then, first when it has its first event."""
        due = service not in self._untrimmed or self._untrimmed[service] >= TRIM_EVERY
        self._untrimmed[service] = 0 if due else self._untrimmed[service] + added
        if due:
            await transaction.run(
                "DELETE FROM events WHERE service IS ?1 AND id <= (SELECT id FROM events "
                "WHERE service IS ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                (service, KEPT_EVENTS),
            )


async def _save_service(transaction: Transaction, change: Change) -> None:
    before, after = change.before, change.after
    if after is None:
        if before is not None:
            await transaction.run("DELETE FROM services WHERE id = ?", (before.id,))
        return
    await _check_name(transaction, after)
    if before is None:
        await transaction.run(
            "INSERT INTO services (id, name, document) VALUES (?, ?, ?)", service_row(after)
        )
    else:
        await _update_service(transaction, after)
    await _save_versions(transaction, before, after)
    if before is None or before.domains != after.domains:
        await _save_domains(transaction, after)


async def _check_name(transaction: Transaction, service: Service) -> None:
    taken = await transaction.rows(
        "SELECT 1 FROM services WHERE (name = ? AND id != ?)", (service.name, service.id)
    )
    if taken:
        raise Conflict(
            f"A service named {service.name!r} exists.",
            code="service_exists",
            advice="Choose another name, or deploy to the one that exists.",
        )


async def _update_service(transaction: Transaction, service: Service) -> None:
    identity, name, document = service_row(service)
    changed = await transaction.run(
        "UPDATE services SET name = ?, document = ? WHERE id = ?", (name, document, identity)
    )
    if not changed:
        raise _gone(service.name)


async def _save_versions(transaction: Transaction, before: Service | None, after: Service) -> None:
    known = {version.id: version for version in before.versions} if before else {}
    gone = known.keys() - {version.id for version in after.versions}
    if gone:
        await transaction.run_many(
            "DELETE FROM versions WHERE id = ?", ((version,) for version in gone)
        )
    changed = [version for version in after.versions if known.get(version.id) != version]
    if changed:
        await transaction.run_many(
            "INSERT INTO versions (id, service_id, number, document) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET document = excluded.document, number = excluded.number",
            (version_row(after, version) for version in changed),
        )


async def _save_domains(transaction: Transaction, service: Service) -> None:
    await transaction.run("DELETE FROM domains WHERE service_id = ?", (service.id,))
    for domain in service.domains:
        claimed = await transaction.run(
            "INSERT INTO domains (name, service_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (domain.name, service.id),
        )
        if not claimed:
            raise await _domain_taken(transaction, domain.name)


async def _domain_taken(transaction: Transaction, domain: str) -> Conflict:
    rows = await transaction.rows(
        "SELECT services.name FROM domains JOIN services ON services.id = service_id "
        "WHERE domains.name = ?",
        (domain,),
    )
    owner = rows[0][0] if rows else "another service"
    return Conflict(
        f"The domain {domain} belongs to the service {owner}.",
        code="domain_taken",
        advice=f"Remove it from {owner} first.",
    )


async def _save_deployment(transaction: Transaction, deployment: Deployment) -> None:
    saved = await transaction.run(
        "INSERT INTO deployments (id, service_id, unfinished, created, document) "
        "SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM services WHERE id = ?2) "
        "ON CONFLICT (id) DO UPDATE SET unfinished = excluded.unfinished, "
        "document = excluded.document",
        deployment_row(deployment),
    )
    if not saved:
        raise _gone(deployment.service)


async def _save_activity(transaction: Transaction, activity: Mapping[str, Mark]) -> None:
    if activity:
        await transaction.run_many(
            "INSERT OR REPLACE INTO activity (version_id, boot, monotonic, wall, busy) "
            "SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM versions WHERE id = ?1)",
            (mark_row(version_id, mark) for version_id, mark in activity.items()),
        )


def _gone(service: str) -> Conflict:
    return Conflict(
        f"The service {service!r} was deleted meanwhile.",
        code="service_gone",
        advice="Create it anew if it is still wanted.",
    )
