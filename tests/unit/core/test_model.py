import pytest

from paas.core.model import ReplicaState, StepName
from paas.core.planning import Phase
from paas.core.spec import ImageSource, VersionSpec
from tests import builders


def test_a_service_finds_its_versions_by_name():
    second = builders.version(2)
    shop = builders.service(builders.version(1), second)
    assert shop.version("shop-002") is second
    assert shop.version("shop-003") is None


def test_the_defaults_of_a_version_are_those_of_the_product():
    spec = VersionSpec(source=ImageSource(image="shop:1"))
    assert (spec.cpu, spec.memory, spec.concurrency) == (0.5, 512 * 2**20, 80)
    assert (spec.replicas.min, spec.replicas.max) == (0, 10)
    assert (spec.timeouts.idle, spec.timeouts.start, spec.timeouts.drain) == (60, 60, 30)
    assert (spec.scaling.rps, spec.probe.http, spec.port) == (50, None, None)


def test_a_deployment_begins_with_every_step_pending():
    assert [step.name for step in builders.deployment().steps] == list(StepName)


def test_values_cannot_be_changed():
    with pytest.raises(AttributeError):
        builders.service().name = "other"


def test_no_representation_shows_a_secret():
    source = ImageSource(image="shop:1", credentials=b"sealed-login")
    text = repr(VersionSpec(source=source, secrets={"KEY": b"sealed-key"}))
    assert "sealed" not in text


def test_states_and_phases_agree_in_their_words():
    inner = {"exited", "freezing", "waking"}
    assert {state.value for state in ReplicaState} - {"stopped"} == set(Phase) - inner
