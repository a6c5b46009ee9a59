"""From checked requests to the control plane's values, with the host's defaults filled in."""

from dataclasses import replace

from paas.api import schema
from paas.api.fields import wrong_field
from paas.core import model, spec
from paas.core.schedules import Schedule
from paas.core.sizes import parse_size
from paas.ports import Credentials
from paas.settings import Defaults


def version_spec(
    wanted: schema.NewDeployment, defaults: Defaults, *, filename: str = "archive"
) -> spec.VersionSpec:
    """The spec, without secrets. `port` stays None where the request is silent: then the
    image may decide. Raises `Invalid` when a given bound passes the default of the other.
    """
    memory = parse_size(defaults.memory) if wanted.memory is None else wanted.memory
    usual = spec.ReplicaRange(min=defaults.replicas.min, max=defaults.replicas.max)
    rules = _default_rules(defaults)
    return spec.VersionSpec(
        source=_source(wanted.source, filename),
        port=wanted.port,
        dockerfile=wanted.dockerfile or defaults.dockerfile,
        build_dir=wanted.build_dir or defaults.build_dir,
        command=_tuple(wanted.command),
        args=_tuple(wanted.args),
        env=dict(wanted.env),
        cpu=_or(wanted.cpu, defaults.cpu),
        memory=memory,
        concurrency=int(_or(wanted.concurrency, defaults.concurrency)),
        replicas=replica_range(wanted.replicas, usual),
        scaling=scaling_rules(wanted.scaling, rules) if wanted.scaling else rules,
        timeouts=_timeouts(wanted.timeouts, defaults),
        probe=_probe(wanted.probe),
        note=wanted.note,
    )


def credentials(source: schema.FromArchive | schema.FromImage) -> Credentials | None:
    """The registry login, in clear text."""
    if not isinstance(source, schema.FromImage) or source.credentials is None:
        return None
    login = source.credentials
    return Credentials(user=login.user, password=login.password)


def service_settings(wanted: schema.ServiceChanges) -> dict[str, object]:
    """The settings that the request names, by their names in `core.model`; the password
    in clear text.
    """
    given = wanted.model_dump(exclude_unset=True, exclude={"name", "idle", "basic_auth"})
    given |= wanted.idle.model_dump(exclude_unset=True)
    if "allow" in given:
        given["allow"] = tuple(wanted.allow)
    if "ignore" in given:
        given["ignore"] = tuple(model.IgnoreRule(**rule.model_dump()) for rule in wanted.ignore)
    if "maintenance" in given:
        given["maintenance"] = model.Maintenance(wanted.maintenance)
    if "basic_auth" in wanted.model_fields_set:
        login = wanted.basic_auth
        given["basic_auth"] = (
            model.BasicAuth(user=login.user, password=login.password) if login else None
        )
    return given


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


def _source(wanted: schema.FromArchive | schema.FromImage, filename: str) -> spec.Source:
    if isinstance(wanted, schema.FromArchive):
        return spec.ArchiveSource(filename=filename)
    return spec.ImageSource(image=wanted.image)


def _default_rules(defaults: Defaults) -> spec.ScalingRules:
    rules = defaults.scaling
    return spec.ScalingRules(
        rps=rules.rps,
        concurrency=rules.concurrency,
        cpu=rules.cpu,
        memory=rules.memory,
        scale_down_delay=rules.scale_down_delay,
    )


def _timeouts(wanted: schema.Timeouts, defaults: Defaults) -> spec.Timeouts:
    usual = defaults.timeouts
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


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
