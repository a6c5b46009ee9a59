"""The list of services keeps texts, and shows every change none the less."""

import json
from dataclasses import replace

from paas.api import render
from paas.api.service_list import ServiceList
from paas.control.view import ServiceView
from paas.core.certifying import CertificateState, CertificateStatus
from paas.core.model import Domain
from tests import builders


def view(name: str) -> ServiceView:
    return ServiceView(
        service=builders.service(builders.version(1), name=name),
        state="offline",
        urls=(f"http://{name}.localhost/",),
        internal_address=None,
        last_deployment=builders.deployment(of=name),
        certificates={},
    )


async def shown(kept: ServiceList, *views: ServiceView, whole: bool = True) -> list[object]:
    items = json.loads(await kept.render(views, whole=whole))["items"]
    assert items == [
        json.loads(render.service(one).model_dump_json(exclude_unset=True)) for one in views
    ]
    return items


async def test_every_part_of_a_view_counts() -> None:
    kept, one, other = ServiceList(), view("one"), view("other")
    domain = Domain(name="shop.example", created=1.0)
    pending = CertificateStatus(state=CertificateState.PENDING)
    bound = replace(one, service=replace(one.service, domains=(domain,)))
    await shown(kept, one, other)
    for changed in (
        bound,
        replace(bound, certificates={domain.name: pending}),
        replace(one, service=replace(one.service, split={"shop-001": 100})),
        replace(one, state="serving"),
        replace(one, urls=("https://one.example/",)),
        replace(one, internal_address="10.0.0.1:20000"),
        replace(one, last_deployment=None),
    ):
        await shown(kept, changed, other)


async def test_what_is_the_same_is_the_same_text() -> None:
    kept, one = ServiceList(), view("one")
    first = await kept.render([one], whole=True)
    again = replace(one)
    assert await kept.render([again], whole=True) == first
    assert await ServiceList().render([], whole=True) == b'{"items":[]}'


async def test_who_sees_one_service_does_not_forget_the_others() -> None:
    kept, one, other = ServiceList(), view("one"), view("other")
    await shown(kept, one, other)
    await shown(kept, other, whole=False)
    assert len(kept) == 2
    await shown(kept, one)
    assert len(kept) == 1


async def test_a_long_list_lets_others_have_their_turn() -> None:
    views = [view(f"s{number}") for number in range(1500)]
    assert len(await shown(ServiceList(), *views)) == 1500
