"""From the control plane's values to the API's shapes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from paas.api import answers
from paas.api.render_certificates import certificate
from paas.control.room import Seen
from paas.control.view import HealthView, ReplicaView, ServiceView, VersionView
from paas.core import model
from paas.core.certifying import NO_CERTIFICATE
from paas.core.repositories import Repository
from paas.core.sizes import format_size
from paas.core.spec import (
    ArchiveSource,
    GitSource,
    ImageSource,
    ReplicaRange,
    ScalingRules,
    Source,
    Timeouts,
    VersionSource,
)
from paas.core.watermarks import Level
from paas.live.requests import RequestRecord
from paas.live.usage import Usage


def rfc3339(moment: float) -> str:
    """Seconds since the epoch → RFC 3339 in UTC with milliseconds."""
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def moment(at: float | None) -> str | None:
    """As `rfc3339`; None stays None."""
    return None if at is None else rfc3339(at)


def latin(raw: bytes) -> str:
    """Raw bytes of a client as text on one line, whatever they are."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def service(view: ServiceView) -> answers.Service:
    known, settings = view.service, view.service.settings
    last = view.last_deployment
    return answers.Service(
        id=known.id,
        name=known.name,
        created=rfc3339(known.created),
        state=view.state,
        split=dict(known.split),
        previous_split=_split(known.previous_split),
        urls=list(view.urls),
        internal_address=view.internal_address,
        domains=[domain(one, view) for one in known.domains],
        auto_prune=settings.auto_prune,
        idle=answers.Idle(
            freeze_after=settings.freeze_after,
            stop_after=settings.stop_after,
        ),
        sticky=settings.sticky,
        redirect_https=settings.redirect_https,
        hsts=settings.hsts,
        main_domain=settings.main_domain,
        basic_auth=_login(settings.basic_auth),
        allow=list(settings.allow),
        maintenance=settings.maintenance.value,
        body_limit=settings.body_limit,
        request_log=settings.request_log,
        ignore=[_ignore_rule(rule) for rule in settings.ignore],
        repository=_repository(settings.repository),
        branch=settings.branch or None,
        versions=len(known.versions),
        last_deployment=deployment(last) if last else None,
    )


def domain(known: model.Domain, view: ServiceView) -> answers.Domain:
    """The service's view knows the URL of each of its domains."""
    urls = (url for url in view.urls if urlsplit(url).hostname == known.name)
    return answers.Domain(
        domain=known.name,
        created=rfc3339(known.created),
        certificate=certificate(view.certificates.get(known.name, NO_CERTIFICATE)),
        url=next(urls, f"http://{known.name}/"),
    )


def traffic(view: ServiceView) -> answers.Traffic:
    known = view.service
    return answers.Traffic(split=dict(known.split), previous=_split(known.previous_split))


def deployment(known: model.Deployment) -> answers.Deployment:
    return answers.Deployment(
        id=known.id,
        service=known.service,
        version=known.version,
        status=known.status,
        traffic=known.traffic.value,
        source=known.source,
        actor=known.actor,
        trigger=known.trigger.value,
        revision=known.revision,
        created=rfc3339(known.created),
        started=moment(known.started),
        ended=moment(known.ended),
        steps=[_step(step) for step in known.steps],
        error=_failure(known.error),
    )


def version(view: VersionView) -> answers.Version:
    known, spec = view.version, view.version.spec
    image = known.image
    return answers.Version(
        name=known.name,
        service=view.service.name,
        number=known.number,
        status=known.status,
        condition=view.condition,
        weight=view.weight,
        image=image.reference if image else None,
        image_id=image.id if image else None,
        image_digest=image.digest if image else None,
        port=known.port if known.port is not None else spec.port,
        note=spec.note,
        created=rfc3339(known.created),
        internal_address=view.internal_address,
        urls=list(view.urls),
        source=_source(spec.source),
        dockerfile=spec.dockerfile,
        build_dir=spec.build_dir,
        build_args=dict(spec.build_args),
        build_secrets=sorted(spec.build_secrets),
        target=spec.target,
        command=_list(spec.command),
        args=_list(spec.args),
        env=dict(spec.env),
        secrets=sorted(spec.secrets),
        cpu=spec.cpu,
        memory=spec.memory,
        memory_text=format_size(spec.memory),
        concurrency=spec.concurrency,
        read_only=spec.read_only,
        replicas=answers.ReplicaRange(
            min=spec.replicas.min, max=spec.replicas.max, schedules=schedules(spec.replicas)
        ),
        running_replicas=_running(view),
        scaling=scaling(spec.scaling),
        timeouts=_timeouts(spec.timeouts),
        probe=answers.Probe(http=spec.probe.http, status=list(spec.probe.status)),
        start_seconds=known.start_seconds,
        generated_dockerfile=known.generated_dockerfile,
        failure=_failure(known.failure),
    )


def scaling(rules: ScalingRules) -> answers.ScalingRules:
    return answers.ScalingRules(
        rps=rules.rps,
        concurrency=rules.concurrency,
        cpu=rules.cpu,
        memory=rules.memory,
        scale_down_delay=rules.scale_down_delay,
    )


def schedules(replicas: ReplicaRange) -> list[answers.Schedule]:
    return [
        answers.Schedule(min=one.min, start=one.start, end=one.end, zone=one.zone)
        for one in replicas.schedules
    ]


def replica(view: ReplicaView, *, now: float) -> answers.Replica:
    return answers.Replica(
        id=view.id,
        version=view.version,
        state=view.state,
        address=view.address,
        in_flight=view.in_flight,
        started=moment(view.started),
        uptime=None if view.started is None else max(0.0, round(now - view.started, 3)),
        cpu=view.cpu,
        memory=view.memory,
    )


def event(known: model.Event) -> answers.Event:
    return answers.Event(
        id=known.id,
        time=rfc3339(known.time),
        kind=known.kind,
        message=known.message,
        actor=known.actor,
        service=known.service,
        version=known.version,
        deployment=known.deployment,
        data=dict(known.data),
    )


def request(record: RequestRecord) -> answers.Request:
    return answers.Request(
        time=rfc3339(record.time),
        client=latin(record.client),
        scheme=latin(record.scheme),
        method=latin(record.method),
        host=latin(record.host),
        target=latin(record.target),
        status=record.status,
        error=record.error,
        version=record.version,
        replica=record.replica,
        seconds=round(record.seconds, 6),
        waited=round(record.waited, 6),
        received=record.received,
        sent=record.sent,
        agent=latin(record.agent),
        ignored=record.ignored,
    )


def health(view: HealthView, usage: Usage) -> answers.Health:
    full = any(one.level is Level.FULL for one in view.disks)
    return answers.Health(
        status="ok" if view.engine and not full else "degraded",
        version=view.version,
        engine=view.engine,
        engine_version=view.engine_version,
        engine_time=moment(view.engine_time),
        problem=view.problem,
        uptime=round(view.uptime, 3),
        proxy=list(view.proxy),
        gateway=view.gateway,
        docker_host=view.docker_host,
        data_dir=view.data_dir,
        usage=answers.Usage(
            connections=usage.connections,
            most_connections=usage.most_connections,
            websockets=usage.websockets,
            refused=usage.refused,
            paused=usage.paused,
            pauses=usage.pauses,
            lost_lines=usage.lost_lines,
        ),
        disks=[_disk(one) for one in view.disks],
        exposed=view.exposed,
    )


def deployment_line(line: model.LogLine) -> answers.DeploymentLine:
    return answers.DeploymentLine(
        time=rfc3339(line.time), stream=line.stream, text=line.text, cursor=line.cursor
    )


def line(known: model.LogLine, *, version_name: str, cursor: str) -> answers.Line:
    return answers.Line(
        time=rfc3339(known.time),
        version=version_name,
        replica=known.replica,
        stream=known.stream,
        text=known.text,
        cursor=cursor,
    )


def _disk(seen: Seen) -> answers.DiskSpace:
    return answers.DiskSpace(
        path=seen.space.path,
        level=seen.level,
        used=seen.space.used,
        free=seen.space.free,
        used_percent=round(seen.space.percent, 1),
    )


def _repository(known: Repository | None) -> answers.Repository | None:
    if known is None:
        return None
    return answers.Repository(
        url=known.url,
        branch=known.branch,
        tags=known.tags,
        subdir=known.subdir,
        submodules=known.submodules,
        lfs=known.lfs,
        login=known.credentials is not None,
    )


def _login(login: model.BasicAuth | None) -> answers.Login | None:
    return answers.Login.model_validate({"user": login.user, "password": "set"}) if login else None


def _ignore_rule(rule: model.IgnoreRule) -> answers.IgnoreRule:
    return answers.IgnoreRule(
        path_prefix=rule.path_prefix, user_agent=rule.user_agent, status=rule.status
    )


def _split(split: Mapping[str, int] | None) -> dict[str, int] | None:
    return None if split is None else dict(split)


def _list(values: tuple[str, ...] | None) -> list[str] | None:
    return None if values is None else list(values)


def _running(view: VersionView) -> int:
    return sum(one.state is not model.ReplicaState.STOPPED for one in view.replicas)


def _step(step: model.Step) -> answers.Step:
    return answers.Step(
        name=step.name, status=step.status, started=moment(step.started), seconds=step.seconds
    )


def _failure(failure: model.Failure | None) -> answers.Failure | None:
    if failure is None:
        return None
    return answers.Failure(
        code=failure.code, message=failure.message, advice=failure.advice, log=list(failure.log)
    )


def _source(source: Source) -> answers.Source:
    match source:
        case ArchiveSource():
            return answers.Source(type="archive", filename=source.filename)
        case ImageSource():
            return answers.Source(type="image", image=source.image)
        case VersionSource():
            return answers.Source(type="version", version=source.version)
        case GitSource():
            return answers.Source(
                type="git",
                url=source.url,
                ref=source.ref,
                subdir=source.subdir,
                submodules=source.submodules,
                lfs=source.lfs,
            )


def _timeouts(timeouts: Timeouts) -> answers.Timeouts:
    return answers.Timeouts(idle=timeouts.idle, start=timeouts.start, drain=timeouts.drain)
