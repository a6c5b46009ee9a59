"""One service's uploads and streams leave room for those of others."""

import pytest

from paas.api.quotas import Quota
from paas.errors import Unavailable


def test_each_service_has_its_own() -> None:
    quota = Quota(2, what="uploads", code="too_many_uploads")
    with quota.taken("a"), quota.taken("a"):
        with pytest.raises(Unavailable, match="2 uploads") as told, quota.taken("a"):
            pass
        assert told.value.code == "too_many_uploads"
        with quota.taken("b"):
            pass
    with quota.taken("a"):
        pass


def test_a_failure_gives_its_place_back() -> None:
    quota = Quota(1, what="uploads", code="too_many_uploads")
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"), quota.taken("a"):
            raise ValueError("broken")
