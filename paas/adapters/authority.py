"""The `Authority` port: each call is a process of its own, which `acme_client.py` is.

It gets its task on standard input, may use so much memory, is ended with all it may have
started when its time is over, and ends when the daemon does, however that ends.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paas.errors import Failed, PaasError, TooOften, Unavailable
from paas.ports import Order, Proof, Request

PROGRAM = Path(__file__).with_name("acme_client.py")
DEADLINE = 150.0
DECISION = 100.0
"""Seconds that the authority has for its checks and the certificate."""
RATE_LIMITED = 3600
"""Seconds to wait where it asked for none."""
ADDRESS_SPACE = 1024**3
"""Bytes that one may use, against answers without end."""
PASSED_ON = ("PATH", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "no_proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How we present ourselves. `ca_file` are the roots for talking to a private authority,
    empty: the usual ones.
    """

    directory: str
    email: str = ""
    ca_file: str = ""
    profile: str = ""


class AcmeAuthority:
    """Behind the account's directory; a call takes at most so many seconds."""

    def __init__(self, account: Account, *, seconds: float = DEADLINE) -> None:
        self._account = account
        self._seconds = seconds

    @property
    def directory(self) -> str:
        return self._account.directory

    async def begin(self, request: Request) -> Order:
        told = await self._ask("begin", request.account_key, **_task(request))
        proofs = tuple(Proof(**proof) for proof in told["proofs"])
        return Order(url=told["order"], proofs=proofs)

    async def finish(self, request: Request) -> str:
        told = await self._ask("finish", request.account_key, **_task(request))
        return str(told["chain"])

    async def renewals(
        self, account_key: str, chains: Mapping[str, str]
    ) -> Mapping[str, float | None]:
        told = await self._ask("renewals", account_key, chains=dict(chains))
        found: dict[str, float | None] = told["renewals"]
        return found

    async def _ask(self, action: str, account_key: str, **task: object) -> dict[str, Any]:
        account = self._account
        whole = {
            "action": action,
            "account_key": account_key,
            "directory": account.directory,
            "email": account.email,
            "ca_file": account.ca_file,
            "profile": account.profile,
            "seconds": DECISION,
            **task,
        }
        try:
            async with asyncio.timeout(self._seconds):
                told = json.loads(await _run(json.dumps(whole).encode()))
        except (TimeoutError, OSError, ValueError) as error:
            raise _unreachable(account.directory, type(error).__name__) from error
        if "error" in told:
            raise _trouble(account.directory, told["error"])
        done: dict[str, Any] = told["ok"]
        return done


def _task(request: Request) -> dict[str, str]:
    return {"csr": request.csr, "kind": request.kind.value, "order": request.order}


async def _run(task: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *("prlimit", f"--as={ADDRESS_SPACE}", "--core=0"),
        *("setpriv", "--no-new-privs", "--pdeathsig", "KILL", "--"),
        *(sys.executable, "-I", str(PROGRAM)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        cwd="/",
        start_new_session=True,
    )
    try:
        out, _ = await process.communicate(task)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
    return out


def _trouble(directory: str, told: Mapping[str, Any]) -> PaasError:
    code, message = str(told["code"]), str(told["message"])
    if code == "authority_unreachable":
        return _unreachable(directory, message)
    if code == "rate_limited":
        return TooOften(
            f"The certificate authority wants fewer requests: {message}",
            code=code,
            retry_after=int(told["retry_after"] or RATE_LIMITED),
            advice="Nothing to do: it is tried again when the authority allows it.",
        )
    return Failed(f"The certificate authority refused: {message}", code=code, advice=_ADVICE[code])


_ADVICE = {
    "validation_failed": "See that the domain leads to this host from the whole internet, and "
    "that a firewall lets the authority in.",
    "order_refused": "Read what the authority says; it does not issue for every name.",
    "challenge_not_offered": "Choose another acme.challenge.",
    "authority_slow": "Nothing to do: it is tried again.",
}


def _unreachable(directory: str, reason: str) -> Unavailable:
    return Unavailable(
        f"The certificate authority at {directory} cannot be talked to: {reason}",
        code="authority_unreachable",
        advice="See whether this host reaches it, and whether acme.directory is right.",
    )
