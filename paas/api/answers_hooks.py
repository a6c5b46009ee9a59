"""What the API answers about webhooks. A secret is in one answer only: that of its making."""

from typing import Literal

from paas.api.answers import Shape, Time


class Hook(Shape):
    """`url` is where the git host has to send to; `reachable`: the proxy forwards it, so
    that hosts elsewhere can. `created` is None while it is off.
    """

    enabled: bool
    url: str
    reachable: bool
    created: Time | None


class NewHook(Hook):
    """`secret` is shown this once."""

    secret: str


class Delivery(Shape):
    """`delivery` is the host's own id. `reason` says why it did not deploy."""

    id: str
    service: str
    time: Time
    host: str
    event: str
    delivery: str
    outcome: Literal["deployed", "ignored", "pong", "refused", "failed"]
    reason: str
    deployment: str | None
    ref: str
    commit: str
    subject: str
    pusher: str
    client: str


class Deliveries(Shape):
    items: list[Delivery]


class Taken(Shape):
    """What a git host is told of its delivery."""

    delivery: str
    outcome: Literal["deployed", "ignored", "pong"]
    reason: str
    deployment: str | None
