from dataclasses import replace

import pytest

from paas.core import changes
from paas.core.changes import Birth
from paas.core.model import Domain, Failure, Hook, ServiceSettings, Traffic, VersionStatus
from paas.core.repositories import Repository
from paas.core.spec import PinnedImage, ReplicaRange, ScalingRules
from paas.errors import Conflict, Invalid, NotFound
from tests import builders
from tests.builders import NOW, service, spec, version

IMAGE = PinnedImage(reference="shop:1", id="sha256:1")
BIRTH = Birth(id="new", created=NOW, internal_port=20_100)
AUTO_PRUNE = ServiceSettings(auto_prune=True)
OWN = Repository(url="https://git.example/acme/shop", branch="main")
FAILURE = Failure(code="build_failed", message="It failed.")


def born(shop, *, limit=10):
    return changes.add_version(shop, spec(), BIRTH, limit=limit)


class TestRepository:
    def test_one_is_adopted_where_there_is_none(self):
        adopted = changes.adopt_repository(service(), OWN)
        assert adopted.settings.repository == OWN
        other = replace(OWN, branch="next")
        assert changes.adopt_repository(adopted, other) is adopted

    def test_a_hook_is_set_and_removed(self):
        hook = Hook(secret=b"sealed", created=NOW)
        hooked = changes.set_hook(service(), hook)
        assert hooked.hook == hook
        assert changes.set_hook(hooked, None) == service()
        assert "sealed" not in repr(hook)


class TestBaseVersion:
    def test_it_is_the_newest_ready_one(self):
        shop = service(version(1), version(2), version(3, status=VersionStatus.FAILED))
        assert changes.base_version(shop, None) == version(2)
        assert changes.base_version(service(), None) is None

    def test_a_named_one_must_be_ready(self):
        shop = service(version(1), version(2, status=VersionStatus.FAILED))
        assert changes.base_version(shop, "shop-001") == version(1)
        with pytest.raises(Conflict) as refused:
            changes.base_version(shop, "shop-002")
        assert refused.value.code == "version_not_ready"
        with pytest.raises(NotFound):
            changes.base_version(shop, "shop-009")


class TestPlanned:
    def test_the_dockerfile_is_kept_with_its_version(self):
        shop = service(version(1), version(2, status=VersionStatus.BUILDING))
        after = changes.planned(shop, "shop-002", dockerfile="FROM a\n")
        assert after.versions[1].generated_dockerfile == "FROM a\n"
        assert after.versions[0] == version(1)


class TestAddVersion:
    def test_it_is_numbered_after_the_last_one_even_if_that_was_deleted(self):
        shop, made, pruned = born(service(version(1), last_number=7))
        assert (made.name, made.number, shop.last_number) == ("shop-008", 8, 8)
        assert made.status is VersionStatus.BUILDING
        assert (made.id, made.created, made.internal_port) == ("new", NOW, 20_100)
        assert shop.versions == (version(1), made)
        assert pruned is None

    def test_the_eleventh_is_refused_and_the_refusal_names_what_could_go(self):
        shop = service(
            version(1),
            version(2, status=VersionStatus.FAILED),
            version(3),
            version(4, status=VersionStatus.BUILDING),
            split={"shop-003": 100},
        )
        with pytest.raises(Conflict) as refused:
            born(shop, limit=4)
        assert refused.value.code == "too_many_versions"
        assert "shop-001, shop-002)" in refused.value.advice

    def test_the_refusal_says_when_nothing_can_go(self):
        shop = service(version(1), split={"shop-001": 100}, settings=AUTO_PRUNE)
        with pytest.raises(Conflict) as refused:
            born(shop, limit=1)
        assert "none now" in refused.value.advice

    def test_with_auto_prune_the_oldest_without_traffic_goes(self):
        shop = service(
            version(1), version(2), version(3), split={"shop-001": 100}, settings=AUTO_PRUNE
        )
        after, made, pruned = born(shop, limit=3)
        assert pruned == version(2)
        assert [one.name for one in after.versions] == ["shop-001", "shop-003", made.name]

    def test_a_split_that_used_the_pruned_version_cannot_be_restored(self):
        shop = service(
            version(1),
            version(2),
            split={"shop-002": 100},
            previous_split={"shop-001": 100},
            settings=AUTO_PRUNE,
        )
        assert born(shop, limit=2)[0].previous_split is None

    def test_a_split_that_did_not_use_it_can(self):
        shop = service(
            version(1),
            version(2),
            version(3),
            split={"shop-002": 100},
            previous_split={"shop-003": 100},
            settings=AUTO_PRUNE,
        )
        assert born(shop, limit=3)[0].previous_split == {"shop-003": 100}


class TestDeployment:
    def test_started_pins_the_image_and_the_port(self):
        shop = service(version(1), version(2, status=VersionStatus.BUILDING))
        after = changes.started(shop, "shop-002", image=IMAGE, port=80)
        made = changes.find(after, "shop-002")
        assert (made.status, made.image, made.port) == (VersionStatus.STARTING, IMAGE, 80)
        assert after.versions[0] is shop.versions[0]

    def test_started_again_after_a_crash_of_the_daemon_is_fine(self):
        shop = service(version(1, status=VersionStatus.STARTING))
        after = changes.started(shop, "shop-001", image=IMAGE, port=80)
        assert after.versions[0].status is VersionStatus.STARTING

    def test_what_is_ready_cannot_be_started_again(self):
        with pytest.raises(Conflict, match="A ready version cannot become starting"):
            changes.started(service(version(1)), "shop-001", image=IMAGE, port=80)

    def test_released_with_all_takes_the_whole_traffic(self):
        shop = service(
            version(1), version(2, status=VersionStatus.STARTING), split={"shop-001": 100}
        )
        after = changes.released(shop, "shop-002", traffic=Traffic.ALL, start_seconds=1.5)
        made = changes.find(after, "shop-002")
        assert (made.status, made.start_seconds) == (VersionStatus.READY, 1.5)
        assert (after.split, after.previous_split) == ({"shop-002": 100}, {"shop-001": 100})

    def test_released_with_none_leaves_the_traffic(self):
        shop = service(
            version(1), version(2, status=VersionStatus.STARTING), split={"shop-001": 100}
        )
        after = changes.released(shop, "shop-002", traffic=Traffic.NONE, start_seconds=1.5)
        assert changes.find(after, "shop-002").status is VersionStatus.READY
        assert (after.split, after.previous_split) == ({"shop-001": 100}, None)

    def test_failed_leaves_the_traffic(self):
        shop = service(
            version(1), version(2, status=VersionStatus.BUILDING), split={"shop-001": 100}
        )
        after = changes.failed(shop, "shop-002", FAILURE)
        made = changes.find(after, "shop-002")
        assert (made.status, made.failure) == (VersionStatus.FAILED, FAILURE)
        assert after.split == {"shop-001": 100}

    def test_what_is_ready_cannot_fail(self):
        with pytest.raises(Conflict):
            changes.failed(service(version(1)), "shop-001", FAILURE)


class TestSplit:
    def test_a_split_is_replaced_as_a_whole_and_remembers_the_one_before(self):
        shop = service(version(1), version(2), split={"shop-001": 100})
        after = changes.set_split(shop, {"shop-001": 90, "shop-002": 10})
        assert after.split == {"shop-001": 90, "shop-002": 10}
        assert after.previous_split == {"shop-001": 100}

    def test_zero_weights_are_not_kept(self):
        shop = service(version(1), version(2))
        assert changes.set_split(shop, {"shop-001": 100, "shop-002": 0}).split == {"shop-001": 100}

    def test_all_zero_is_offline(self):
        shop = service(version(1), split={"shop-001": 100})
        assert changes.set_split(shop, {"shop-001": 0}).split == {}

    def test_the_same_split_again_changes_nothing(self):
        shop = service(version(1), split={"shop-001": 100}, previous_split={})
        assert changes.set_split(shop, {"shop-001": 100}) is shop

    def test_a_zero_weight_may_name_a_version_that_is_not_ready(self):
        shop = service(version(1), version(2, status=VersionStatus.FAILED))
        assert changes.set_split(shop, {"shop-001": 100, "shop-002": 0}).split

    def test_every_wrong_field_is_named(self):
        shop = service(version(1))
        with pytest.raises(Invalid) as refused:
            changes.set_split(shop, {"shop-001": 120, "other-001": -20})
        assert refused.value.code == "bad_split"
        assert [(wrong.field, wrong.message) for wrong in refused.value.fields] == [
            ("split.other-001", "must be one of its versions: shop-001"),
            ("split.shop-001", "must be a whole number from 0 to 100"),
            ("split.other-001", "must be a whole number from 0 to 100"),
        ]

    @pytest.mark.parametrize("weights", [(50, 49), (60, 60), (1, 0)])
    def test_weights_sum_to_100(self, weights):
        shop = service(version(1), version(2))
        with pytest.raises(Invalid) as refused:
            changes.set_split(shop, dict(zip(("shop-001", "shop-002"), weights, strict=True)))
        (wrong,) = refused.value.fields
        assert wrong.field == "split"
        assert wrong.message.endswith(f"these sum to {sum(weights)}")

    def test_only_ready_versions_take_traffic(self):
        shop = service(version(1), version(2, status=VersionStatus.STARTING))
        with pytest.raises(Conflict) as refused:
            changes.set_split(shop, {"shop-002": 100})
        assert refused.value.code == "version_not_ready"
        assert refused.value.fields[0].field == "split.shop-002"
        assert refused.value.advice == "Ready versions: shop-001."


class TestRollback:
    def test_without_a_version_the_previous_split_comes_back_and_forth(self):
        shop = service(
            version(1), version(2), split={"shop-002": 100}, previous_split={"shop-001": 100}
        )
        once = changes.rollback(shop, None)
        assert (once.split, once.previous_split) == ({"shop-001": 100}, {"shop-002": 100})
        twice = changes.rollback(once, None)
        assert twice.split == shop.split

    @pytest.mark.parametrize("previous", [None, {}])
    def test_there_may_be_no_earlier_split(self, previous):
        shop = service(version(1), split={"shop-001": 100}, previous_split=previous)
        with pytest.raises(Conflict) as refused:
            changes.rollback(shop, None)
        assert refused.value.code == "no_previous_split"
        assert refused.value.advice == "Name a version: shop-001."

    def test_the_earlier_split_may_name_a_deleted_version(self):
        shop = service(
            version(2), split={"shop-002": 100}, previous_split={"shop-001": 50, "shop-002": 50}
        )
        with pytest.raises(Conflict, match="shop-001, which no longer exists") as refused:
            changes.rollback(shop, None)
        assert refused.value.code == "no_previous_split"

    def test_with_a_version_it_takes_all(self):
        shop = service(version(1), version(2), split={"shop-002": 100})
        assert changes.rollback(shop, "shop-001").split == {"shop-001": 100}

    def test_that_version_must_exist(self):
        with pytest.raises(NotFound):
            changes.rollback(service(version(1)), "shop-009")

    def test_that_version_must_be_ready(self):
        shop = service(version(1, status=VersionStatus.FAILED))
        with pytest.raises(Conflict) as refused:
            changes.rollback(shop, "shop-001")
        assert refused.value.code == "version_not_ready"
        assert refused.value.advice == "Ready versions: there are none."


class TestEditing:
    def test_what_is_named_changes_and_the_rest_stays(self):
        shop = service(version(1, spec=spec(note="old", concurrency=5)))
        after = changes.edit_version(shop, "shop-001", {"note": "new"})
        assert after.versions[0].spec == replace(shop.versions[0].spec, note="new")

    def test_all_that_is_editable(self):
        edits = {
            "replicas": ReplicaRange(min=1, max=2),
            "scaling": ScalingRules(concurrency=4),
            "concurrency": 8,
            "note": "n",
        }
        after = changes.edit_version(service(version(1)), "shop-001", edits)
        assert after.versions[0].spec == replace(spec(), **edits)

    def test_settings(self):
        after = changes.configure(service(), AUTO_PRUNE, base_domain="localhost")
        assert after.settings == AUTO_PRUNE

    def test_a_main_domain_is_one_of_its_own(self):
        shop = builders.service(domains=(Domain(name="a.example", created=1.0),))
        for name in ("a.example", "shop.localhost"):
            wanted = ServiceSettings(main_domain=name)
            after = changes.configure(shop, wanted, base_domain="localhost")
            assert after.settings.main_domain == name
        with pytest.raises(Invalid, match="no domain") as caught:
            changes.configure(
                shop, ServiceSettings(main_domain="b.example"), base_domain="localhost"
            )
        assert caught.value.fields[0].field == "main_domain"

    def test_a_domain_that_is_removed_is_the_main_one_no_more(self):
        domains = (Domain(name="a.example", created=1.0), Domain(name="b.example", created=1.0))
        main = ServiceSettings(main_domain="a.example", sticky=True)
        shop = builders.service(domains=domains, settings=main)
        assert changes.remove_domain(shop, "b.example").settings == main
        assert changes.remove_domain(shop, "a.example").settings == ServiceSettings(sticky=True)


class TestDeleteVersion:
    def test_one_without_traffic_goes(self):
        shop = service(version(1), version(2), split={"shop-002": 100})
        after = changes.delete_version(shop, "shop-001", deploying=False)
        assert after.versions == (version(2),)
        assert after.last_number == 2

    def test_one_with_traffic_stays(self):
        shop = service(version(1), version(2), split={"shop-001": 10, "shop-002": 90})
        with pytest.raises(Conflict, match="10 % of the traffic") as refused:
            changes.delete_version(shop, "shop-001", deploying=False)
        assert refused.value.code == "version_in_use"

    def test_one_that_is_being_deployed_stays(self):
        with pytest.raises(Conflict) as refused:
            changes.delete_version(service(version(1)), "shop-001", deploying=True)
        assert refused.value.code == "deployment_running"

    def test_one_that_is_not_there(self):
        with pytest.raises(NotFound) as refused:
            changes.delete_version(service(version(1)), "shop-002", deploying=False)
        assert refused.value.code == "no_such_version"
        assert refused.value.advice == "Must be one of its versions: shop-001."


class TestDomains:
    def test_adding_and_removing(self):
        first, second = (Domain(name=f"{name}.example", created=NOW) for name in "ab")
        shop = changes.add_domain(changes.add_domain(service(), first), second)
        assert shop.domains == (first, second)
        assert changes.remove_domain(shop, "a.example").domains == (second,)

    def test_adding_again_changes_nothing(self):
        shop = changes.add_domain(service(), Domain(name="a.example", created=NOW))
        assert changes.add_domain(shop, Domain(name="a.example", created=NOW + 1)) is shop

    def test_removing_one_that_is_not_there(self):
        with pytest.raises(NotFound) as refused:
            changes.remove_domain(builders.service(), "a.example")
        assert refused.value.code == "no_such_domain"
