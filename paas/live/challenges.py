"""What an authority is shown while it checks that a host is ours; put by the control plane,
answered by the proxy. Empty but for the seconds that an order takes.
"""

import ssl

PREFIX = b"/.well-known/acme-challenge/"
PROTOCOL = "acme-tls/1"
"""Offered by an authority that checks by TLS, and by nobody else (RFC 8737, section 4)."""


class Challenges:
    """`http`: bodies by host and target; `tls`: contexts with the certificates that prove,
    by host, for handshakes that offer `PROTOCOL`.
    """

    __slots__ = ("http", "tls")

    def __init__(self) -> None:
        self.http: dict[tuple[str, bytes], bytes] = {}
        self.tls: dict[str, ssl.SSLContext] = {}

    def show(self, host: str, *, token: str, authorization: str) -> None:
        """By HTTP (RFC 8555, section 8.3)."""
        self.http[host, PREFIX + token.encode("ascii")] = authorization.encode("ascii")

    def show_certificate(self, host: str, context: ssl.SSLContext) -> None:
        """By TLS."""
        context.set_alpn_protocols([PROTOCOL])
        self.tls[host] = context

    def hide(self, host: str) -> None:
        """The host is checked."""
        self.tls.pop(host, None)
        for key in [key for key in self.http if key[0] == host]:
            del self.http[key]
