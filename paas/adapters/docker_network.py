"""The bridges of replicas and of builds: found, made, and made again when removed by hand.

A network that comes back takes the addresses it had, because the internal addresses
listen on its gateway. One of the same name without our label is never touched.
"""

import asyncio
import json
from typing import Any

from paas.adapters.docker_api import DockerApi
from paas.adapters.docker_config import INSTALLATION, network_config
from paas.adapters.firewall import Firewall
from paas.core.fence import Bridge
from paas.errors import Conflict, NotFound, PaasError, Unavailable


class BridgeNetwork:
    """A network of one installation, with the firewall that stands on it."""

    def __init__(
        self, api: DockerApi, name: str, *, installation: str, fence: Firewall, purpose: str
    ) -> None:
        self._api = api
        self._installation = installation
        self._fence = fence
        self._purpose = purpose
        self._lock = asyncio.Lock()
        self._subnet = ""
        self._gateway = ""
        self.name = name

    async def ensure(self) -> str:
        """Make it if it is not there; its gateway address.

        Raises `Conflict` (`network_not_ours`), `Unavailable`.
        """
        async with self._lock:
            found = await self._find()
            if found is None:
                await self._create()
                found = await self._find()
            bridge = self._accept(found)
            await self._fence.guard(bridge)
            return bridge.gateway

    async def _find(self) -> dict[str, Any] | None:
        filters = json.dumps({"name": [self.name]})
        listed = await self._api.call("GET", "networks", params={"filters": filters})
        exact = [item for item in listed if item["Name"] == self.name]
        if not exact:
            return None
        try:
            found: dict[str, Any] = await self._api.call("GET", f"networks/{exact[0]['Id']}")
        except NotFound:
            return None
        return found

    async def _create(self) -> None:
        name, whose = self.name, self._installation
        same = network_config(name, whose, subnet=self._subnet, gateway=self._gateway)
        try:
            await self._api.call("POST", "networks/create", body=same)
        except Conflict:
            return  # somebody else made it in between
        except Unavailable:
            raise
        except PaasError:
            if not self._subnet:
                raise
            # The old addresses were taken meanwhile: any others will do.
            other = network_config(name, whose)
            await self._api.call("POST", "networks/create", body=other)

    def _accept(self, found: dict[str, Any] | None) -> Bridge:
        if found is None:
            raise Unavailable(
                f"The network {self.name} vanished while it was made.", code="network_gone"
            )
        if (found.get("Labels") or {}).get(INSTALLATION) != self._installation:
            raise Conflict(
                f"A network named {self.name} exists that is not ours.",
                code="network_not_ours",
                advice="Remove or rename it.",
            )
        addresses = next((item for item in found["IPAM"]["Config"] if item.get("Gateway")), None)
        if addresses is None:
            raise Unavailable(
                f"The network {self.name} has no gateway.",
                code="network_broken",
                advice=f"Remove it (docker network rm {self.name}); it will be made again.",
            )
        self._subnet, self._gateway = addresses["Subnet"], addresses["Gateway"]
        named = (found.get("Options") or {}).get("com.docker.network.bridge.name")
        return Bridge(
            interface=named or f"br-{found['Id'][:12]}",
            gateway=self._gateway,
            purpose=self._purpose,
        )
