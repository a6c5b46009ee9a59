"""The images that generated Dockerfiles build on, made of Debian's packages.

No registry is within reach of the tests. The packages are unpacked and not configured,
which takes seconds; the little that their scripts would have done stands here. Where the
packages come from is what apt on this machine is told. A tag that exists already is used
as it is; those made here carry the run's label, so that they and all that was built on
them are removed at its end. Unpacked bases are kept in `.demo/bases` for the next run.
"""

import hashlib
import io
import subprocess
import tarfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.apps import RUN
from tests.e2e.daemon import ROOT
from tests.e2e.engine import RUN_LABEL, Engine

KEPT = ROOT / ".demo" / "bases"
SECONDS = 300.0
AT_ONCE = 2
ALWAYS = ("dash", "coreutils", "base-passwd", "base-files", "sed", "grep")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_JVM = "/usr/lib/jvm/java-17-openjdk-amd64"
_PASSWD = "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n"
_GROUP = "root:x:0:\nwww-data:x:33:\n"
_MAVEN = """<settings><mirrors><mirror>
<id>debian</id><mirrorOf>*</mirrorOf><url>file:///usr/share/maven-repo</url>
</mirror></mirrors></settings>
"""
_APACHE_VARIABLES = """: ${APACHE_RUN_USER:=www-data} ${APACHE_RUN_GROUP:=www-data}
: ${APACHE_RUN_DIR:=/var/run/apache2} ${APACHE_PID_FILE:=/var/run/apache2/apache2.pid}
: ${APACHE_LOCK_DIR:=/var/lock/apache2} ${APACHE_LOG_DIR:=/var/log/apache2}
export APACHE_RUN_USER APACHE_RUN_GROUP APACHE_RUN_DIR
export APACHE_PID_FILE APACHE_LOCK_DIR APACHE_LOG_DIR
"""
_APACHE = """#!/bin/sh
set -e
. /etc/apache2/envvars
exec apache2 -DFOREGROUND "$@"
"""
_PHP = """<FilesMatch \\.php$>
SetHandler application/x-httpd-php
</FilesMatch>
DirectoryIndex index.php index.html
<Directory /var/www/>
Options -Indexes
AllowOverride All
</Directory>
"""
_MODULES = ("mpm_prefork", "php8.2", "dir", "mime", "authz_core", "alias", "env")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """An image by its tags. Files that begin with `#!` are executable."""

    tags: tuple[str, ...]
    packages: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    changes: tuple[str, ...] = ()


BASES = {
    "python": Base(
        tags=("python:3.13-slim",),
        packages=("python3", "python3-pip", "python3-venv"),
        links={"/usr/local/bin/python": "/usr/bin/python3", "/usr/bin/python": "python3"},
    ),
    "node": Base(tags=("node:24-slim",), packages=("nodejs", "npm")),
    "go": Base(
        tags=("golang:1.25",),
        packages=("golang-go",),
        files={"/etc/ssl/certs/ca-certificates.crt": "none\n"},
        changes=("ENV GOPROXY=off GOFLAGS=-mod=mod",),
    ),
    # One root for both: what only the first needs is no harm in the second.
    "java": Base(
        tags=("maven:3-eclipse-temurin-17", "eclipse-temurin:17-jre"),
        packages=(
            "maven",
            "libmaven-resources-plugin-java",
            "libmaven-compiler-plugin-java",
            "libmaven-jar-plugin-java",
            "libsurefire-java",
            "openjdk-17-jdk-headless",
        ),
        files={"/etc/maven/settings.xml": _MAVEN},
        links={
            "/usr/bin/java": f"{_JVM}/bin/java",
            "/usr/bin/javac": f"{_JVM}/bin/javac",
            "/usr/bin/mvn": "/usr/share/maven/bin/mvn",
        },
        changes=(f"ENV JAVA_HOME={_JVM}",),
    ),
    "php": Base(
        tags=("php:8.4-apache",),
        packages=("apache2", "libapache2-mod-php8.2"),
        files={
            "/usr/local/bin/apache2-foreground": _APACHE,
            "/etc/apache2/conf-enabled/php.conf": _PHP,
            "/etc/apache2/envvars": _APACHE_VARIABLES,
        },
        links={
            "/var/log/apache2/error.log": "/dev/stderr",
            "/var/log/apache2/access.log": "/dev/stdout",
            "/var/log/apache2/other_vhosts_access.log": "/dev/stdout",
            "/etc/apache2/sites-enabled/000-default.conf": "../sites-available/000-default.conf",
            **{
                f"/etc/apache2/mods-enabled/{name}.load": f"../mods-available/{name}.load"
                for name in _MODULES
            },
            "/etc/apache2/mods-enabled/mime.conf": "../mods-available/mime.conf",
        },
        folders={"/var/run/apache2": 0o777, "/var/lock/apache2": 0o777, "/var/log/apache2": 0o777},
    ),
    "static": Base(tags=("caddy:2-alpine",), packages=("caddy",)),
}


def ensure(names: Iterable[str]) -> None:
    """Have every tag of the named bases on the engine."""
    wanted = [(name, BASES[name]) for name in names]
    missing = [one for one in wanted if not all(map(_known, one[1].tags))]
    sources = _sources() if missing else ""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(_make, name, base, sources) for name, base in missing]:
            done.result()


def _known(tag: str) -> bool:
    return bool(Engine().run("images", "-q", tag))


def _make(name: str, base: Base, sources: str) -> None:
    recipe = hashlib.sha256(f"{base}{sources}{ALWAYS}".encode()).hexdigest()[:16]
    kept = KEPT / f"{name}-{recipe}.tar"
    if not kept.exists():
        _unpack(base, sources, kept)
    changes = (f"LABEL {RUN_LABEL}={RUN}", f"ENV PATH={PATH}", *base.changes)
    words = [word for change in changes for word in ("--change", change)]
    image = Engine().run("import", *words, str(kept), seconds=SECONDS)
    for tag in base.tags:
        if not _known(tag):
            Engine().run("tag", image, tag)


def _unpack(base: Base, sources: str, into: Path) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    draft, extra = into.with_suffix(".draft"), into.with_suffix(".extra")
    with tarfile.open(extra, "w") as archive:
        _add(archive, base)
    words = ["mmdebstrap", "--quiet", "--variant=extract", "--format=tar", *_proxies()]
    words += [f"--extract-hook=tar-in {extra} /"]
    words += [f"--include={','.join((*ALWAYS, *base.packages))}", _codename(), str(draft), "-"]
    done = subprocess.run(
        words, input=sources, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    extra.unlink()
    draft.replace(into)


def _add(archive: tarfile.TarFile, base: Base) -> None:
    folders = {"/tmp": 0o1777, "/root": 0o700, "/var/lock": 0o755, **base.folders}
    for path, mode in folders.items():
        info = tarfile.TarInfo(f".{path}")
        info.type, info.mode = tarfile.DIRTYPE, mode
        archive.addfile(info)
    for path, text in {"/etc/passwd": _PASSWD, "/etc/group": _GROUP, **base.files}.items():
        info = tarfile.TarInfo(f".{path}")
        info.size, info.mode = len(text.encode()), 0o755 if text.startswith("#!") else 0o644
        archive.addfile(info, io.BytesIO(text.encode()))
    for path, target in base.links.items():
        info = tarfile.TarInfo(f".{path}")
        info.type, info.linkname = tarfile.SYMTYPE, target
        archive.addfile(info)


def _sources() -> str:
    """Debian's own lines of what this machine's apt reads."""
    asked = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    found = _output("apt-get", "indextargets", "--format", asked, "Created-By: Packages")
    names = {_codename() + end for end in ("", "-updates", "-security")}
    lines = [line.split() for line in found.splitlines()]
    kept = [line for line in lines if line[1] in names and line[2] == "main"]
    assert kept, "apt on this machine has no Debian archive among its sources"
    return "".join(f"deb {' '.join(line)}\n" for line in kept)


def _proxies() -> list[str]:
    lines = _output("apt-config", "dump").splitlines()
    kept = [line for line in lines if line.startswith(("Acquire::http", "Acquire::https"))]
    return [f"--aptopt={line}" for line in kept]


def _codename() -> str:
    release = Path("/etc/os-release").read_text()
    lines = dict(line.partition("=")[::2] for line in release.splitlines())
    return lines["VERSION_CODENAME"].strip('"')


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
