"""Node.js: npm, pnpm or yarn, by the lock file; a front end without a server is served
as files.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from paas.core.languages import static
from paas.core.languages.facts import Facts
from paas.core.languages.plan import (
    IGNORED,
    PORT,
    Plan,
    dockerfile,
    last,
    run,
    start,
    unclear,
)
from paas.core.languages.versions import NODE, pinned, satisfying

MAINS = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "src/server.js",
         "src/index.js", "src/main.js")  # fmt: skip
IGNORE = (*IGNORED, "node_modules", "**/node_modules", "coverage")
BUILT = (".next", "dist")
"""What a build makes; without one it is the program itself."""

FRAMEWORKS = {"next": "Next.js", "nuxt": "Nuxt", "@nestjs/core": "NestJS", "express": "Express",
              "fastify": "Fastify", "koa": "Koa", "hono": "Hono"}  # fmt: skip
PAGES = {
    "react-scripts": "build",
    "@angular/cli": "dist",
    "@vue/cli-service": "dist",
    "vite": "dist",
}
"""Tools whose build is a site of plain files, and where they leave it."""

_QUIET = "ENV NPM_CONFIG_AUDIT=false NPM_CONFIG_FUND=false NPM_CONFIG_UPDATE_NOTIFIER=false"
_LOCAL = re.compile(r"^(?:file|link|workspace|portal):")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tool:
    """A package manager: its lock file and its commands."""

    name: str
    lock: str
    install: tuple[str, ...]
    production: tuple[str, ...]
    prune: tuple[str, ...]


_NPM = _Tool(
    name="npm",
    lock="package-lock.json",
    install=("npm", "ci"),
    production=("npm", "ci", "--omit=dev"),
    prune=("npm", "prune", "--omit=dev"),
)
_NPM_FREE = _Tool(
    name="npm",
    lock="",
    install=("npm", "install", "--no-package-lock"),
    production=("npm", "install", "--no-package-lock", "--omit=dev"),
    prune=("npm", "prune", "--no-package-lock", "--omit=dev"),
)
_PNPM = _Tool(
    name="pnpm",
    lock="pnpm-lock.yaml",
    install=("pnpm", "install", "--frozen-lockfile"),
    production=("pnpm", "install", "--frozen-lockfile", "--prod"),
    prune=("pnpm", "prune", "--prod"),
)
_YARN = _Tool(
    name="yarn",
    lock="yarn.lock",
    install=("yarn", "install", "--frozen-lockfile"),
    production=("yarn", "install", "--frozen-lockfile", "--production"),
    prune=("yarn", "install", "--frozen-lockfile", "--production", "--ignore-scripts"),
)
_BERRY = _Tool(
    name="yarn",
    lock="yarn.lock",
    install=("yarn", "install", "--immutable"),
    production=("yarn", "workspaces", "focus", "--production"),
    prune=("yarn", "workspaces", "focus", "--production"),
)


def plan(facts: Facts, web: str) -> Plan | None:
    """Raises `Invalid` (`unclear_source`) when nothing says how it starts."""
    if not facts.has("package.json"):
        return None
    package = _json(facts.text("package.json"))
    scripts = _table(package, "scripts")
    needs = _table(package, "dependencies")
    everything = needs | _table(package, "devDependencies")
    version = _version(facts, package)
    tool = _tool(facts, package)
    command = web or _command(facts, package, scripts)
    pages = next((PAGES[name] for name in PAGES if name in everything), "")
    if not command and "build" in scripts and pages:
        return _pages(facts, package, tool, (version, pages))
    if not command:
        raise unclear(
            "This is Node.js (package.json), but nothing says how it starts: looked for a "
            f"`start` script, `main` and {', '.join(MAINS)}.",
            "Add a `start` script to package.json.",
        )
    framework = next((FRAMEWORKS[name] for name in FRAMEWORKS if name in everything), "")
    title = f"Node.js {version}" + (f" ({framework})" if framework else "")
    stages = _stages(facts, package, tool, (version, command))
    return Plan(
        language="Node.js",
        framework=framework,
        reason=f"there is package.json; {tool.name} installs, and it starts with `{command}`",
        dockerfile=dockerfile(title, *stages),
        ignore=(*IGNORE, *BUILT) if "build" in scripts else IGNORE,
        hints=_unlocked(tool, everything),
    )


def _stages(
    facts: Facts, package: dict[str, Any], tool: _Tool, chosen: tuple[str, str]
) -> list[tuple[str, ...]]:
    version, command = chosen
    image = f"node:{version}-slim"
    environment = (
        f"ENV NODE_ENV=production PORT={PORT} HOME=/tmp \\\n    PATH=/app/node_modules/.bin:$PATH"
    )
    builds = "build" in _table(package, "scripts")
    copy = "COPY . ."
    stages = []
    if builds or _table(package, "dependencies"):
        copy = "COPY --from=build /app /app"
        wanted = tool.install if builds else tool.production
        after = (run(tool.name, "run", "build"), run(*tool.prune)) if builds else ()
        stages.append((*_installed(facts, package, tool, (image, wanted)), *after))
    stages.append(last(image, environment, "WORKDIR /app", copy, command=start(command)))
    return stages


def _installed(
    facts: Facts, package: dict[str, Any], tool: _Tool, chosen: tuple[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """The stage up to the source: what names the dependencies comes alone, where that is
    enough.
    """
    image, wanted = chosen
    names = ("package.json", tool.lock, ".npmrc", ".yarnrc.yml", ".pnpmfile.cjs")
    listed = " ".join(name for name in names if facts.has(name))
    values = {**_table(package, "dependencies"), **_table(package, "devDependencies")}.values()
    local = "workspaces" in package or facts.has("pnpm-workspace.yaml") or facts.under(".yarn")
    alone = not local and not any(_LOCAL.match(value) for value in values)
    copies = (
        (f"COPY {listed} ./", run(*wanted), "COPY . .") if alone else ("COPY . .", run(*wanted))
    )
    return (f"FROM {image} AS build", "WORKDIR /app", _QUIET, *_ready(package, tool), *copies)


def _ready(package: dict[str, Any], tool: _Tool) -> tuple[str, ...]:
    """Node's image brings npm and the first yarn."""
    if tool is _PNPM:
        asked = re.match(r"pnpm@[\w.-]+", str(package.get("packageManager", "")))
        return (run("npm", "install", "--global", asked[0] if asked else "pnpm@10"),)
    return (run("corepack", "enable"),) if tool is _BERRY else ()


def _pages(facts: Facts, package: dict[str, Any], tool: _Tool, chosen: tuple[str, str]) -> Plan:
    version, folder = chosen
    build = (
        *_installed(facts, package, tool, (f"node:{version}-slim", tool.install)),
        run(tool.name, "run", "build"),
    )
    copy = f"COPY --from=build /app/{folder} /srv"
    title = f"Site built by Node.js {version}"
    return Plan(
        language="Node.js",
        framework="site",
        reason=f"there is package.json with a build and no server; {folder}/ is served",
        dockerfile=dockerfile(title, build, static.serving(copy, one_page=True)),
        ignore=(*IGNORE, *BUILT),
    )


def _tool(facts: Facts, package: dict[str, Any]) -> _Tool:
    asked = str(package.get("packageManager", ""))
    if facts.has("pnpm-lock.yaml"):
        return _PNPM
    if facts.has("yarn.lock"):
        modern = asked.startswith("yarn@") and not asked.startswith("yarn@1")
        return _BERRY if modern or facts.has(".yarnrc.yml") else _YARN
    return _NPM if facts.has("package-lock.json") else _NPM_FREE


def _command(facts: Facts, package: dict[str, Any], scripts: dict[str, str]) -> str:
    if "start" in scripts:
        return "npm start" if "prestart" in scripts else scripts["start"]
    main = package.get("main")
    named = [main, f"{main}.js"] if isinstance(main, str) else []
    found = facts.has(*(name.removeprefix("./") for name in named), *MAINS)
    return f"node {found}" if found else ""


def _unlocked(tool: _Tool, needs: dict[str, str]) -> tuple[str, ...]:
    if tool.lock or not needs:
        return ()
    return ("There is no lock file: each build may get other versions. Commit package-lock.json.",)


def _version(facts: Facts, package: dict[str, Any]) -> str:
    for name in (".nvmrc", ".node-version"):
        if exact := pinned(facts.text(name), 1):
            return exact
    return satisfying(_table(package, "engines").get("node", ""), NODE)


def _json(text: str) -> dict[str, Any]:
    """The document; empty when it is none, which npm will complain of."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _table(package: dict[str, Any], name: str) -> dict[str, str]:
    """An object of texts, as far as it is one."""
    found = package.get(name)
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}
