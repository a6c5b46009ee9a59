"""Which of the certificates that we have are in use, by host; beside them those of files."""

import logging
from collections.abc import Callable, Mapping

from paas.errors import PaasError
from paas.live.certificates import Certificate, Certificates
from paas.live.challenges import Challenges
from paas.ports import KeptCertificate

log = logging.getLogger(__name__)

MakeCertificate = Callable[[str, str], Certificate]
"""Of chain and key; raises `Invalid` (`bad_certificate`)."""


class Showcase:
    """What was there before it are the settings' files."""

    def __init__(self, certificates: Certificates, make: MakeCertificate) -> None:
        self._certificates = certificates
        self._files = certificates.all
        self._shown: dict[str, KeptCertificate] = {}
        self.make = make

    @property
    def challenges(self) -> Challenges:
        return self._certificates.challenges

    def file(self, host: str) -> Certificate | None:
        """The one of the settings that covers the host."""
        return next((one for one in self._files if one.covers(host)), None)

    def show(self, wanted: Mapping[str, KeptCertificate]) -> None:
        """From the next handshake on these and no others, beside the files."""
        for host in self._shown.keys() - wanted.keys():
            del self._shown[host]
            self._certificates.remove(_key(host))
        for host, kept in wanted.items():
            shown = self._shown.get(host)
            if shown is None or shown.chain != kept.chain:
                self._show(host, kept)

    def prove(self, name: str, chain: str, key: str) -> None:
        """To an authority that checks by TLS."""
        self.challenges.show_certificate(name, self.make(chain, key).context)

    def _show(self, host: str, kept: KeptCertificate) -> None:
        self._shown[host] = kept
        try:
            self._certificates.put(_key(host), self.make(kept.chain, kept.key))
        except PaasError as error:
            fields = {"host": host, "problem": error.message}
            log.warning("certificate cannot be used", extra=fields)


def _key(host: str) -> str:
    """Files of the settings are known by their paths."""
    return f"host {host}"
