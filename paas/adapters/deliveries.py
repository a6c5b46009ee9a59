"""The `Deliveries` port over SQLite: bounded by service and kind, and over all."""

from paas.adapters.database import Database, Transaction
from paas.adapters.documents import from_json, to_json
from paas.core.deliveries import KEPT, KEPT_IN_ALL, KEPT_REFUSED, Delivery, Outcome

_OTHERS = (Outcome.IGNORED, Outcome.PONG, Outcome.FAILED)
_GROUPS = (((Outcome.DEPLOYED,), KEPT), ((Outcome.REFUSED,), KEPT_REFUSED), (_OTHERS, KEPT))


class SqliteDeliveries:
    """In the store's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, delivery: Delivery) -> None:
        """Keep it; the oldest of its kind go. Nothing is kept of a service that is gone.
        Raises `Unavailable` (`disk_full`, `store_busy`).
        """

        async def work(transaction: Transaction) -> None:
            await transaction.run(
                "INSERT INTO deliveries (id, service_id, outcome, delivery, fingerprint, document) "
                "SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM services WHERE id = ?2)",
                (
                    delivery.id,
                    delivery.service_id,
                    delivery.outcome,
                    delivery.delivery,
                    delivery.fingerprint,
                    to_json(delivery),
                ),
            )
            await _trim(transaction, delivery)

        await self._database.write(work)

    async def list(self, service_id: str, *, limit: int = 100) -> list[Delivery]:
        """Newest first."""
        rows = await self._database.read(
            "SELECT document FROM deliveries WHERE service_id = ? ORDER BY place DESC LIMIT ?",
            (service_id, limit),
        )
        return [from_json(Delivery, row[0]) for row in rows]

    async def find(self, service_id: str, delivery_id: str) -> Delivery | None:
        rows = await self._database.read(
            "SELECT document FROM deliveries WHERE service_id = ? AND id = ?",
            (service_id, delivery_id),
        )
        return from_json(Delivery, rows[0][0]) if rows else None

    async def deployed(
        self, service_id: str, *, delivery: str, fingerprint: str
    ) -> Delivery | None:
        """The kept one that deployed and has that id or that fingerprint."""
        rows = await self._database.read(
            "SELECT document FROM deliveries WHERE service_id = ? AND outcome = ? "
            "AND (fingerprint = ? OR (delivery = ? AND delivery != '')) LIMIT 1",
            (service_id, Outcome.DEPLOYED, fingerprint, delivery),
        )
        return from_json(Delivery, rows[0][0]) if rows else None


async def _trim(transaction: Transaction, added: Delivery) -> None:
    kinds, kept = next(group for group in _GROUPS if added.outcome in group[0])
    places = ", ".join("?" * len(kinds))
    await transaction.run(
        f"DELETE FROM deliveries WHERE service_id = ? AND outcome IN ({places}) AND place <= "  # noqa: S608 - constant parts only
        f"(SELECT place FROM deliveries WHERE service_id = ? AND outcome IN ({places}) "
        "ORDER BY place DESC LIMIT 1 OFFSET ?)",
        (added.service_id, *kinds, added.service_id, *kinds, kept),
    )
    await transaction.run(
        "DELETE FROM deliveries WHERE place <= (SELECT place FROM deliveries "
        "ORDER BY place DESC LIMIT 1 OFFSET ?)",
        (KEPT_IN_ALL,),
    )
