"""Hostile pieces in every string of the description: no shell, and no argument torn apart.

A recorder notes each process that is started (Python's own audit events, so nothing gets
past it). Repositories are fetched by the real git, from an address where nobody listens.
"""

import asyncio
import copy
import itertools
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pytest

from paas.adapters.git import FetchCaps, GitRepositories, Places
from paas.adapters.git_gate import Gate
from paas.adapters.git_remote import Trust
from paas.adapters.git_sandbox import LowUser
from paas.api.openapi import document
from paas.api.table import ROUTES
from tests.integration.api.rig import IMAGE, World, world

PIECES = (";", "$(", "`", "|", "&", "\n", "--", "ext::", "../", "%00", "'", '"', "\0", " -", "\r")
LEADING = ("--", "ext::", "../", " -")
"""What is worst at the beginning."""
MAPS = {"env", "secrets", "build_args", "build_secrets", "split"}
SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"}
FIRST, LAST = "zq1", "zq2"
DESCRIPTION = document(ROUTES)
NOWHERE = "https://127.0.0.1:1/a.git"
LOGIN = {"user": "ann", "password": "secret-word"}
KEY = {"ssh_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n", "host_key": "ssh-ed25519 AAAA"}
SCHEDULE = {"start": "0 8 * * *", "end": "0 18 * * *", "zone": "Europe/Berlin", "min": 1}
SETTINGS: dict[str, Any] = {
    "allow": ["10.0.0.0/8"],
    "branch": "main",
    "ignore": [{"path_prefix": "/healthz"}, {"user_agent": "probe"}],
    "main_domain": "a.example.com",
}
OWN = {"url": NOWHERE, "branch": "main", "subdir": "a", "tags": "v*"}
IMAGE_SPEC: dict[str, Any] = {
    "create": True,
    "source": {"type": "image", "image": IMAGE, "credentials": LOGIN},
    "args": ["--port", "80"],
    "command": ["/bin/serve"],
    "env": {"MODE": "prod"},
    "secrets": {"TOKEN": "value"},
    "note": "first",
    "probe": {"http": "/healthz"},
    "replicas": {"schedules": [SCHEDULE]},
}
GIT_SPEC: dict[str, Any] = {
    "create": True,
    "source": {"type": "git", "url": NOWHERE, "ref": "main", "subdir": "a", "credentials": LOGIN},
    "dockerfile": "Dockerfile",
    "build_dir": ".",
    "target": "last",
    "build_args": {"A": "b"},
    "build_secrets": {"C": "d"},
}
SSH = {"type": "git", "url": "ssh://git@127.0.0.1:1/a.git", "ref": "main", "credentials": KEY}
BODIES: dict[str, list[Any]] = {
    "createService": [
        {"name": "made", **SETTINGS},
        {"name": "made", "basic_auth": LOGIN},
        {"name": "made", "repository": OWN | {"credentials": LOGIN}},
        {"name": "made", "repository": OWN | {"url": SSH["url"], "credentials": KEY}},
    ],
    "changeService": [
        SETTINGS,
        {"basic_auth": LOGIN},
        {"repository": OWN | {"credentials": LOGIN}},
        {"repository": OWN | {"url": SSH["url"], "credentials": KEY}},
    ],
    "addDomain": [{"domain": "b.example.com"}],
    "putCertificate": [{"certificate": "-----BEGIN CERTIFICATE-----\nx", "key": "y"}],
    "deploy": [
        IMAGE_SPEC,
        GIT_SPEC,
        {"create": True, "source": SSH},
        {"create": True, "source": {"type": "version", "version": "shop-001"}},
    ],
    "deployPush": [{"ticket": "a", "branch": "main", "revision": "b" * 40}],
    "editVersion": [{"note": "n", "replicas": {"schedules": [SCHEDULE]}}],
    "setTraffic": [{"split": {"shop-001": 100}}],
    "rollBack": [{"version": "shop-001"}],
    "storeRegistryLogin": [LOGIN],
    "createToken": [{"name": "ci", "note": "n", "scope": "read", "service": "shop"}],
    "createUser": [{"name": "ann", "password": "a long password", "service": "shop"}],
    "changeUser": [{"password": "a longer password"}],
    "signIn": [{"user": "ann", "password": "a"}, {"token": "a"}],
}
KNOWN = {"service": "shop", "version": "shop-001", "registry": "registry.example"}

_started: list[tuple[str, ...]] | None = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _started is None:
        return
    if event == "subprocess.Popen":
        _started.append(tuple(map(os.fsdecode, arguments[1])))
    elif event in ("os.system", "os.exec", "os.posix_spawn", "os.spawn"):
        _started.append(("sh", event))


sys.addaudithook(_note)


@pytest.fixture
def started() -> Iterator[list[tuple[str, ...]]]:
    """The argument lists of all processes, as they are started."""
    global _started  # noqa: PLW0603 - an audit hook cannot be taken off again
    _started = []
    yield _started
    _started = None


@pytest.fixture
async def paas() -> AsyncIterator[World]:
    with TemporaryDirectory(prefix="paas-") as folder:
        path = Path(folder)
        repositories = GitRepositories(
            FetchCaps(size=1 << 20, seconds=10, unpacked=1 << 20, entries=100),
            gate=Gate(allow_private=True, allow_http=False, networks=()),
            trust=Trust(ca_file="", known_hosts=path / "known_hosts"),
            user=LowUser.named(""),
            places=Places(scratch=path, prefix=".git-"),
        )
        async with world(path, repositories=repositories) as made:
            await made.deploy("shop")
            yield made


def test_every_string_of_the_description_is_tried() -> None:
    for operation in operations():
        wanted = set(strings_of(schema(operation)))
        tried = {
            where for body in BODIES.get(operation["operationId"], ()) for where, _ in leaves(body)
        }
        missing = wanted - {
            tuple("*" if isinstance(key, int) else key for key in one) for one in tried
        }
        assert not missing, operation["operationId"]


@pytest.mark.parametrize("name", BODIES)
async def test_bodies(paas: World, started: list[tuple[str, ...]], name: str) -> None:
    (operation,) = (one for one in operations() if one["operationId"] == name)
    for number, hostile in enumerate((*hostile_bodies(name), *hostile_keys(name))):
        path = operation["path"].format_map(_Names())
        if name == "deploy":
            path = path.replace("/shop/", f"/made{number}/")
        if hostile.get("name") == "made":
            hostile["name"] = f"made{number}"
        answer = await paas.call(operation["method"].upper(), path, json=hostile)
        assert answer.status != 500, (hostile, answer.text)
        await settled(paas)
    assert_whole(started)
    if name == "deploy":
        assert any("fetch" in words or "ls-remote" in words for words in started), "git was started"


async def test_paths_and_queries(paas: World, started: list[tuple[str, ...]]) -> None:
    for operation in operations():
        for piece in PIECES:
            for parameter in operation.get("parameters", ()):
                names = _Names()
                query = ""
                hostile = f"{FIRST}{piece}{LAST}"
                if parameter["in"] == "path":
                    names[parameter["name"]] = quote(hostile, safe="")
                elif parameter["in"] == "query" and parameter["name"] != "follow":
                    query = f"?{parameter['name']}={quote(hostile, safe='')}"
                path = operation["path"].format_map(names) + query
                answer = await paas.call(operation["method"].upper(), path)
                assert answer.status != 500, (path, answer.text)
    assert_whole(started)
    assert {"shop"} <= {one.name for one in paas.control.catalog.services()}


def assert_whole(started: list[tuple[str, ...]]) -> None:
    """No shell, and what was marked at both ends is in one argument, behind `--` where it
    begins with a hyphen.
    """
    for words in started:
        programs = {word.rpartition("/")[2] for word in words[:1]} | _wrapped(words)
        assert not programs & SHELLS, words
        for place, word in enumerate(words):
            assert (FIRST in word) == (LAST in word), words
            if FIRST in word and word.startswith("-") and "=" not in word.partition(FIRST)[0]:
                assert "--" in words[:place], words


def _wrapped(words: tuple[str, ...]) -> set[str]:
    """Programs that others were told to start: any word by the name of a shell."""
    return {word.rpartition("/")[2] for word in words} & SHELLS


def hostile_bodies(name: str) -> Iterator[Any]:
    """Each string of each body made hostile, one at a time."""
    for body in BODIES[name]:
        for (where, value), piece in itertools.product(list(leaves(body)), PIECES):
            made = copy.deepcopy(body)
            inside = made
            for key in where[:-1]:
                inside = inside[key]
            begins = f"{piece}{FIRST}{LAST}", f"{value}{FIRST}{piece}{LAST}"
            inside[where[-1]] = begins[piece not in LEADING]
            yield made


def hostile_keys(name: str) -> Iterator[Any]:
    """The same for names that a caller chooses."""
    for body in BODIES[name]:
        for kind, piece in itertools.product(MAPS & body.keys(), PIECES):
            ((key, value),) = body[kind].items()
            yield body | {kind: {f"{key}{FIRST}{piece}{LAST}": value}}


def leaves(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Place and text of every string but the tags that tell shapes apart."""
    if isinstance(value, str):
        if where[-1] not in ("type", "scope"):
            yield where, value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*where, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from leaves(one, (*where, number))


def operations() -> Iterator[dict[str, Any]]:
    for path, methods in DESCRIPTION["paths"].items():
        for method, said in methods.items():
            yield said | {"path": path, "method": method}


def schema(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    found: dict[str, Any] = content.get("application/json", {}).get("schema", {})
    return found


def strings_of(one: dict[str, Any], where: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Places of free strings; `*` stands for a number. Maps are tried by their examples."""
    if "$ref" in one:
        name = one["$ref"].rpartition("/")[2]
        yield from strings_of(DESCRIPTION["components"]["schemas"][name], where)
    for kind in ("anyOf", "oneOf", "allOf"):
        for choice in one.get(kind, ()):
            yield from strings_of(choice, where)
    if one.get("type") == "string" and not {"const", "enum"} & one.keys():
        yield where
    for name, inside in one.get("properties", {}).items():
        yield from strings_of(inside, (*where, name))
    if isinstance(one.get("items"), dict):
        yield from strings_of(one["items"], (*where, "*"))


class _Names(dict[str, str]):
    """Values for the variables of a path."""

    def __missing__(self, key: str) -> str:
        return KNOWN.get(key, "none")


async def settled(paas: World) -> None:
    """No deployment is under way."""
    async with asyncio.timeout(20):
        while await paas.context.deployments._unfinished():
            await asyncio.sleep(0.01)
