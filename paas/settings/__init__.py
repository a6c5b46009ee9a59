"""The daemon's settings: one YAML file, overridden by environment variables.

`load` reports every mistake at once, each with file, line and allowed values.
`config.example.yaml` shows every setting; a test keeps the two equal.
"""

from paas.settings.certifying import Acme
from paas.settings.loading import changed, load
from paas.settings.shapes import (
    Api,
    BackupTimes,
    Builds,
    CertificateFiles,
    Defaults,
    DiskMarks,
    Docker,
    Git,
    HostScaling,
    Idle,
    Internal,
    Limits,
    Logs,
    Proxy,
    ProxyLimits,
    Replicas,
    Scaling,
    Section,
    Settings,
    Timeouts,
)

__all__ = [
    "Acme",
    "Api",
    "BackupTimes",
    "Builds",
    "CertificateFiles",
    "Defaults",
    "DiskMarks",
    "Docker",
    "Git",
    "HostScaling",
    "Idle",
    "Internal",
    "Limits",
    "Logs",
    "Proxy",
    "ProxyLimits",
    "Replicas",
    "Scaling",
    "Section",
    "Settings",
    "Timeouts",
    "changed",
    "load",
]
