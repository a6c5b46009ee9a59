"""A site of plain files, served by Caddy."""

from collections.abc import Iterable

from paas.core.languages.facts import Facts
from paas.core.languages.plan import IGNORED, PORT, Plan, dockerfile, last, run, words

IMAGE = "caddy:2-alpine"
ROOTS = ("", "public", "dist", "build", "site", "www", "_site", "docs")


def plan(facts: Facts, web: str) -> Plan | None:  # noqa: ARG001 (files need no command)
    """Raises nothing: a site is what holds an `index.html`."""
    root = next((one for one in ROOTS if f"{one}/index.html".lstrip("/") in facts.files), None)
    if root is None:
        return None
    where = f"{root}/index.html" if root else "index.html"
    title = "Static site"
    return Plan(
        language=title,
        reason=f"there is {where} and nothing that is a program",
        dockerfile=dockerfile(title, serving(f"COPY {root or '.'} /srv")),
        ignore=(*IGNORED, "node_modules"),
    )


def serving(*lines: str, one_page: bool = False) -> Iterable[str]:
    """The stage that serves /srv; an application of one page gets it for every path."""
    fallback = "\n  try_files {path} /index.html" if one_page else ""
    site = (
        "{\n  admin off\n  auto_https off\n}\n"
        f":{{$PORT}} {{\n  root * /srv\n  encode gzip{fallback}\n  file_server\n}}\n"
    )
    return last(
        IMAGE,
        f"ENV PORT={PORT} XDG_DATA_HOME=/tmp XDG_CONFIG_HOME=/tmp",
        run("sh", "-c", 'printf "%s" "$1" >/etc/caddy/Caddyfile', "sh", site),
        *lines,
        command=f"CMD {words('caddy', 'run', '--config', '/etc/caddy/Caddyfile')}",
    )
