"""A small web program: it greets on / and tells that it is well on /healthz."""

import os
import signal
import socket
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Hello</title>
<h1>Hello from Python</h1>
<p>Version <b>{version}</b>, host <b>{host}</b>.</p>
</html>
"""


class Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/":
            version = os.environ.get("K_REVISION", "local")
            page = PAGE.format(version=escape(version), host=escape(socket.gethostname()))
            self.answer(200, "text/html; charset=utf-8", page)
        elif path == "/healthz":
            self.answer(200, "text/plain; charset=utf-8", "ok\n")
        else:
            self.answer(404, "text/plain; charset=utf-8", "not found\n")

    do_HEAD = do_GET

    def answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Server(ThreadingHTTPServer):
    # the end waits for requests that are being answered
    daemon_threads = False
    request_queue_size = 128


def main():
    port = int(os.environ.get("PORT", "8080"))
    server = Server(("", port), Hello)
    Hello.timeout = 65
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening on {port}", flush=True)
    stop.wait()
    server.shutdown()


if __name__ == "__main__":
    main()
