"""Who is measured: the daemon, and nginx, HAProxy and Caddy as reverse proxies.

Each gets the features the daemon always has on: routing by Host, forwarding
fields, keep-alive on both sides, time limits. None writes an access log. Bodies
are streamed, not spooled, because that is what the daemon does. All use one core.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template

from benchmarks.platform import wipe
from benchmarks.programs import LOAD_CORE, PROXY_CORE, Program, free_port, running

HOST = "bench.localhost"
SMALL = "answer-of-sixty-bytes-answer-of-sixty-bytes-answer-of-sixty"
SIZES = {"64k": 64 * 1024, "10m": 10 * 1024 * 1024}
PEERS = ("nginx", "haproxy", "caddy")

_NGINX_TOP = """
worker_processes 1; worker_rlimit_nofile 20000; daemon off; master_process off;
pid $folder/$name.pid; error_log $folder/$name.errors crit;
events { worker_connections 8000; }
http {
  access_log off; client_max_body_size 0; tcp_nodelay on; sendfile on; default_type text/plain;
  keepalive_timeout 75; keepalive_requests 1000000000;
  client_body_temp_path $folder/$name-body; proxy_temp_path $folder/$name-proxy;
  fastcgi_temp_path $folder/$name-1; uwsgi_temp_path $folder/$name-2;
  scgi_temp_path $folder/$name-3;
"""
_BACKEND = Template(
    _NGINX_TOP
    + """
  client_body_buffer_size 16m;
  server {
    listen 127.0.0.1:$port backlog=4096; root $folder/www;
    location = / { return 200 "$small"; }
    location = /upload {
      proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_pass http://127.0.0.1:$port/;
    }
  }
}
"""
)
_NGINX = Template(
    _NGINX_TOP
    + """
  upstream backend {
    server 127.0.0.1:$backend; keepalive 128; keepalive_requests 1000000000;
  }
  $tls
  server { listen 127.0.0.1:$port $ssl backlog=4096 default_server; return 404; }
  server {
    listen 127.0.0.1:$port $ssl; server_name $host;
    proxy_http_version 1.1; proxy_request_buffering off; proxy_max_temp_file_size 0;
    proxy_set_header Connection ""; proxy_set_header Host $$host;
    proxy_set_header X-Real-IP $$remote_addr; proxy_set_header X-Request-Id $$request_id;
    proxy_set_header X-Forwarded-For $$proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Host $$host; proxy_set_header X-Forwarded-Proto $$scheme;
    location / { proxy_pass http://backend; }
  }
}
"""
)
_HAPROXY = Template("""
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  timeout http-keep-alive 75s
  option forwardfor
frontend front
  bind 127.0.0.1:$port backlog 4096 $tls
  unique-id-format %{+X}o\\ %ci:%cp_%Ts_%rt
  unique-id-header X-Request-Id
  http-request set-header X-Forwarded-Proto $scheme
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  use_backend back if { req.hdr(host),field(1,:) -i $host }
backend back
  http-reuse always
  server one 127.0.0.1:$backend
""")
_CADDY = Template("""
{
  admin off
  auto_https off
}
$scheme://$host:$port {
  bind 127.0.0.1
  $tls
  reverse_proxy 127.0.0.1:$backend {
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
""")


_TLS = {
    "nginx": "ssl_certificate $certificate; ssl_certificate_key $certificate;"
    " ssl_session_cache shared:tls:10m;",
    "haproxy": "ssl crt $certificate",
    "caddy": "tls $certificate $certificate",
}


@contextmanager
def backend(folder: Path) -> Iterator[Program]:
    """An nginx answering from memory; `/upload` answers once it has read the body."""
    www = folder / "www"
    www.mkdir()
    for name, size in SIZES.items():
        (www / name).write_bytes(b"x" * size)
    port = free_port()
    written = _write(_BACKEND, folder, "backend", port=port, small=SMALL)
    arguments = ["nginx", "-c", written]
    with running("backend", arguments, port=port, core=LOAD_CORE, folder=folder) as program:
        yield program


@contextmanager
def peer(name: str, folder: Path, backend_port: int, *, tls: bool = False) -> Iterator[Program]:
    """One of PEERS, in front of the backend."""
    template, command = {
        "nginx": (_NGINX, ["nginx", "-c"]),
        "haproxy": (_HAPROXY, ["haproxy", "-db", "-f"]),
        "caddy": (_CADDY, ["caddy", "run", "--adapter", "caddyfile", "--config"]),
    }[name]
    port = free_port()
    certified = Template(_TLS[name] if tls else "").substitute(certificate=certificate(folder))
    written = _write(
        template,
        folder,
        name,
        port=port,
        backend=backend_port,
        host=HOST,
        tls=certified,
        ssl="ssl" if tls else "",
        scheme="https" if tls else "http",
    )
    with running(
        name,
        [*command, written],
        port=port,
        core=PROXY_CORE,
        folder=folder,
        env={"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
    ) as program:
        yield program


@contextmanager
def daemon(
    name: str,
    folder: Path,
    backend_port: int,
    *,
    module: str = "benchmarks.subject",
    more: Sequence[str] = (),
    tls: bool = False,
) -> Iterator[Program]:
    """The whole daemon, run by `module`. The replicas of its services are the backend."""
    port = free_port()
    data = folder / (f"{name}-tls" if tls else name)
    arguments = [sys.executable, "-m", module, "--backend", str(backend_port), *more]
    env = {
        "PAAS_DATA_DIR": str(data),
        "PAAS_PROXY__HTTP": f"127.0.0.1:{port}",
        "PAAS_API__LISTEN": "",
    }
    if tls:
        env["PAAS_PROXY__HTTP"], env["PAAS_PROXY__HTTPS"] = "127.0.0.1:0", env["PAAS_PROXY__HTTP"]
        env["PAAS_PROXY__CERTIFICATES"] = str(certificate(folder))
    try:
        with running(
            name, arguments, port=port, core=PROXY_CORE, folder=folder, env=env
        ) as started:
            yield started
    finally:
        wipe(data)


def certificate(folder: Path) -> Path:
    """A P-256 certificate for HOST with its key, in one PEM file. The loader asks for the
    address by name, so that stands in it as well.
    """
    path = folder / "tls.pem"
    if not path.exists():
        names = f"subjectAltName=DNS:{HOST},IP:127.0.0.1"
        arguments = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        arguments += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-addext", names]
        done = subprocess.run([*arguments, "-keyout", "-"], check=True, capture_output=True)
        path.write_bytes(done.stdout)
    return path


# ---- private


def _write(template: Template, folder: Path, name: str, **values: object) -> str:
    path = folder / f"{name}.conf"
    path.write_text(template.substitute(folder=folder, name=name, **values))
    return str(path)
