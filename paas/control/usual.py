"""What a deployment gets where it says nothing: an earlier version's settings, or the host's."""

from dataclasses import replace

from paas.core.model import Version
from paas.core.sizes import parse_size
from paas.core.spec import ReplicaRange, ScalingRules, Source, Timeouts, VersionSpec
from paas.settings import Defaults


def usual_spec(base: Version | None, defaults: Defaults, source: Source) -> VersionSpec:
    """The spec of a deployment of `source` that goes on from `base`, or begins with the
    host's defaults. Sealed values are left out: they open for `base` only, and whoever
    accepts the deployment seals them anew.
    """
    if base is not None:
        return replace(base.spec, source=source, note="", secrets={}, build_secrets={})
    rules, times, range_ = defaults.scaling, defaults.timeouts, defaults.replicas
    return VersionSpec(
        source=source,
        dockerfile=defaults.dockerfile,
        build_dir=defaults.build_dir,
        cpu=defaults.cpu,
        memory=parse_size(defaults.memory),
        concurrency=defaults.concurrency,
        replicas=ReplicaRange(min=range_.min, max=range_.max),
        scaling=ScalingRules(
            rps=rules.rps,
            concurrency=rules.concurrency,
            cpu=rules.cpu,
            memory=rules.memory,
            scale_down_delay=rules.scale_down_delay,
        ),
        timeouts=Timeouts(idle=times.idle, start=times.start, drain=times.drain),
    )
