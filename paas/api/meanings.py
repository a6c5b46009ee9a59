"""What the fields of request bodies mean, for the OpenAPI document and docs/api.md.

By model and field; a test keeps the names in step. Fields that tell themselves are left out.
"""

from collections.abc import Mapping
from typing import Any

_LOGIN = "A login for the repository; without one it is read as anybody."
_SUBDIR = "The folder that is the source; empty: all of it."

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "NewDeployment": {
        "create": "Make the service if there is none; without it an unknown service is 404.",
        "inherit": "What is left out is as in the service's newest ready version.",
        "source": "Where the image comes from. An archive comes as multipart, with this as `spec`.",
        "traffic": "`all`: 100 % as soon as the version is ready; `none`: weight 0.",
        "port": "The port the program listens on. Left out: the image's only exposed one, else 80.",
        "note": "Shown in the list of versions.",
        "dockerfile": "Its path inside the source; left out: `Dockerfile`.",
        "build_dir": "The build context inside the source; left out: all of it.",
        "build_args": "Arguments of the build by name; they can be read in the image.",
        "build_secrets": "Secrets of the build by name; no trace of them is in the image.",
        "target": "The stage of the Dockerfile to build; left out: the last.",
        "command": "Replaces the image's entry point.",
        "args": "Replaces the image's command.",
        "env": "Environment by name; null takes out what would be inherited.",
        "secrets": "As `env`, but sealed in the store, never shown again, and masked in logs.",
        "cpu": "Cores per replica; left out: the host's default (0.5).",
        "memory": "Bytes per replica, or text such as 512MiB; left out: the host's default.",
        "concurrency": "Most requests in flight per replica; 0: no limit.",
        "read_only": "Replicas cannot write but to /tmp, /var/tmp and /run, in memory and without "
        "running programs from there; left out: false.",
        "replicas": "How few and how many replicas there may be.",
        "scaling": "Targets per replica; left out: the host's default (50 requests a second).",
        "timeouts": "Seconds that are waited.",
        "probe": "How a replica shows that it is ready.",
    },
    "FromImage": {
        "image": "A reference such as registry.example/shop:1.4.",
        "credentials": "A login for this pull only; it is not kept.",
    },
    "FromVersion": {"version": "The name of a version of this service."},
    "FromGit": {
        "url": "https, or ssh (ssh://git@host/path or git@host:path).",
        "ref": "A branch, tag or commit; empty: the default branch.",
        "subdir": _SUBDIR,
        "submodules": "Fetch submodules too.",
        "lfs": "Fetch large files (Git LFS) too.",
        "credentials": _LOGIN,
    },
    "RepositoryLogin": {
        "user": "For https.",
        "password": "For https: a password or token.",
        "ssh_key": "For ssh: a private key without passphrase.",
        "host_key": "For ssh: the server's public key, if another one is to be refused.",
    },
    "Schedule": {
        "min": "At least so many replicas in that time.",
        "start": "When it begins, as a cron expression.",
        "end": "When it ends, as a cron expression.",
        "zone": "The time zone of both, such as Europe/Vienna.",
    },
    "ReplicaRange": {
        "min": "0 allows none while nobody calls; left out: the host's default (0).",
        "max": "Left out: the host's default (10).",
        "schedules": "Times with a higher minimum; they replace those there are.",
    },
    "ScalingRules": {
        "rps": "Requests a second.",
        "concurrency": "Requests in flight.",
        "cpu": "Percent of its cores.",
        "memory": "Percent of its memory.",
        "scale_down_delay": "Seconds whose highest answer counts.",
    },
    "Timeouts": {
        "idle": "Silence within one request.",
        "start": "From the start of a replica until it is ready.",
        "drain": "Until requests in flight are over, before a replica is stopped.",
    },
    "Probe": {
        "http": "A path to ask for; left out: a TCP connection is enough.",
        "status": "The statuses that count as ready.",
    },
    "ServiceChanges": {
        "auto_prune": "Delete the oldest version without traffic where an eleventh is deployed.",
        "idle": "When the last replica is frozen, and when it is stopped.",
        "sticky": "A visitor stays with a version, by a cookie.",
        "redirect_https": "Plain requests are sent to https.",
        "main_domain": "The host that all others redirect to.",
        "basic_auth": "A login that visitors need; null: none.",
        "allow": "Networks that may come in (CIDR); empty: all.",
        "maintenance": "`page` answers 503, `hold` keeps requests waiting.",
        "body_limit": "Most bytes of a request's body; 0: the host's own limit.",
        "request_log": "Keep the last requests (`GET …/requests`).",
        "ignore": "Requests that are no traffic: they wake nothing and keep nothing awake.",
        "repository": "The repository whose pushes are deployed; null: none.",
        "branch": "The branch whose pushes over our own git are deployed.",
    },
    "Idle": {
        "freeze_after": "Seconds without traffic until the last replica is frozen.",
        "stop_after": "Seconds without traffic until it is stopped and removed.",
    },
    "IgnoreRule": {
        "path_prefix": "What the path begins with.",
        "user_agent": "What the User-Agent contains.",
        "status": "The answer while the version sleeps.",
    },
    "Repository": {
        "url": "https or ssh.",
        "branch": "Its pushes are deployed; empty: the default branch's.",
        "tags": "A pattern of tags that are deployed, such as v*; empty: none.",
        "subdir": _SUBDIR,
        "submodules": "Fetch submodules too.",
        "lfs": "Fetch large files (Git LFS) too.",
        "credentials": "Left out: those that were stored for the same URL stay.",
    },
    "NewService": {
        "name": "2 to 40 lower-case letters, digits and hyphens; it begins with a letter.",
    },
    "VersionChanges": {
        "concurrency": "Most requests in flight per replica; 0: no limit.",
        "note": "Shown in the list of versions.",
    },
    "NewSplit": {"split": "Percent by version name."},
    "RollbackTo": {"version": "Takes all traffic; left out: the split before this one."},
    "NewDomain": {"domain": "A host name whose DNS record leads here."},
    "NewToken": {
        "name": "Shown in lists and events.",
        "scope": "Each includes those before it.",
        "service": "The only service it is for; left out: all.",
        "expires_in": "Seconds; left out: it does not expire.",
    },
    "NewUser": {
        "role": "The scope of the user's sessions.",
        "service": "The only service the user sees; left out: all.",
    },
    "NewLogin": {"check": "Ask the registry first, and refuse a login that it does not take."},
    "Collection": {"dry_run": "Tell what would go, and remove nothing."},
}


def explain(schemas: dict[str, dict[str, Any]]) -> None:
    """Write the meanings into the schemas as descriptions. Models that are both sent and
    answered have schemas of their own for each; what extends a model means the same.
    """
    for name, schema in schemas.items():
        model = name.removesuffix("-Input")
        told = {**MEANINGS.get(_EXTENDS.get(model, ""), {}), **MEANINGS.get(model, {})}
        properties = schema.get("properties", {})
        for field in told.keys() & properties.keys():
            properties[field] = {**properties[field], "description": told[field]}


_EXTENDS = {"NewService": "ServiceChanges"}
