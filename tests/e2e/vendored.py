"""Packages that sources bring with them, so that installers have something to install
where no index is within reach.
"""

import base64
import hashlib
import io
import json
import tarfile
import zipfile

FLASK = '''"""As much of Flask as the test's application uses."""


class Flask:
    def __init__(self, name):
        self.routes = {}

    def route(self, path):
        def keep(view):
            self.routes[path] = view
            return view

        return keep

    def __call__(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [self.routes[environ["PATH_INFO"]]().encode()]
'''
GUNICORN = '''"""As much of gunicorn as its command line here needs."""

import importlib
import os
import signal
import sys
from wsgiref.simple_server import make_server


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    module, _, name = sys.argv[-1].partition(":")
    sys.path.insert(0, os.getcwd())
    application = getattr(importlib.import_module(module), name)
    make_server("", int(os.environ["PORT"]), application).serve_forever()
'''


def wheel(name: str, source: str, *, script: bool = False) -> tuple[str, bytes]:
    """The file name and bytes of a wheel of one module; `script` makes its `main` a command."""
    into = io.BytesIO()
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    if script:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name} = {name}:main\n"
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(into, "w") as archive:
        for path, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(path, text)
    return f"{name}-1.0-py3-none-any.whl", into.getvalue()


def flask_application() -> dict[str, bytes]:
    """A Flask layout whose requirements come with it."""
    wheels = dict([wheel("flask", FLASK), wheel("gunicorn", GUNICORN, script=True)])
    application = (
        "from flask import Flask\n\napp = Flask(__name__)\n\n\n"
        '@app.route("/")\ndef index():\n    return "from the wheels"\n'
    )
    return {
        "requirements.txt": b"--no-index\n--find-links wheels\nflask==1.0\ngunicorn\n",
        "app.py": application.encode(),
        **{f"wheels/{name}": content for name, content in wheels.items()},
    }


def node_application() -> dict[str, bytes]:
    """A Node.js program with a lock file, whose one dependency is a tarball beside it."""
    tarball = _npm_tarball()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    package = {
        "name": "shop",
        "version": "1.0.0",
        "scripts": {"start": "node server.js", "build": "node build.js"},
        "dependencies": {"greeting": "file:greeting-1.0.0.tgz"},
    }
    lock = {
        "name": "shop",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": {
            "": {key: package[key] for key in ("name", "version", "dependencies")},
            "node_modules/greeting": {
                "version": "1.0.0",
                "resolved": "file:greeting-1.0.0.tgz",
                "integrity": integrity,
            },
        },
    }
    server = (
        'const { readFileSync } = require("fs");\n'
        'require("http").createServer((request, response) =>\n'
        '  response.end(require("greeting") + readFileSync("built.txt")))\n'
        "  .listen(process.env.PORT);\n"
        'process.on("SIGTERM", () => process.exit(0));\n'
    )
    return {
        "package.json": json.dumps(package).encode(),
        "package-lock.json": json.dumps(lock).encode(),
        "greeting-1.0.0.tgz": tarball,
        "server.js": server.encode(),
        "build.js": b'require("fs").writeFileSync("built.txt", " and built");\n',
    }


def _npm_tarball() -> bytes:
    files = {
        "package/package.json": '{"name": "greeting", "version": "1.0.0", "main": "index.js"}',
        "package/index.js": 'module.exports = "from the tarball";\n',
    }
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text), 0o644
            archive.addfile(info, io.BytesIO(text.encode()))
    return into.getvalue()
