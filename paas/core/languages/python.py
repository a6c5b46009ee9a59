"""Python: dependencies in a virtual environment of their own, made in a stage before.

Servers: gunicorn for Django and Flask (it reads `PORT` itself), uvicorn for FastAPI.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

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
    with_hints,
)
from paas.core.languages.versions import PYTHON, pinned, satisfying

MAINS = ("main.py", "app.py", "server.py", "wsgi.py", "asgi.py", "start.py", "run.py", "hello.py",
         "app/main.py", "app/__init__.py", "src/main.py", "src/app.py", "api/main.py")  # fmt: skip
MANIFESTS = ("uv.lock", "poetry.lock", "pyproject.toml", "Pipfile", "requirements.txt")
IGNORE = (*IGNORED, "__pycache__", "**/__pycache__", ".venv", "venv", ".pytest_cache", ".tox")
VENV = "/opt/venv"

LONGEST_LINE = 1000
"""Characters: the parser of TOML takes quadratic time for a key of many parts."""

_PATH = f"{VENV}/bin:$PATH"
_LOCAL = re.compile(
    r"^[ \t]*(?:\.|/|file:|-[refc]|--(?:find-links|requirement|constraint|editable))"
    r"|@[ \t]?(?:\.|file:)",
    re.MULTILINE,
)
_APP = r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?{}\("
_FASTAPI = re.compile(_APP.format("FastAPI"), re.MULTILINE)
_FLASK = re.compile(_APP.format("Flask"), re.MULTILINE)
_FACTORY = re.compile(r"^def (create_app|make_app)\(", re.MULTILINE)
_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE[\"'],\s*[\"']([\w.]+)")
_GUNICORN = ("gunicorn", "--threads", "8", "--worker-tmp-dir", "/dev/shm")  # noqa: S108


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """How it starts; `server` is the package that must be there for it."""

    command: str
    framework: str = ""
    server: str = ""
    steps: tuple[str, ...] = ()


def plan(facts: Facts, web: str) -> Plan | None:
    """A source that names its dependencies, or is a Django project."""
    manifest = facts.has(*MANIFESTS) or facts.has("manage.py")
    return _plan(facts, web, manifest) if manifest else None


def plan_main(facts: Facts, web: str) -> Plan | None:
    """A source that has nothing but a program under one of the usual names."""
    main = facts.has(*MAINS)
    return _plan(facts, web, main) if main else None


def _plan(facts: Facts, web: str, seen: str) -> Plan:
    project = _toml(facts.text("pyproject.toml"))
    program = _program(facts, web, seen)
    version = _version(facts, project)
    missing = _missing(facts, program)
    install = _install(facts, project, missing)
    title = f"Python {version}" + (f" ({program.framework})" if program.framework else "")
    stage = _last(facts, program, version, bool(install))
    build = _build(install, version) if install else ()
    made = Plan(
        language="Python",
        framework=program.framework,
        reason=f"there is {seen}; it starts with `{program.command}`",
        dockerfile=dockerfile(title, *([build] if build else []), stage),
        ignore=IGNORE,
    )
    return with_hints(made, *(_missing_hint(one) for one in missing))


# ---- what starts


def _program(facts: Facts, web: str, seen: str) -> _Program:
    found = _django(facts) or _asgi_or_wsgi(facts)
    if found is None and (main := facts.has(*MAINS)):
        found = _Program(command=f"python {main}")
    if web:
        return _Program(command=web, framework=found.framework if found else "")
    if found is None:
        raise unclear(
            f"This is Python ({seen}), but nothing says how it starts: looked for "
            f"{', '.join(MAINS)} and manage.py.",
            "Add a Procfile with a line like `web: python shop.py`.",
        )
    return found


def _django(facts: Facts) -> _Program | None:
    if not facts.has("manage.py"):
        return None
    found = _SETTINGS.search(facts.text("manage.py"))
    package = found[1].partition(".")[0] if found else ""
    if not facts.has(f"{package}/wsgi.py"):
        wsgi = sorted(path for path in facts.files if path.endswith("/wsgi.py"))
        package = wsgi[0].removesuffix("/wsgi.py").replace("/", ".") if wsgi else package
    steps: tuple[str, ...] = ()
    texts = "".join(text for path, text in facts.texts.items() if "settings" in path)
    if "STATIC_ROOT" in texts and "whitenoise" in texts:
        steps = (
            run("env", "SECRET_KEY=build", "python", "manage.py", "collectstatic", "--noinput"),
        )
    command = " ".join((*_GUNICORN, f"{package or 'config'}.wsgi:application"))
    return _Program(command=command, framework="Django", server="gunicorn", steps=steps)


def _asgi_or_wsgi(facts: Facts) -> _Program | None:
    """The first file under a usual name in which a FastAPI or Flask application is made."""
    for path in filter(facts.has, MAINS):
        text = facts.text(path)
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if found := _FASTAPI.search(text):
            command = f"uvicorn {module}:{found[1]} --host 0.0.0.0 --port $PORT"
            return _Program(command=command, framework="FastAPI", server="uvicorn")
        flask = _FLASK.search(text)
        factory = _FACTORY.search(text) if "Flask" in text or "flask" in text else None
        if flask or factory:
            target = flask[1] if flask else f"{factory[1]}()" if factory else ""
            words = [*_GUNICORN, f"{module}:{target}"]
            command = " ".join(words if flask else [*words[:-1], f"'{words[-1]}'"])
            return _Program(command=command, framework="Flask", server="gunicorn")
    return None


def _missing(facts: Facts, program: _Program) -> tuple[str, ...]:
    """The server, where no file names it."""
    named = "\n".join(
        facts.text(name) for name in ("requirements.txt", "pyproject.toml", "Pipfile")
    )
    named = f"\n{named}".lower()
    if not program.server or re.search(rf"[\s\"'\[]{program.server}\b|fastapi\[", named):
        return ()
    return (program.server,)


def _missing_hint(server: str) -> str:
    return f"{server} is no dependency yet: its newest release is installed. Name it, to pin it."


# ---- what is installed


def _install(facts: Facts, project: dict[str, Any], extra: tuple[str, ...]) -> tuple[str, ...]:
    """The lines that fill the virtual environment; the files that name the dependencies
    alone come first, as far as that is enough, so that they are installed once.
    """
    more = (run("pip", "install", *extra),) if extra else ()
    poetry = "poetry" in project.get("tool", {}) and "dependencies" not in project.get(
        "project", {}
    )
    if facts.has("uv.lock"):
        sync = run("uv", "sync", "--frozen", "--no-dev", "--no-install-project", "--no-editable")
        return (_tool("uv"), "COPY pyproject.toml uv.lock ./", sync, *more)
    if facts.has("poetry.lock") or poetry:
        names = " ".join(filter(facts.has, ("pyproject.toml", "poetry.lock")))
        install = run("poetry", "install", "--only", "main", "--no-root", "--no-interaction")
        return (_tool("poetry"), f"COPY {names} ./", install, *more)
    if facts.has("requirements.txt"):
        copy = "COPY requirements.txt ./"
        if _LOCAL.search(facts.text("requirements.txt")):
            copy = "COPY . ."  # it names other files of the source
        return (copy, run("pip", "install", "-r", "requirements.txt"), *more)
    if facts.has("Pipfile"):
        names = " ".join(filter(facts.has, ("Pipfile", "Pipfile.lock")))
        how = ("sync",) if facts.has("Pipfile.lock") else ("install", "--skip-lock")
        return (_tool("pipenv"), f"COPY {names} ./", run("pipenv", *how), *more)
    return (*_project(project), *more)


def _project(project: dict[str, Any]) -> tuple[str, ...]:
    """A plain pyproject: its dependencies are written out, and it is installed itself if
    it says how.
    """
    given = project.get("project", {}).get("dependencies", [])
    names = [name for name in given if isinstance(name, str) and name[:1].isalnum()]
    lines: tuple[str, ...] = (run("pip", "install", *names),) if names else ()
    if "build-system" in project:
        lines += ("COPY . .", run("pip", "install", "--no-deps", "."))
    return lines


def _tool(name: str) -> str:
    """An installer, beside the environment and not in it."""
    return run("/usr/local/bin/python", "-m", "pip", "install", name)


def _build(install: tuple[str, ...], version: str) -> tuple[str, ...]:
    return (
        f"FROM python:{version}-slim AS build",
        f"ENV VIRTUAL_ENV={VENV} UV_PROJECT_ENVIRONMENT={VENV} PIPENV_VERBOSITY=-1 \\",
        "    POETRY_VIRTUALENVS_CREATE=false PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1",
        run("python", "-m", "venv", VENV),
        f"ENV PATH={_PATH}",
        "WORKDIR /app",
        *install,
    )


def _last(facts: Facts, program: _Program, version: str, installed: bool) -> tuple[str, ...]:  # noqa: FBT001 (of one caller)
    roots = "/app/src:/app" if facts.under("src") else "/app"
    copies = (f"COPY --from=build {VENV} {VENV}", f"ENV PATH={_PATH}") if installed else ()
    return last(
        f"python:{version}-slim",
        f"ENV PORT={PORT} HOME=/tmp \\",
        f"    PYTHONPATH={roots} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1",
        "WORKDIR /app",
        *copies,
        "COPY . .",
        *program.steps,
        command=start(program.command),
    )


def _version(facts: Facts, project: dict[str, Any]) -> str:
    for name in (".python-version", "runtime.txt"):
        if exact := pinned(facts.text(name), 2):
            return exact
    pipfile = _toml(facts.text("Pipfile")).get("requires", {}).get("python_version")
    tables = (
        project.get("project", {}).get("requires-python"),
        project.get("tool", {}).get("poetry", {}).get("dependencies", {}).get("python"),
        pipfile,
    )
    wanted = next((one for one in tables if isinstance(one, str)), "")
    return satisfying(wanted, PYTHON)


def _toml(text: str) -> dict[str, Any]:
    """The document; empty when it cannot be read, which its own tool will complain of."""
    if max(map(len, text.splitlines()), default=0) > LONGEST_LINE:
        return {}
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
