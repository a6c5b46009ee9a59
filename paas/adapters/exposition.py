"""Families of samples in the formats that Prometheus reads, by its own library.

Each scrape has a registry of its own, made of what it is given, of what the kernel says of
this process, and of the disk that holds the data. Blocks for a moment: run it in a thread.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from paas.core.metrics import Distribution, Family, Kind


def text(families: Sequence[Family], *, accept: str, disk: str) -> tuple[bytes, str]:
    """(body, media type), in the format that the Accept header wants; else the plain one."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given([*families, *_disk(disk)]))
    ProcessCollector(registry=registry)
    encode, media = choose_encoder(accept)
    return encode(registry), media


class _Given(Collector):
    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        return map(_metric, self._families)


def _metric(family: Family) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        return _histogram(family)
    made: CounterMetricFamily | GaugeMetricFamily
    if family.kind is Kind.COUNTER:
        made = CounterMetricFamily(family.name, family.help, labels=family.labels)
    else:
        made = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in family.samples:
        if not isinstance(value, Distribution):
            made.add_metric(labels, value)
    return made


def _histogram(family: Family) -> Metric:
    made = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in family.samples:
        if isinstance(value, Distribution):
            buckets = [(f"{end:.4g}", float(count)) for end, count in value.buckets]
            made.add_metric(labels, [*buckets, ("+Inf", float(value.count))], value.total)
    return made


def _disk(path: str) -> Iterator[Family]:
    with suppress(OSError):
        usage = shutil.disk_usage(path)
        for name, value in (("size", usage.total), ("free", usage.free)):
            help_text = f"Bytes of the disk that holds the data directory: {name}."
            family = Family(f"paas_disk_{name}_bytes", Kind.GAUGE, help_text)
            family.add(value)
            yield family
