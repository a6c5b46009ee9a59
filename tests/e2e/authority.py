"""A real certificate authority for tests, with a DNS of its own: pebble."""

import json
import os
import ssl
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from tests.certificates import issue
from tests.e2e.daemon import free_port
from tests.e2e.waiting import until


class Authority:
    """Checks hosts on two ports of this machine, whatever their names."""

    def __init__(self, folder: Path, *, http_port: int, tls_port: int) -> None:
        self._folder = folder
        self._port, self._management = free_port(), free_port()
        self._dns, self._dns_management = free_port(), free_port()
        self._ports = {"httpPort": http_port, "tlsPort": tls_port}
        self._process: subprocess.Popen[bytes] | None = None
        self._dns_process: subprocess.Popen[bytes] | None = None
        self.ca_file = folder / "authority.pem"
        self._log = folder / "authority.log"

    @property
    def directory(self) -> str:
        return f"https://127.0.0.1:{self._port}/dir"

    @property
    def hook_url(self) -> str:
        """Where TXT records are set."""
        return f"http://127.0.0.1:{self._dns_management}"

    @property
    def plans_renewals(self) -> bool:
        """Whether it says when it wants a certificate renewed (RFC 9773)."""
        return "renewalInfo" in self._get(self.directory)

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def root(self) -> str:
        """Of what it issues, PEM; another one after each start."""
        return self._read("/roots/0")

    def trusting(self) -> ssl.SSLContext:
        """A client that trusts what it issued since it started."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.root())
        return context

    def start(self, **environ: str) -> None:
        self._configure()
        if self._dns_process is None:
            self._dns_process = self._run(
                *("pebble-challtestsrv", "-http01", "", "-https01", "", "-tlsalpn01", ""),
                *("-dns01", f"127.0.0.1:{self._dns}", "-defaultIPv6", ""),
                *("-management", f"127.0.0.1:{self._dns_management}"),
                environ={},
            )
        fast = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", **environ}
        self._process = self._run(
            *("pebble", "-config", str(self._folder / "authority.json")),
            *("-dnsserver", f"127.0.0.1:{self._dns}"),
            environ=fast,
        )
        until(self._answers, "the authority answers")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def close(self) -> None:
        self.stop()
        if self._dns_process is not None:
            self._dns_process.kill()
            self._dns_process.wait(10)

    # ---- private

    def _configure(self) -> None:
        if not self.ca_file.exists():
            pair = issue("localhost", addresses=("127.0.0.1",))
            self.ca_file.write_bytes(pair.chain)
            (self._folder / "authority.key").write_bytes(pair.key)
        (self._folder / "authority.json").write_text(
            json.dumps(
                {
                    "pebble": {
                        "listenAddress": f"127.0.0.1:{self._port}",
                        "managementListenAddress": f"127.0.0.1:{self._management}",
                        "certificate": str(self.ca_file),
                        "privateKey": str(self._folder / "authority.key"),
                        "ocspResponderURL": "",
                        "externalAccountBindingRequired": False,
                        "domainBlocklist": ["blocked.test"],
                        **self._ports,
                    }
                }
            )
        )

    def _run(self, *words: str, environ: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        with self._log.open("ab") as log:
            return subprocess.Popen(
                words, env={**os.environ, **environ}, stdout=log, stderr=log, cwd=self._folder
            )

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log
        try:
            self._read("/roots/0")
        except OSError:
            return False
        return True

    def _read(self, path: str) -> str:
        return self._get(f"https://127.0.0.1:{self._management}{path}")

    def _get(self, url: str) -> str:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(url, context=context, timeout=5) as answer:
            return str(answer.read().decode())
