"""`paas deploy`: pack, send, watch, tell."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from paas.cli import repository, request
from paas.cli.app import App, ask, common
from paas.cli.client import SLOW_SECONDS, Client, segment
from paas.cli.finish import finish
from paas.cli.pack import ARCHIVES, is_archive, members, pack
from paas.cli.progress import Progress, choose
from paas.cli.templates import LANGUAGES, template
from paas.cli.trouble import CliError
from paas.core.git_urls import service_of

HELP = """Deploy PATH (a folder, or a .zip, .tar or .tar.gz file), a repository or an image.

A folder without a Dockerfile is built for the language it is written in:
Java, PHP, Node.js, Go, Python, or a static site. `--eject` writes out how.

Makes the service if there is none, shows the build log and each step, and
prints the URL. Interrupting it does not stop the deployment: `paas cancel`
does.

\b
Examples:
  paas deploy .
  paas deploy ./shop --env MODE=prod --secret DB_PASSWORD --min 1
  paas deploy ./shop --traffic none --note "new checkout"
  paas deploy shop.zip --service shop --port 8080
  paas deploy --image registry.example/shop:1.4 --registry-user ci
  paas deploy --git https://host.example/team/shop.git --ref v1.2 --subdir web
  paas deploy --git git@host.example:team/shop.git --git-key ~/.ssh/deploy_key
  paas deploy --image paas/hello
  paas deploy --template python
"""

Options = dict[str, Any]

_OPTIONS = (
    click.argument("path", required=False, type=click.Path(path_type=Path)),
    click.option("--image", metavar="REF", help="An image instead of a folder."),
    *repository.OPTIONS,
    click.option(
        "--template", type=click.Choice(LANGUAGES), help="A small application of ours instead."
    ),
    click.option(
        "--eject", is_flag=True, help="Write the Dockerfile that is used into the folder, and end."
    ),
    click.option(
        "--service", metavar="NAME", help="Default: the folder's, repository's or image's name."
    ),
    click.option(
        "--traffic",
        type=click.Choice(["all", "none"]),
        default="all",
        show_default=True,
        help="What the new version gets when it is ready.",
    ),
    click.option("--port", type=click.IntRange(1, 65535), help="The port the program listens on."),
    click.option("--env", multiple=True, metavar="K=V", help="Repeatable."),
    click.option("--env-file", type=click.Path(path_type=Path), help="Lines of K=V."),
    click.option(
        "--secret",
        multiple=True,
        metavar="K[=V]",
        help="Kept encrypted. K alone takes $K or asks, and stays off the command line.",
    ),
    click.option("--secret-file", type=click.Path(path_type=Path), help="Lines of K=V."),
    click.option("--min", "minimum", type=click.IntRange(0), help="Fewest replicas."),
    click.option("--max", "maximum", type=click.IntRange(1), help="Most replicas."),
    click.option("--cpu", type=float, metavar="CORES", help="Per replica, for example 0.5."),
    click.option("--memory", metavar="SIZE", help="Per replica, for example 512MiB."),
    click.option("--concurrency", type=click.IntRange(0), help="Requests at once per replica."),
    click.option(
        "--read-only/--writable",
        default=None,
        help="Whether replicas can write to temporary folders only.",
    ),
    click.option("--rps", type=float, help="Requests per second per replica to scale at."),
    click.option("--dockerfile", metavar="FILE", help="Its path inside the source."),
    click.option("--build-dir", metavar="DIR", help="The build context inside the source."),
    click.option("--build-arg", multiple=True, metavar="K=V", help="For ARG. Repeatable."),
    click.option(
        "--build-secret",
        multiple=True,
        metavar="ID[=V]",
        help="For RUN --mount=type=secret,id=ID. ID alone takes $ID or asks.",
    ),
    click.option("--target", metavar="STAGE", help="The stage of the Dockerfile to build."),
    click.option("--command", multiple=True, metavar="WORD", help="Repeat for each word."),
    click.option("--arg", "args", multiple=True, metavar="WORD", help="Repeat for each word."),
    click.option("--probe-http", metavar="PATH", help="Ready when a GET of PATH succeeds."),
    click.option("--note", help="Shown in the list of versions."),
    click.option("--timeout-start", type=float, metavar="SECONDS", help="Longest start."),
    click.option(
        "--registry-user", metavar="USER", help="Password from PAAS_REGISTRY_PASSWORD, or asked."
    ),
    click.option(
        "--inherit",
        is_flag=True,
        help="What is not given is as in the newest ready version, environment included.",
    ),
    click.option("--detach", is_flag=True, help="Do not wait for the end."),
)


def _with_options(function: Any) -> Any:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command(help=HELP)
@_with_options
@common
def deploy(app: App, path: Path | None, image: str | None, **options: Any) -> None:
    language, repo = options["template"], options["git"]
    if sum(map(bool, (path, image, repo, language))) > 1:
        raise CliError("Give a PATH, --git, --image or --template, and only one of them.")
    if options["eject"]:
        _eject(app, path, image or repo or language, options)
        return
    show = choose(app.out, as_json=app.json)
    spec = _spec(app, image, options)
    if language:
        path, options["service"] = template(language), options["service"] or f"hello-{language}"
    service = options["service"] or _default_name(path, image, repo, show)
    client = app.client()
    try:
        if image or options["git"]:
            deployment = _submit(client, service, spec)
        else:
            deployment = _upload(client, service, path or Path(), spec, show)
        finish(app, client, deployment, show=show, detach=options["detach"])
    finally:
        show.close()


def _eject(app: App, path: Path | None, other: str | None, options: Options) -> None:
    if other or options["dockerfile"]:
        raise CliError("--eject goes with a folder, and without --dockerfile.")
    from paas.cli.eject import eject  # noqa: PLC0415 (only then)

    eject(app, (path or Path()) / (options["build_dir"] or ""))


def _spec(app: App, image: str | None, options: Options) -> dict[str, Any]:
    source: dict[str, Any] = {"type": "image", "image": image} if image else {"type": "archive"}
    source = repository.source(options, app.environ, ask) or source
    if options["registry_user"]:
        if not image:
            raise CliError("--registry-user goes with --image.")
        password = app.environ.get("PAAS_REGISTRY_PASSWORD") or ask("the registry's password")
        source["credentials"] = {"user": options["registry_user"], "password": password}
    spec = request.spec(options, source)
    env = request.read_pairs(options["env_file"]) if options["env_file"] else {}
    env |= request.pairs(options["env"], "--env")
    secrets = request.read_pairs(options["secret_file"]) if options["secret_file"] else {}
    secrets |= request.secret_pairs(options["secret"], app.environ, ask)
    given = {
        "env": env,
        "secrets": secrets,
        "build_args": request.pairs(options["build_arg"], "--build-arg"),
        "build_secrets": request.secret_pairs(
            options["build_secret"], app.environ, ask, option="--build-secret"
        ),
    }
    return spec | {section: values for section, values in given.items() if values}


def _default_name(path: Path | None, image: str | None, git: str | None, show: Progress) -> str:
    if git:
        name = request.service_name(service_of(git))
    elif image:
        name = request.service_name(request.image_name(image))
    else:
        base = (path or Path()).resolve().name
        suffix = next((end for end in ARCHIVES[::-1] if base.lower().endswith(end)), "")
        name = request.service_name(base[: len(base) - len(suffix)])
    show.say(f"Service: {name}")
    return name


def _submit(client: Client, service: str, spec: dict[str, Any]) -> dict[str, Any]:
    path = f"/v1/services/{segment(service)}/deployments"
    answer: dict[str, Any] = client.call("POST", path, body=spec, timeout=SLOW_SECONDS)
    return answer


def _upload(
    client: Client, service: str, path: Path, spec: dict[str, Any], show: Progress
) -> dict[str, Any]:
    with _archive(path, show) as archive:
        url = f"/v1/services/{segment(service)}/deployments"
        answer: dict[str, Any] = client.upload(url, spec, archive, progress=show.upload)
        return answer


@contextmanager
def _archive(path: Path, show: Progress) -> Iterator[Path]:
    """The archive to send: the file itself, or a packed folder that is removed again."""
    if path.is_file() and is_archive(path):
        yield path
        return
    if not path.is_dir():
        missing = not path.exists()
        raise CliError(
            f"{path} {'does not exist' if missing else 'is not a folder or an archive'}.",
            advice=f"Give a folder or a file ending in {', '.join(ARCHIVES)}.",
        )
    found = members(path)
    show.busy(f"packing {len(found)} entries", 0.0)
    with tempfile.TemporaryDirectory(prefix="paas-") as folder:
        archive = Path(folder) / "source.tar.gz"
        with archive.open("wb") as into:
            pack(found, into)
        yield archive
