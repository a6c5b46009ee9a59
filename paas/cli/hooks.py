"""`paas hooks`: set up a service's webhook, and see what came over it."""

import re
from typing import Any

import click

from paas.cli.app import App, ask, common
from paas.cli.client import Client, segment
from paas.cli.output import moment, safe
from paas.cli.repository import LOGIN
from paas.cli.repository import login as repository_login
from paas.cli.trouble import CliError

_ACTIONS = ("setup", "redeliver", "off")
_COMMIT_SHOWN = 12
_LOCAL = re.compile(r"https?://(?:localhost|127\.|\[::1\])")


def with_login(function: Any) -> Any:
    for option in reversed(LOGIN):
        function = option(function)
    return function


@click.command()
@click.argument("words", nargs=-1, metavar="[setup|redeliver|off] SERVICE [DELIVERY]")
@click.option("--repository", metavar="URL", help="With setup: the repository that deploys.")
@click.option("--branch", help="With setup: the branch that deploys; else the default one.")
@click.option("--tags", metavar="PATTERN", help="With setup: tags that deploy too, such as v*.")
@with_login
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@common
def hooks(app: App, words: tuple[str, ...], *, limit: int, **options: Any) -> None:
    """Deploy when somebody pushes to a hosted repository.

    `setup` makes a new secret and tells what to enter at the git host; an earlier secret
    is good no more. With a service alone it lists what came, `redeliver` deploys the
    commit of one of these again, `off` ends it.

    Examples:
      paas hooks setup shop --repository https://github.com/acme/shop --branch main
      paas hooks setup shop --repository git@host:acme/shop --git-key ./deploy_key
      paas hooks shop
      paas hooks redeliver shop hook_4f1c0a2b
      paas hooks off shop

    """
    action = words[0] if words and words[0] in _ACTIONS and len(words) > 1 else ""
    names = words[1:] if action else words
    if len(names) != (2 if action == "redeliver" else 1):
        raise CliError("Name one service.", advice="See `paas hooks --help`.")
    if action != "setup" and any(options.values()):
        raise CliError("--repository, --branch, --tags and --git-… belong to `hooks setup`.")
    client, path = app.client(), f"/v1/services/{segment(names[0])}"
    if action == "setup":
        _set_up(app, client, path, options)
    elif action == "redeliver":
        _redeliver(app, client, f"{path}/deliveries/{segment(names[1])}/redeliver")
    elif action == "off":
        client.call("DELETE", f"{path}/hook")
        _tell(app, {"service": names[0], "enabled": False}, "The webhook is off.")
    else:
        _list(app, client.get(f"{path}/deliveries", limit=limit))


def _set_up(app: App, client: Client, path: str, options: dict[str, Any]) -> None:
    service = client.get(path)
    names = ("repository", "branch", "tags")
    login = repository_login(options, app.environ, ask)
    repository = _repository(
        service.get("repository"), {name: options[name] for name in names}, login
    )
    if repository is not None:
        service = client.call("PATCH", path, body={"repository": repository})
    hook = client.call("POST", f"{path}/hook")
    if app.json:
        app.out.json({**hook, "repository": service.get("repository")})
        return
    for line in _guide(service, hook):
        app.out.line(safe(line))
    if not service.get("auto_prune"):
        app.out.note(
            "Every push makes a version, and when there are as many as there may be, pushes are "
            f"refused: `paas services set {safe(service['name'])} auto_prune=true` lets the "
            "oldest ones without traffic go."
        )
    if not hook["reachable"]:
        app.out.note(
            "The proxy does not forward webhooks yet, so that only this host can send any. "
            "Set api.through_proxy to `hooks` and restart the daemon."
        )
    elif _LOCAL.match(hook["url"]) or ".localhost" in hook["url"]:
        app.out.note("Hosts elsewhere cannot reach a localhost name: set base_domain.")


def _repository(
    known: dict[str, Any] | None, options: dict[str, Any], login: dict[str, str]
) -> dict[str, object] | None:
    """What to change it to; None to leave it."""
    given = {name: value for name, value in options.items() if value is not None}
    renamed: dict[str, object] = {"credentials": login} if login else {}
    renamed |= {"url" if name == "repository" else name: value for name, value in given.items()}
    if not renamed:
        return None
    if known is None and "url" not in renamed:
        raise CliError("The service has no repository.", advice="Add --repository URL.")
    stays = {key: value for key, value in (known or {}).items() if key != "login"}
    return {**stays, **renamed}


def _guide(service: dict[str, Any], hook: dict[str, Any]) -> list[str]:
    repository = service.get("repository")
    lines = []
    if repository is None:
        lines.append(f"{service['name']} takes its repository from its first deployment by git,")
        lines.append("or from `paas hooks setup --repository URL`. Until then pushes are ignored.")
    else:
        branch = repository["branch"] or "the default branch"
        tags = f" and to tags like {repository['tags']}" if repository["tags"] else ""
        lines.append(f"Pushes to {branch}{tags} of {repository['url']}")
        lines.append(f"deploy {service['name']}, once its host has this:")
    return [
        *lines,
        "",
        f"URL     {hook['url']}",
        f"Secret  {hook['secret']}",
        "        It is shown this once; `paas hooks setup` makes a new one.",
        "",
        "GitHub: Settings > Webhooks > Add webhook",
        "  Payload URL   the URL above",
        "  Content type  application/json",
        "  Secret        the secret above",
        "  Events        Just the push event",
        "",
        "GitLab: Settings > Webhooks > Add new webhook",
        "  URL           the URL above",
        "  Signing token the secret above; where there is none, Secret token",
        "  Trigger       Push events, and Tag push events where tags deploy",
        "",
        "Gitea, Forgejo: Settings > Webhooks > Add webhook > Gitea or Forgejo",
        "  Target URL    the URL above",
        "  HTTP method   POST, content type application/json",
        "  Secret        the secret above",
        "  Trigger on    Push events",
        "",
        "Bitbucket: Repository settings > Webhooks > Add webhook",
        "  URL, Secret   as above",
        "  Triggers      Repository push",
    ]


def _list(app: App, answer: dict[str, Any]) -> None:
    if app.json:
        app.out.json(answer)
        return
    if not answer["items"]:
        app.out.line("Nothing came yet. `paas hooks setup SERVICE` tells what the host needs.")
        return
    app.out.table(
        ("DELIVERY", "WHEN", "HOST", "EVENT", "COMMIT", "OUTCOME", "ABOUT"),
        [
            (
                item["id"],
                moment(item["time"]),
                item["host"],
                item["event"],
                item["commit"][:_COMMIT_SHOWN],
                item["outcome"],
                item["reason"] or item["subject"],
            )
            for item in answer["items"]
        ],
    )


def _redeliver(app: App, client: Client, path: str) -> None:
    answer = client.call("POST", path)
    commit, deployment = answer["commit"][:_COMMIT_SHOWN], answer["deployment"]
    told = f"{commit} is being deployed: paas logs --deployment {deployment}"
    _tell(app, answer, told)


def _tell(app: App, answer: dict[str, Any], told: str) -> None:
    if app.json:
        app.out.json(answer)
    else:
        app.out.line(safe(told))
