"""What `GET /metrics` tells: the services' figures, and the proxy's own."""

from paas import __version__
from paas.api.call import Context
from paas.core.metrics import Family, Kind


def families(context: Context) -> list[Family]:
    """All of it, as of this moment."""
    return [_build(), *context.telemetry.families(), *_proxy(context)]


def _build() -> Family:
    family = Family("paas_build_info", Kind.GAUGE, "The daemon's version.", ("version",))
    family.add(1, __version__)
    return family


def _proxy(context: Context) -> list[Family]:
    usage = context.usage()
    gauges = (
        ("connections", "Client connections that are open.", usage.connections),
        ("most_connections", "Client connections that may be open.", usage.most_connections),
        ("websockets", "WebSockets that are open.", usage.websockets),
    )
    counters = (
        ("refused_connections", "Connections that found too many open.", usage.refused),
        ("accept_pauses", "Times without descriptors for new connections.", usage.pauses),
        ("access_log_lost", "Lines of the access log that were not written.", usage.lost_lines),
    )
    found = []
    for kind, told in ((Kind.GAUGE, gauges), (Kind.COUNTER, counters)):
        for name, help_text, value in told:
            family = Family(f"paas_proxy_{name}", kind, help_text)
            family.add(value)
            found.append(family)
    errors = Family("paas_proxy_errors", Kind.COUNTER, "Error answers of ours.", ("code",))
    for code, count in sorted(context.proxy_errors().items()):
        errors.add(count, code)
    return [*found, errors]
