"""A `Deliveries` in memory, with the real one's bounds."""

from paas.core.deliveries import KEPT, KEPT_IN_ALL, KEPT_REFUSED, Delivery, Outcome

_LIMITS = {Outcome.DEPLOYED: KEPT, Outcome.REFUSED: KEPT_REFUSED}


class FakeDeliveries:
    """`services` are the ids of those that exist; None: whatever is named."""

    def __init__(self, services: set[str] | None = None) -> None:
        self._services = services
        self._kept: list[Delivery] = []

    async def add(self, delivery: Delivery) -> None:
        if self._services is not None and delivery.service_id not in self._services:
            return
        self._kept.append(delivery)
        alike = [one for one in self._kept if _group(one) == _group(delivery)]
        for old in alike[: -_LIMITS.get(delivery.outcome, KEPT)]:
            self._kept.remove(old)
        del self._kept[:-KEPT_IN_ALL]

    async def list(self, service_id: str, *, limit: int = 100) -> list[Delivery]:
        return [one for one in reversed(self._kept) if one.service_id == service_id][:limit]

    async def find(self, service_id: str, delivery_id: str) -> Delivery | None:
        found = await self.list(service_id, limit=len(self._kept))
        return next((one for one in found if one.id == delivery_id), None)

    async def deployed(
        self, service_id: str, *, delivery: str, fingerprint: str
    ) -> Delivery | None:
        for one in await self.list(service_id, limit=len(self._kept)):
            known = one.fingerprint == fingerprint or (delivery and one.delivery == delivery)
            if one.outcome is Outcome.DEPLOYED and known:
                return one
        return None


def _group(delivery: Delivery) -> tuple[str, str]:
    kind = delivery.outcome if delivery.outcome in _LIMITS else "other"
    return delivery.service_id, kind
