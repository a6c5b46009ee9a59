"""The engine's error texts made readable, with what to do next. Pure."""

import re

from paas.errors import Denied, Failed, NotFound, PaasError

_EXEC = re.compile(r'exec: "([^"]+)"')
_WRAPPING = (
    "failed to create shim task",
    "failed to create task for container",
    "OCI runtime create failed",
    "runc create failed",
    "unable to start container process",
    "error during container init",
)
_DENIED = ("denied", "unauthorized", "authentication required", "no basic auth credentials")
_MISSING = ("manifest unknown", "not found", "does not exist", "no such image")
_NETWORK = (
    "dial tcp",
    "no such host",
    "i/o timeout",
    "connection refused",
    "connection reset",
    "TLS handshake",
    "Client.Timeout",
    "network is unreachable",
    "x509",
)


def image_gone(reference: str) -> NotFound:
    return NotFound(
        f"The image {reference} is no longer on this host.",
        code="image_gone",
        advice="Deploy the version again, or pull the image by hand.",
    )


def replica_gone(replica: str) -> NotFound:
    return NotFound(f"The replica {replica[:12]} is gone.", code="replica_gone")


def start_failed(message: str) -> Failed:
    """Why the engine could not start a replica."""
    text, advice = _explain_start(message)
    return Failed(text, code="start_failed", advice=advice)


def explain_exit(code: int, program: str) -> str:
    """What the exit codes of init and shells say; empty for a program's own codes.

    Replicas run under init, so that the engine starts even what does not exist.
    """
    if code == 127:
        return f"{program} was not found in the image, or it calls a program that was not."
    if code == 126:
        return f"{program} was found but may not be executed (permission, or processor)."
    return ""


def source_unreadable(error: OSError) -> Failed:
    """Why the source could not be sent to a build."""
    return Failed(
        f"The source could not be read: {error}",
        code="source_unreadable",
        advice="Deploy again.",
    )


def pull_failed(reference: str, message: str) -> PaasError:
    """Why a registry did not give an image."""
    text = _first_line(message)
    if any(word in message for word in _DENIED):
        return Denied(
            f"The registry refused {reference}: {text}",
            code="pull_denied",
            advice="Check the image's name; if it is private, give the registry's credentials, or "
            "store a login for it (paas registry login).",
        )
    if any(word in message for word in _NETWORK):
        return Failed(
            f"The registry of {reference} cannot be reached: {text}",
            code="pull_failed",
            advice="Check the registry's name and this host's network, then deploy again.",
        )
    if any(word in message.lower() for word in _MISSING):
        return NotFound(
            f"The registry has no image {reference}: {text}",
            code="image_not_found",
            advice="Check the image's name and tag.",
        )
    return Failed(
        f"The image {reference} could not be pulled: {text}",
        code="pull_failed",
        advice="Deploy again; if it fails again, pull the image by hand to see more.",
    )


def login_failed(host: str, error: PaasError) -> PaasError:
    """Why a registry did not take a login."""
    text = _first_line(error.message)
    lower = error.message.lower()
    if isinstance(error, Denied) or any(word in lower for word in _DENIED):
        return Denied(
            f"The registry {host} refused the login: {text}",
            code="login_refused",
            advice="Check user and password; many registries want an access token for it.",
        )
    return Failed(
        f"The registry {host} could not be asked: {text}",
        code="registry_unreachable",
        advice="Check its name and this host's network, or store the login unchecked (--no-check).",
    )


def _explain_start(message: str) -> tuple[str, str]:
    found = _EXEC.search(message)
    program = found[1] if found else ""
    if "docker-init" in message:
        return (
            "The engine has no docker-init, which replicas run under.",
            "Install the engine's init program (the package tini or docker-init).",
        )
    if "exec format error" in message:
        return (
            f"The program {program} is not for this host's processor.".replace("  ", " "),
            "Build the image for the processor of this host.",
        )
    if program and "permission denied" in message:
        return (
            f"The program {program} in the image may not be executed (permission denied).",
            "Make it executable in the Dockerfile (chmod +x).",
        )
    if program and ("not found" in message or "no such file" in message):
        return (
            f"The image has no program {program}.",
            "Check the version's command, and CMD and ENTRYPOINT of the Dockerfile.",
        )
    if "no command specified" in message.lower():
        return (
            "The image does not say what to run.",
            "Give the Dockerfile a CMD or ENTRYPOINT, or the version a command.",
        )
    return (
        f"The engine could not start the replica: {_unwrapped(message)}",
        "Check the version's command and limits, and the engine's log.",
    )


def _unwrapped(message: str) -> str:
    """The part that says something, without the layers that only passed it on."""
    parts = [part.strip() for part in _first_line(message).split(": ")]
    told = [part for part in parts if part and part not in _WRAPPING and part != "unknown"]
    return ": ".join(told) or message


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0][:500]
