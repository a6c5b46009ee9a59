"""The proxy's listeners for internal addresses."""

from collections.abc import Callable

from paas.core.routing import Route
from paas.errors import PaasError, Unavailable
from paas.proxy.listener import Listener
from paas.proxy.proxy import Proxy


class GatewayDoors:
    """Internal addresses as listeners of the proxy on the engine's gateway: two descriptors
    each, and `most` of them, so that visitors can always come in.
    """

    def __init__(self, proxy: Proxy, *, most: int) -> None:
        self._proxy = proxy
        self._most = most
        self._listeners: dict[int, Listener] = {}

    async def open(self, host: str, port: int, route: Callable[[], Route | None]) -> bool:
        if len(self._listeners) >= self._most:
            raise Unavailable(
                f"There are {self._most} internal addresses, as many as descriptors allow.",
                code="no_descriptors",
                advice="Raise the limit of open files (LimitNOFILE of the systemd unit).",
            )
        try:
            self._listeners[port] = await self._proxy.listen(host, port, route=route)
        except PaasError:
            return False
        return True

    async def close(self, port: int) -> None:
        listener = self._listeners.pop(port, None)
        if listener is not None:
            await listener.close()
