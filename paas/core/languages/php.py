"""PHP: Apache with its module, on the port in `PORT`; composer in a stage before."""

import json
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
)
from paas.core.languages.versions import PHP, satisfying

ROOTS = ("public", "web", "")
EXTENSIONS = {
    "bcmath": "", "calendar": "", "exif": "", "mysqli": "", "pcntl": "", "pdo_mysql": "",
    "sockets": "", "bz2": "libbz2-dev", "gd": "libpng-dev", "gmp": "libgmp-dev",
    "intl": "libicu-dev", "pdo_pgsql": "libpq-dev", "pgsql": "libpq-dev", "soap": "libxml2-dev",
    "xsl": "libxslt1-dev", "zip": "libzip-dev",
}  # fmt: skip
"""What PHP's image can add to itself, with the Debian package that it needs for it."""

INCLUDED = frozenset({
    "ctype", "curl", "date", "dom", "fileinfo", "filter", "hash", "iconv", "json", "libxml",
    "mbstring", "mysqlnd", "opcache", "openssl", "pcre", "pdo", "pdo_sqlite", "phar", "posix",
    "random", "readline", "reflection", "session", "simplexml", "sodium", "spl", "sqlite3",
    "standard", "tokenizer", "xml", "xmlreader", "xmlwriter", "zlib",
})  # fmt: skip
_WRITABLE = ("storage", "bootstrap/cache", "var")
_CONF = "/etc/apache2"
# It ends its requests first; and it runs with a read-only root, too.
_APACHE = (
    "ENV APACHE_RUN_DIR=/tmp APACHE_LOCK_DIR=/tmp APACHE_PID_FILE=/tmp/apache2.pid",
    "STOPSIGNAL SIGWINCH",
)
_SITE = f"{_CONF}/sites-available/000-default.conf"


def plan(facts: Facts, web: str) -> Plan | None:
    """Raises `Invalid` (`unclear_source`) where no index.php is found."""
    indexes = [root for root in ROOTS if f"{root}/index.php".lstrip("/") in facts.files]
    composer = facts.has("composer.json")
    if not composer and not indexes:
        return None
    if not indexes and not web:
        raise unclear(
            "This is PHP (composer.json), but there is no index.php: looked for "
            "public/index.php, web/index.php and index.php.",
            "Add one, or a Procfile with a line like `web: php server.php`.",
        )
    package = _json(facts.text("composer.json"))
    needs = package.get("require")
    needs = needs if isinstance(needs, dict) else {}
    version = satisfying(str(needs.get("php", "")), PHP)
    framework = (
        "Laravel"
        if facts.has("artisan")
        else "Symfony"
        if "symfony/framework-bundle" in needs
        else ""
    )
    title = f"PHP {version}" + (f" ({framework})" if framework else "")
    stage = _last(facts, version, (indexes[0] if indexes else "", web), needs)
    return Plan(
        language="PHP",
        framework=framework,
        reason=f"there is {composer or f'{indexes[0]}/index.php'.lstrip('/')}",
        dockerfile=dockerfile(title, *([_vendor(facts)] if composer else []), stage),
        ignore=(*IGNORED, "node_modules", *(["vendor"] if composer else [])),
        hints=_hints(facts, needs),
    )


def _vendor(facts: Facts) -> tuple[str, ...]:
    names = " ".join(filter(facts.has, ("composer.json", "composer.lock")))
    options = ("--no-dev", "--no-interaction", "--no-scripts")
    install = ("--no-autoloader", "--no-progress", "--prefer-dist", "--ignore-platform-reqs")
    return (
        "FROM composer:2 AS build",
        "WORKDIR /app",
        f"COPY {names} ./",
        run("composer", "install", *options, *install),
        "COPY . .",
        run("composer", "dump-autoload", *options, "--optimize", "--ignore-platform-reqs"),
    )


def _last(
    facts: Facts, version: str, served: tuple[str, str], needs: dict[str, Any]
) -> tuple[str, ...]:
    root, web = served
    composer = facts.has("composer.json")
    folder = f"/var/www/html/{root}".rstrip("/")
    root_line = f"s#DocumentRoot .*#DocumentRoot {folder}#"
    writable = [name for name in _WRITABLE if composer and facts.under(name)]
    return last(
        f"php:{version}-apache",
        f"ENV PORT={PORT}",
        *([] if web else _APACHE),
        *_extensions(needs),
        run("sed", "-i", "s/^Listen 80$/Listen ${PORT}/", f"{_CONF}/ports.conf"),
        run("sed", "-i", "-e", "s/:80>/:${PORT}>/", "-e", root_line, _SITE),
        run("a2enmod", "rewrite"),
        "WORKDIR /var/www/html",
        "COPY --from=build /app /var/www/html" if composer else "COPY . .",
        *([run("chown", "-R", "www-data:www-data", *writable)] if writable else []),
        command=start(web) if web else 'CMD ["apache2-foreground"]',
        user="www-data",
    )  # fmt: skip


def _asked(needs: dict[str, Any]) -> list[str]:
    return sorted(name.removeprefix("ext-").lower() for name in needs if name.startswith("ext-"))


def _extensions(needs: dict[str, Any]) -> tuple[str, ...]:
    names = [name for name in _asked(needs) if name in EXTENSIONS]
    packages = sorted({EXTENSIONS[name] for name in names} - {""})
    get = "apt-get update && apt-get install -y --no-install-recommends"
    clean = "rm -rf /var/lib/apt/lists/*"
    first = (f"RUN {get} {' '.join(packages)} && {clean}",) if packages else ()
    return (*first, run("docker-php-ext-install", *names)) if names else ()


def _hints(facts: Facts, needs: dict[str, Any]) -> tuple[str, ...]:
    unknown = [name for name in _asked(needs) if name not in EXTENSIONS and name not in INCLUDED]
    hints = [f"The extension {name} is not added: write a Dockerfile for it." for name in unknown]
    if facts.has("composer.json") and not facts.has("composer.lock"):
        hints.append("There is no composer.lock: each build may get other versions. Commit it.")
    return tuple(hints)


def _json(text: str) -> dict[str, Any]:
    """The document; empty when it is none, which composer will complain of."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
