"""What of an engine's disk may go, and above all what may not."""

from dataclasses import replace

import pytest

from paas.core.disposal import Kind, Leftover, Needs, awaited, gone, unneeded
from paas.core.holdings import Held, Holding
from paas.core.stock import CacheRecord, Stock, StoredImage

NEEDS = Needs(versions={"v1": "shop"}, images={"sha256:" + "1" * 64: "shop"})
NOW = 1000.0
ALL = 1 << 40


def image(digit: str, *names: str, parent: str = "", **fields: object) -> StoredImage:
    """Its id is that digit 64 times; 100 bytes more than its parent, whose digit is less."""
    size = 100 * (int(digit, 16) + 1)
    made = StoredImage(
        id="sha256:" + digit * 64,
        created=NOW + int(digit, 16),
        size=size,
        names=names,
        parent=parent and "sha256:" + parent * 64,
    )
    return replace(made, **fields)


def layer(digit: str, noted: float = NOW) -> Holding:
    return Holding(kind=Held.LAYER, id=digit * 12, noted=noted, service="shop")


def pulled(digit: str, name: str) -> Holding:
    ident = "sha256:" + digit * 64
    return Holding(kind=Held.PULLED, id=ident, noted=NOW, name=name, service="shop")


def plan(
    *images: StoredImage,
    holdings: tuple[Holding, ...] = (),
    needs: Needs = NEEDS,
    in_use: tuple[str, ...] = (),
    cache: tuple[CacheRecord, ...] = (),
    limit: int | None = 0,
) -> tuple[Leftover, ...]:
    used = frozenset("sha256:" + digit * 64 for digit in in_use)
    stock = Stock(images=images, in_use=used, cache=cache)
    return unneeded(stock, holdings, needs, cache_limit=limit)


def ids(*args: StoredImage, **fields: object) -> list[str]:
    return [one.id.removeprefix("sha256:")[:15] for one in plan(*args, **fields)]


OLD = "paas/shop:shop-002-v2"
NEW = "paas/shop:shop-001-v1"


def test_a_built_image_goes_with_its_version() -> None:
    (found,) = plan(image("2", OLD, ours=True), image("1", NEW, ours=True))
    assert found == Leftover(
        kind=Kind.IMAGE, id=OLD, bytes=300, service="shop", reason="no version needs it"
    )


@pytest.mark.parametrize(
    "kept",
    [
        image("2", OLD),  # not our label
        image("2", "shop:1", ours=True),  # our label, inherited, and not our tag
        image("2", ours=True),  # a step of somebody's build on top of ours
        image("1", OLD, ours=True),  # another version runs it
    ],
)
def test_what_is_not_ours_or_needed_stays(kept: StoredImage) -> None:
    assert ids(kept) == []


def test_an_image_in_use_waits_for_its_containers() -> None:
    old = image("2", OLD, ours=True)
    assert ids(old, in_use=("2",)) == []
    assert awaited(Stock(images=(old,), in_use=frozenset({old.id})), NEEDS)
    assert not awaited(Stock(images=(old,)), NEEDS)


def test_an_image_under_a_strangers_loses_our_tag_and_frees_nothing() -> None:
    found = plan(image("2", OLD, ours=True), image("3", "theirs:1", parent="2", ours=True))
    assert [(one.id, one.bytes) for one in found] == [(OLD, 0)]


def test_a_tag_of_somebody_else_keeps_the_image_and_two_of_ours_count_once() -> None:
    mine = (OLD, OLD.replace("v2", "v3"))
    assert [one.bytes for one in plan(image("2", *mine, "theirs:1", ours=True))] == [0, 0]
    assert [one.bytes for one in plan(image("2", *mine, ours=True))] == [0, 300]
    pushed = image("2", OLD, ours=True, digests=("theirs@sha256:1",))
    assert [one.bytes for one in plan(pushed)] == [0]


def test_the_layers_below_go_after_it_from_the_top() -> None:
    chain = (image("4"), image("5", parent="4"), image("6", OLD, parent="5", ours=True))
    found = plan(*chain, holdings=(layer("4"), layer("5")))
    assert [(one.kind, one.bytes) for one in found] == [
        (Kind.IMAGE, 100),
        (Kind.LAYER, 100),
        (Kind.LAYER, 500),
    ]
    assert found[0].id == OLD
    assert [one.id[7] for one in found[1:]] == ["5", "4"]


def test_layers_that_were_not_written_down_stay() -> None:
    chain = (image("4"), image("5", parent="4"), image("6", OLD, parent="5", ours=True))
    assert ids(*chain, holdings=(layer("4"),)) == [OLD[:15]]


@pytest.mark.parametrize(
    "stranger",
    [
        image("5", "theirs:1", parent="4"),
        image("5", parent="4"),
        image("5", NEW, parent="4", ours=True),
    ],
)
def test_layers_below_what_stays_stay(stranger: StoredImage) -> None:
    deep = image("3"), replace(image("4"), parent="sha256:" + "3" * 64)
    assert ids(*deep, stranger, holdings=(layer("3"), layer("4"))) == []


@pytest.mark.parametrize(
    ("found", "holding"),
    [
        (image("4", "theirs:1"), layer("4")),
        (image("4", digests=("theirs@sha256:1",)), layer("4")),
        (image("4", created=NOW - 601), layer("4")),  # told of by a program's own output
        (image("1"), layer("1")),  # a version runs it
    ],
)
def test_an_image_that_only_looks_like_a_layer_of_ours_stays(
    found: StoredImage, holding: Holding
) -> None:
    assert ids(found, holdings=(holding,)) == []


def test_a_layer_that_a_container_uses_stays() -> None:
    assert ids(image("4"), holdings=(layer("4"),), in_use=("4",)) == []


def test_a_pulled_image_goes_with_its_last_version() -> None:
    ours = image("7", "reg.example/a:1", digests=("reg.example/a@sha256:1",), shared=300)
    (found,) = plan(ours, holdings=(pulled("7", "reg.example/a:1"),))
    assert (found.id, found.bytes, found.service) == (ours.id, 500, "shop")
    assert "reg.example/a:1" in found.reason


@pytest.mark.parametrize(
    ("found", "needs"),
    [
        (image("7", "a:1", "theirs:1"), NEEDS),
        (image("7", "a:1", digests=("b@sha256:1",)), NEEDS),
        (image("7", "a:1"), replace(NEEDS, images={"sha256:" + "7" * 64: "shop"})),
        (image("7", "a:1"), replace(NEEDS, references=frozenset({"a:1"}))),
    ],
)
def test_a_pulled_image_that_somebody_needs_stays(found: StoredImage, needs: Needs) -> None:
    assert ids(found, holdings=(pulled("7", "a:1"),), needs=needs) == []


def test_a_pulled_image_in_use_or_below_another_stays() -> None:
    holdings = (pulled("7", "a:1"),)
    assert ids(image("7", "a:1"), holdings=holdings, in_use=("7",)) == []
    assert ids(image("7", "a:1"), image("8", parent="7"), holdings=holdings) == []
    assert ids(image("7", "a:1")) == []


def test_a_pulled_image_whose_tag_moved_on_goes() -> None:
    found = image("7", digests=("a@sha256:1",))
    assert ids(found, holdings=(pulled("7", "a:1"),)) == ["7" * 15]


def test_during_a_build_no_cache_goes() -> None:
    assert ids(image("4"), holdings=(layer("4"),), limit=None) == []


def record(ident: str, used: float, *parents: str, **fields: object) -> CacheRecord:
    return replace(CacheRecord(id=ident, size=100, used=used, parents=parents), **fields)


def cached(*idents: str) -> tuple[Holding, ...]:
    return tuple(Holding(kind=Held.CACHE, id=one, noted=NOW) for one in idents)


def test_the_cache_keeps_what_was_used_last() -> None:
    cache = (record("a", 3.0), record("b", 1.0), record("c", 2.0), record("d", 0.5))
    found = plan(cache=cache, holdings=cached("a", "b", "c"), limit=150)
    assert [one.id for one in found] == ["b", "c"]
    assert plan(cache=cache, holdings=cached("a", "b", "c"), limit=300) == ()


def test_cache_below_other_cache_goes_after_it_and_below_a_strangers_never() -> None:
    mine = (record("a", 1.0), record("b", 2.0, "a"), record("c", 0.0, "b"))
    assert [one.id for one in plan(cache=mine, holdings=cached("a", "b", "c"))] == ["c", "b", "a"]
    assert plan(cache=mine, holdings=cached("a", "b")) == ()


def test_cache_in_use_counts_and_stays_and_shared_bytes_do_not_count() -> None:
    busy, free = record("a", 1.0, in_use=True), record("b", 2.0)
    found = plan(cache=(busy, free), holdings=cached("a", "b"), limit=150)
    assert [one.id for one in found] == ["b"]
    shared = record("b", 0.0, shared=True, created=5.0)
    (went,) = plan(cache=(shared, busy), holdings=cached("a", "b"), limit=50)
    assert (went.id, went.bytes) == ("b", 0)


def test_layers_and_records_share_one_bound() -> None:
    holdings = (layer("4", noted=NOW), *cached("a"))
    found = plan(image("4"), cache=(record("a", NOW + 1),), holdings=holdings, limit=100)
    assert [one.kind for one in found] == [Kind.LAYER]


def test_what_the_engine_has_no_more_is_struck_out() -> None:
    stock = Stock(images=(image("4"),), cache=(record("a", 1.0),))
    known = (layer("4"), pulled("4", "a:1"), *cached("a"))
    lost = (layer("5"), pulled("5", "a:1"))
    assert gone(stock, (*known, *lost, *cached("b")), with_cache=True) == [*lost, *cached("b")]
    assert gone(stock, (*known, *lost, *cached("b")), with_cache=False) == [*lost]
