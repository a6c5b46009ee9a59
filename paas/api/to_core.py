"""From checked requests to the control plane's values, with the host's defaults filled in."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from paas.api import schema
from paas.api.fields import wrong_field
from paas.control.repository_edit import RepositoryEdit
from paas.core import model, spec
from paas.core.git_urls import parse_url
from paas.core.repositories import Repository
from paas.core.schedules import Schedule
from paas.ports import Credentials, GitLogin
from paas.settings import Git

T = TypeVar("T")


def version_spec(wanted: schema.NewDeployment, usual: spec.VersionSpec) -> spec.VersionSpec:
    """`usual` with what the request says, without secrets. `port` stays None where nobody
    gave one: then the image may decide. Raises `Invalid` when a given bound passes the
    usual one of the other.
    """
    scaling = wanted.scaling
    return replace(
        usual,
        port=_or(wanted.port, usual.port),
        dockerfile=wanted.dockerfile or usual.dockerfile,
        build_dir=wanted.build_dir or usual.build_dir,
        command=_or(_tuple(wanted.command), usual.command),
        args=_or(_tuple(wanted.args), usual.args),
        build_args=_changed(usual.build_args, wanted.build_args or {}),
        target=_or(wanted.target, usual.target),
        env=_merged(usual.env, wanted),
        cpu=_or(wanted.cpu, usual.cpu),
        memory=_or(wanted.memory, usual.memory),
        concurrency=_or(wanted.concurrency, usual.concurrency),
        read_only=_or(wanted.read_only, usual.read_only),
        replicas=replica_range(wanted.replicas, usual.replicas),
        scaling=scaling_rules(scaling, usual.scaling) if scaling else usual.scaling,
        timeouts=_timeouts(wanted.timeouts, usual.timeouts),
        probe=_probe(wanted.probe) if "probe" in wanted.model_fields_set else usual.probe,
        note=wanted.note,
    )


def source(
    wanted: schema.NewDeployment, *, filename: str, base: model.Version | None
) -> spec.Source:
    """Where the code comes from; `base` is the version that a `version` source names."""
    given = wanted.source
    if isinstance(given, schema.FromArchive):
        return spec.ArchiveSource(filename=filename)
    if isinstance(given, schema.FromImage):
        return spec.ImageSource(image=given.image)
    if isinstance(given, schema.FromGit):
        return spec.GitSource(
            url=given.url,
            ref=given.ref,
            subdir=given.subdir,
            submodules=given.submodules,
            lfs=given.lfs,
        )
    assert base is not None
    assert base.image is not None
    return spec.VersionSource(version=base.name, image=base.image)


def secrets(wanted: schema.NewDeployment) -> tuple[dict[str, str], frozenset[str]]:
    """New ones in clear text, and the names of those that are not to be taken over."""
    given = {name: value for name, value in wanted.secrets.items() if value is not None}
    return given, frozenset({*wanted.env, *wanted.secrets} - given.keys())


def credentials(wanted: schema.NewDeployment) -> Credentials | GitLogin | None:
    """The login for a registry or repository, in clear text."""
    given = wanted.source
    if isinstance(given, schema.FromGit) and given.credentials is not None:
        return GitLogin(**given.credentials.model_dump(exclude_none=True))
    if not isinstance(given, schema.FromImage) or given.credentials is None:
        return None
    login = given.credentials
    return Credentials(user=login.user, password=login.password)


def check_repository(wanted: schema.NewDeployment | schema.ServiceChanges, git: Git) -> None:
    """Refuse now what the host's settings would refuse later. Raises `Invalid`."""
    place, given = (
        ("repository", wanted.repository)
        if isinstance(wanted, schema.ServiceChanges)
        else ("source", wanted.source)
    )
    if isinstance(given, schema.FromGit | schema.Repository):
        try:
            parse_url(given.url, allow_http=git.allow_http)
        except ValueError as error:
            raise wrong_field(f"{place}.url", f"must be {error}") from error


def service_settings(wanted: schema.ServiceChanges) -> dict[str, object]:
    """The settings that the request names, by their names in `core.model`; the password
    in clear text, the repository as an edit.
    """
    given = wanted.model_dump(
        exclude_unset=True, exclude={"name", "idle", "basic_auth", "repository"}
    )
    given |= wanted.idle.model_dump(exclude_unset=True)
    if "allow" in given:
        given["allow"] = tuple(wanted.allow)
    if "ignore" in given:
        given["ignore"] = tuple(model.IgnoreRule(**rule.model_dump()) for rule in wanted.ignore)
    if "branch" in given:
        given["branch"] = wanted.branch or ""
    if "maintenance" in given:
        given["maintenance"] = model.Maintenance(wanted.maintenance)
    if "repository" in wanted.model_fields_set:
        given["repository"] = _repository(wanted.repository)
    if "basic_auth" in wanted.model_fields_set:
        login = wanted.basic_auth
        given["basic_auth"] = (
            model.BasicAuth(user=login.user, password=login.password) if login else None
        )
    return given


def _repository(wanted: schema.Repository | None) -> RepositoryEdit | None:
    if wanted is None:
        return None
    login = wanted.credentials
    return RepositoryEdit(
        repository=Repository(**wanted.model_dump(exclude={"credentials"})),
        login=GitLogin(**login.model_dump(exclude_none=True)) if login else None,
        keeps_login="credentials" not in wanted.model_fields_set,
    )


def replica_range(wanted: schema.ReplicaRange, now: spec.ReplicaRange) -> spec.ReplicaRange:
    """The range with what was given changed. Raises `Invalid` when a minimum, also one of
    its schedules, would pass max.
    """
    low = now.min if wanted.min is None else wanted.min
    high = now.max if wanted.max is None else wanted.max
    if low > high:
        field = "replicas.min" if wanted.min is not None else "replicas.max"
        raise wrong_field(field, f"must keep min at most max; they would be {low} and {high}")
    return spec.ReplicaRange(min=low, max=high, schedules=_schedules(wanted, now, high))


def scaling_rules(wanted: schema.ScalingRules, now: spec.ScalingRules) -> spec.ScalingRules:
    """Exactly the rules that were given; without any those of now. A delay that was not
    given stays.
    """
    rules = wanted.model_dump(exclude_none=True)
    delay = rules.pop(schema.DELAY, now.scale_down_delay)
    if not rules:
        return replace(now, scale_down_delay=delay)
    return spec.ScalingRules(**rules, scale_down_delay=delay)


def _schedules(
    wanted: schema.ReplicaRange, now: spec.ReplicaRange, high: int
) -> tuple[Schedule, ...]:
    if wanted.schedules is None:
        schedules = now.schedules
    else:
        schedules = tuple(Schedule(**one.model_dump()) for one in wanted.schedules)
    for index, one in enumerate(schedules):
        if one.min > high:
            given = wanted.schedules is not None
            field = f"replicas.schedules.{index}.min" if given else "replicas.max"
            message = f"must keep schedules at most max; they would be {one.min} and {high}"
            raise wrong_field(field, message)
    return schedules


def _changed(usual: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """What is null is taken out."""
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def _merged(usual: Mapping[str, str], wanted: schema.NewDeployment) -> dict[str, str]:
    """What is null is taken out, and so is what becomes a secret."""
    merged = _changed(usual, wanted.env)
    return {name: value for name, value in merged.items() if name not in wanted.secrets}


def _timeouts(wanted: schema.Timeouts, usual: spec.Timeouts) -> spec.Timeouts:
    return spec.Timeouts(
        idle=_or(wanted.idle, usual.idle),
        start=_or(wanted.start, usual.start),
        drain=_or(wanted.drain, usual.drain),
    )


def _probe(wanted: schema.Probe) -> spec.Probe:
    if wanted.status is None:
        return spec.Probe(http=wanted.http)
    return spec.Probe(http=wanted.http, status=tuple(wanted.status))


def _tuple(values: list[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)


def _or(value: T | None, usual: T) -> T:
    return usual if value is None else value
