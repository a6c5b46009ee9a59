"""`paas domains`: a service's custom domains and their certificates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from paas.cli.app import App, common
from paas.cli.client import segment
from paas.cli.output import moment
from paas.cli.trouble import CliError

SOURCES = {"acme": "issued", "upload": "uploaded", "file": "from the settings"}


@click.command()
@click.argument("service", required=False)
@click.argument("action", required=False, type=click.Choice(["add", "remove", "certificate"]))
@click.argument("domain", required=False)
@click.option("--certificate", type=click.Path(path_type=Path), help="PEM file with its chain.")
@click.option("--key", type=click.Path(path_type=Path), help="PEM file with its private key.")
@click.option("--remove", is_flag=True, help="Use the uploaded certificate no more.")
@common
def domains(
    app: App, service: str | None, *, action: str | None, domain: str | None, **options: Any
) -> None:
    """List, add or remove a service's custom domains, or bring a certificate for one.
    Without a service: all hosts that have or should have a certificate.

    Examples:
      paas domains
      paas domains shop
      paas domains shop add shop.example.com
      paas domains shop remove shop.example.com
      paas domains shop certificate shop.example.com --certificate shop.pem --key shop.key
      paas domains shop certificate shop.example.com --remove

    """
    client = app.client()
    if service is None:
        return _list(app, client.get("/v1/certificates"))
    path = f"/v1/services/{segment(service)}/domains"
    if action and not domain:
        raise CliError(f"Name the domain: paas domains {service} {action} DOMAIN.")
    one = f"{path}/{segment(domain or '')}"
    if action == "add":
        client.call("POST", path, body={"domain": domain})
    elif action == "remove":
        client.call("DELETE", one)
    elif action == "certificate" and options["remove"]:
        client.call("DELETE", f"{one}/certificate")
    elif action == "certificate":
        client.call("PUT", f"{one}/certificate", body=_pair(options))
    return _list(app, client.get(path))


def _pair(options: Mapping[str, Any]) -> dict[str, str]:
    if options["certificate"] is None or options["key"] is None:
        raise CliError("Give both --certificate FILE and --key FILE, or --remove.")
    return {name: _read(options[name]) for name in ("certificate", "key")}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"{path} cannot be read: {error}.") from error


def _list(app: App, answer: dict[str, Any]) -> None:
    if app.json:
        app.out.json(answer)
        return
    first: dict[str, Any] = next(iter(answer["items"]), {})
    app.out.table(
        ("DOMAIN", "SERVICE" if "host" in first else "SINCE", "CERTIFICATE", "EXPIRES", "DETAIL"),
        [_row(one) for one in answer["items"]],
    )


def _row(item: Mapping[str, Any]) -> tuple[str, ...]:
    certificate = item.get("certificate") or {}
    return (
        item.get("domain") or item.get("host") or "",
        moment(item.get("created")) if "created" in item else item.get("service") or "",
        certificate.get("state") or "",
        moment(certificate.get("expires")),
        _detail(certificate),
    )


def _detail(certificate: Mapping[str, Any]) -> str:
    """Where it came from, or what is wrong and what is done about it."""
    source, problem = certificate.get("source"), certificate.get("problem")
    words = [SOURCES.get(source, source)] if source else []
    if source == "acme" and certificate.get("issuer"):
        words.append(f"by {certificate['issuer']}")
    if problem:
        words.append(f"{problem['message']} {problem.get('advice') or ''}".strip())
    if certificate.get("next_try"):
        words.append(f"Tried again {moment(certificate['next_try'])}.")
    return " ".join(words)
