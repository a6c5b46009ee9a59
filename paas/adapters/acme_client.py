"""One conversation with a certificate authority, in a process of its own.

Run as a program (`authority.py` does): it reads a task as JSON from standard input, writes
what came of it as JSON to standard output, and ends. The ACME library costs 40 MiB that the
daemon would keep; and what it hangs in, or what a hostile authority makes of it, ends with
this process. It imports nothing of ours, and no secret is among its arguments.
"""

import datetime as dt
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from acme import challenges, client, errors, messages
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC
from requests import Response

AGENT = "paas"
CALL_SECONDS = 30
LONGEST_DETAIL = 600
LONGEST_CHAIN = 200_000


class Trouble(Exception):
    """Why it did not work, by the codes that `authority.py` knows."""

    def __init__(self, code: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after


@challenges.ChallengeResponse.register
class TlsAlpnResponse(challenges.KeyAuthorizationChallengeResponse):
    """Of RFC 8737, which the library knows no more."""

    typ = "tls-alpn-01"


@challenges.Challenge.register
class TlsAlpn(challenges.KeyAuthorizationChallenge):
    """The certificate that proves it is made by the daemon."""

    response_cls = TlsAlpnResponse
    typ = TlsAlpnResponse.typ

    def validation(self, account_key: JWK, **_unused: Any) -> str:
        return str(self.key_authorization(account_key))


class Network(client.ClientNetwork):
    """Remembers how long the authority last asked us to wait."""

    retry_after: float | None = None

    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        answer = super()._send_request(method, url, *args, **kwargs)
        seconds = answer.headers.get("Retry-After", "")
        self.retry_after = float(seconds) if seconds.isdecimal() else None
        return answer


class Conversation:
    """With the authority behind a directory, as the owner of an account's key."""

    def __init__(self, task: dict[str, Any]) -> None:
        self._task = task
        key = load_pem_private_key(task["account_key"].encode(), password=None)
        self._key = JWKEC(key=key)
        self.network = Network(
            self._key,
            alg=ES256,
            verify_ssl=task["ca_file"] or True,
            user_agent=AGENT,
            timeout=CALL_SECONDS,
        )
        found = client.ClientV2.get_directory(task["directory"], self.network)
        self._client = client.ClientV2(found, self.network)

    def begin(self) -> dict[str, Any]:
        """The order of before as far as it is of use, or a new one, and what to prove."""
        self._sign_in()
        order = self._resumed() or self._client.new_order(
            self._task["csr"].encode(), profile=self._task["profile"] or None
        )
        return {
            "order": order.uri,
            "status": str(order.body.status.name),
            "proofs": [self._proof(one) for one in _pending(order)],
        }

    def finish(self) -> dict[str, Any]:
        """Say that all is proved, wait, and fetch the certificate."""
        self._sign_in()
        order = self._order(self._task["order"])
        deadline = dt.datetime.now() + dt.timedelta(seconds=self._task["seconds"])  # noqa: DTZ005 - the library's
        for authorization in _pending(order):
            offer = self._offer(authorization)
            self._client.answer_challenge(offer, offer.response(self._key))
        order = self._client.poll_authorizations(order, deadline)
        finalized = order.body.status in (messages.STATUS_PROCESSING, messages.STATUS_VALID)
        end = self._client.poll_finalization if finalized else self._client.finalize_order
        chain = end(order, deadline).fullchain_pem
        if len(chain) > LONGEST_CHAIN:
            raise Trouble("order_refused", f"Its chain has {len(chain)} characters.")
        return {"chain": chain}

    def renewals(self) -> dict[str, Any]:
        """When the authority wants which certificate renewed, by host; None: it does not say.
        Those are left out of which it says what cannot be understood.
        """
        found: dict[str, float | None] = {}
        for host, chain in self._task["chains"].items():
            try:
                moment, _ = self._client.renewal_time(chain.encode())
            except Exception:  # noqa: BLE001, S112 - it is no trouble of the other hosts
                continue
            found[host] = moment.timestamp() if moment else None
        return {"renewals": found}

    # ---- private

    def _sign_in(self) -> None:
        """With the account of our key, which the first time makes."""
        wanted = messages.NewRegistration.from_data(
            email=self._task["email"] or None, terms_of_service_agreed=True
        )
        try:
            self._client.new_account(wanted)
        except errors.ConflictError as known:
            self.network.account = messages.RegistrationResource(
                uri=known.location, body=messages.Registration()
            )

    def _resumed(self) -> messages.OrderResource | None:
        if not self._task["order"]:
            return None
        try:
            order = self._order(self._task["order"])
        except messages.Error as error:
            if error.code in ("rateLimited", "serverInternal"):
                raise
            return None
        except errors.ClientError:  # it does not know it, and says so in its own way
            return None
        return None if order.body.status == messages.STATUS_INVALID else order

    def _order(self, url: str) -> messages.OrderResource:
        """The library knows orders only from making them."""
        body = messages.Order.from_json(self._read(url).json())
        authorizations = [
            messages.AuthorizationResource(
                body=messages.Authorization.from_json(self._read(one).json()), uri=one
            )
            for one in body.authorizations
        ]
        return messages.OrderResource(
            body=body, uri=url, authorizations=authorizations, csr_pem=self._task["csr"].encode()
        )

    def _read(self, url: str) -> Response:
        return self._client._post_as_get(url)  # noqa: SLF001 - it has no public name

    def _proof(self, authorization: messages.AuthorizationResource) -> dict[str, str]:
        offer = self._offer(authorization)
        proof = {
            "name": authorization.body.identifier.value,
            "token": offer.chall.encode("token"),
            "authorization": offer.chall.key_authorization(self._key),
        }
        if isinstance(offer.chall, challenges.DNS01):
            proof["record"] = offer.chall.validation(self._key)
        return proof

    def _offer(self, authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
        kind = self._task["kind"]
        for offer in authorization.body.challenges:
            if getattr(offer.chall, "typ", "") == kind:  # it may be of a kind unknown to us
                return offer
        name = authorization.body.identifier.value
        raise Trouble("challenge_not_offered", f"For {name} the authority does not offer {kind}.")


def main() -> None:
    """Read a task, do it, write what came of it."""
    task = json.load(sys.stdin)
    conversation = None
    try:
        conversation = Conversation(task)
        done = {"ok": getattr(conversation, task["action"])()}
    except Exception as error:  # noqa: BLE001 - whatever it was, the daemon is told
        wait = conversation.network.retry_after if conversation is not None else None
        trouble = _trouble(error, wait)
        done = {
            "error": {
                "code": trouble.code,
                "message": _line(trouble.message),
                "retry_after": trouble.retry_after,
            }
        }
    json.dump(done, sys.stdout)


def _pending(order: messages.OrderResource) -> Iterator[messages.AuthorizationResource]:
    for authorization in order.authorizations:
        if authorization.body.status == messages.STATUS_PENDING:
            yield authorization


def _trouble(error: Exception, wait: float | None) -> Trouble:
    if isinstance(error, Trouble):
        return error
    if isinstance(error, messages.Error):
        return _told(error, wait)
    if isinstance(error, errors.ValidationError):
        return Trouble("validation_failed", "; ".join(_failures(error)))
    if isinstance(error, errors.IssuanceError):
        return Trouble("order_refused", str(error.error.detail))
    if isinstance(error, errors.TimeoutError):
        return Trouble("authority_slow", "The authority did not decide in time.")
    return Trouble("authority_unreachable", f"{type(error).__name__}: {error}")


def _told(error: messages.Error, wait: float | None) -> Trouble:
    """A problem document of the authority's (RFC 8555, section 6.7)."""
    if error.code == "rateLimited":
        return Trouble("rate_limited", str(error.detail), wait)
    if error.code == "serverInternal":
        return Trouble("authority_unreachable", str(error.detail), wait)
    return Trouble("order_refused", f"{error.code}: {error.detail}")


def _failures(error: errors.ValidationError) -> Iterator[str]:
    for authorization in error.failed_authzrs:
        for offer in authorization.body.challenges:
            if offer.error is not None:
                yield f"{authorization.body.identifier.value}: {offer.error.detail}"


def _line(text: str) -> str:
    """What comes from outside on one line, bounded."""
    return re.sub(r"[^ -~\u00a0-\uffff]+", " ", text)[:LONGEST_DETAIL]


if __name__ == "__main__":
    main()
