"""Go: a static program alone in an empty image."""

import re

from paas.core.languages.facts import Facts
from paas.core.languages.plan import (
    IGNORED,
    PORT,
    Plan,
    dockerfile,
    last,
    needs_shell,
    run,
    start,
    unclear,
)
from paas.core.languages.versions import GO

CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
SHELL_IMAGE = "debian:bookworm-slim"
DATA = ("templates", "static", "public", "views", "assets", "web")
"""Directories that programs read while they run."""

_PREFERRED = ("server", "web", "api", "app")
_MODULE = re.compile(r"^module\s+(\S+)", re.MULTILINE)
_VERSION = re.compile(r"^go\s+(\d+\.\d+)", re.MULTILINE)
_MAIN = re.compile(r"^package\s+main\b", re.MULTILINE)


def plan(facts: Facts, web: str) -> Plan | None:
    """Raises `Invalid` (`unclear_source`) where no package, or too many, can be started."""
    if not facts.has("go.mod", "main.go"):
        return None
    package = _package(facts)
    found = _VERSION.search(facts.text("go.mod"))
    version = found[1] if found else GO[0]
    title = f"Go {version}"
    build = _build(facts, package, f"golang:{version}")
    image = SHELL_IMAGE if needs_shell(web) else "scratch"
    data = [f"COPY {name} ./{name}" for name in DATA if facts.under(name)]
    stage = last(
        image,
        f"ENV PORT={PORT} PATH=/bin:/usr/bin:/usr/local/bin",
        "WORKDIR /srv",
        "COPY --from=build /out /",
        *data,
        command=start(web or "/bin/app"),
    )
    seen = "go.mod" if facts.has("go.mod") else "main.go"
    return Plan(
        language="Go",
        reason=f"there is {seen}; the program is the package {package}",
        dockerfile=dockerfile(title, build, stage),
        ignore=IGNORED,
    )


def _build(facts: Facts, package: str, image: str) -> tuple[str, ...]:
    fetch: tuple[str, ...] = ()
    if facts.has("go.mod") and "vendor" not in facts.top:
        names = " ".join(name for name in ("go.mod", "go.sum") if facts.has(name))
        fetch = (f"COPY {names} ./", run("go", "mod", "download"))
    name = package if facts.has("go.mod") else "main.go"
    return (
        f"FROM {image} AS build",
        "WORKDIR /src",
        "ENV CGO_ENABLED=0",
        *fetch,
        "COPY . .",
        run("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "/out/bin/app", name),
        run("install", "-D", "-m", "644", f"/{CERTIFICATES}", f"/out/{CERTIFICATES}"),
        run("install", "-d", "-m", "1777", "/out/tmp"),
    )


def _package(facts: Facts) -> str:
    mains = {
        path.rpartition("/")[0]
        for path in facts.files
        if path.endswith(".go") and not path.endswith("_test.go") and _MAIN.search(facts.text(path))
    }
    if "" in mains:
        return "."
    names = {folder.rpartition("/")[2]: f"./{folder}" for folder in sorted(mains)}
    if len(names) == 1:
        return next(iter(names.values()))
    found = _MODULE.search(facts.text("go.mod"))
    module = found[1].rpartition("/")[2] if found else ""
    for name in (module, *_PREFERRED):
        if name in names:
            return names[name]
    many = f"several programs are there: {', '.join(names.values())}"
    raise unclear(
        f"This is Go, but {many if names else 'no file says `package main`'}.",
        "Call one directory cmd/server, or deploy with a build directory.",
    )
