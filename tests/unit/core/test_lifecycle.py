from itertools import product

import pytest

from paas.core.lifecycle import (
    DEPLOYMENT,
    ENDED,
    VERSION,
    check_deployment_step,
    check_version_step,
)
from paas.core.model import DeploymentStatus as D
from paas.core.model import VersionStatus as V
from paas.errors import Conflict

VERSION_STEPS = {
    (V.BUILDING, V.STARTING),
    (V.BUILDING, V.FAILED),
    (V.STARTING, V.READY),
    (V.STARTING, V.FAILED),
    (V.READY, V.DELETING),
    (V.FAILED, V.DELETING),
}
DEPLOYMENT_STEPS = {
    (D.QUEUED, D.RUNNING),
    (D.QUEUED, D.FAILED),
    (D.QUEUED, D.CANCELLED),
    (D.RUNNING, D.SUCCEEDED),
    (D.RUNNING, D.FAILED),
    (D.RUNNING, D.CANCELLED),
}


@pytest.mark.parametrize(("was", "now"), list(product(V, V)))
def test_steps_of_a_version(was, now):
    if (was, now) in VERSION_STEPS:
        check_version_step(was, now)
    else:
        with pytest.raises(Conflict, match=f"A {was} version cannot become {now}") as refused:
            check_version_step(was, now)
        assert refused.value.code == "illegal_step"


@pytest.mark.parametrize(("was", "now"), list(product(D, D)))
def test_steps_of_a_deployment(was, now):
    if (was, now) in DEPLOYMENT_STEPS:
        check_deployment_step(was, now)
    else:
        with pytest.raises(Conflict) as refused:
            check_deployment_step(was, now)
        assert refused.value.code == "illegal_step"


def test_the_tables_name_every_status():
    assert VERSION.keys() == set(V)
    assert DEPLOYMENT.keys() == set(D)


def test_what_has_ended_stays_as_it_is():
    assert {D.SUCCEEDED, D.FAILED, D.CANCELLED} == ENDED
