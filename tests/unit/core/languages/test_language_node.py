"""Node.js: installers, what starts, and sites that are only built by it."""

import json
from typing import Any

import pytest

from paas.core.languages.plan import Plan
from paas.errors import Invalid
from tests.unit.core.languages.sources import lines, planned

NEEDS = {"express": "^5"}


def node(*names: str, nvmrc: str = "", **package: Any) -> Plan:
    more = {"nvmrc": nvmrc} if nvmrc else {}
    return planned(*names, package_json=json.dumps(package), **more)


@pytest.mark.parametrize(
    ("lock", "package", "install"),
    [
        ("package-lock.json", {}, '["npm", "ci", "--omit=dev"]'),
        ("", {}, '["npm", "install", "--no-package-lock", "--omit=dev"]'),
        ("pnpm-lock.yaml", {}, '["pnpm", "install", "--frozen-lockfile", "--prod"]'),
        ("yarn.lock", {}, '["yarn", "install", "--frozen-lockfile", "--production"]'),
        (
            "yarn.lock",
            {"packageManager": "yarn@4.1.0"},
            '["yarn", "workspaces", "focus", "--production"]',
        ),
    ],
)
def test_the_lock_file_says_who_installs(lock: str, package: dict[str, str], install: str) -> None:
    names = ["server.js", *([lock] if lock else [])]
    plan = node(*names, dependencies=NEEDS, **package)
    text = lines(plan)
    assert f"RUN {install}" in text
    assert text.index(f"COPY {f'package.json {lock}'.strip()} ./") < text.index("COPY . .")
    assert "COPY --from=build /app /app" in text
    assert bool(plan.hints) == (not lock)
    assert plan.framework == "Express"


def test_the_installer_itself() -> None:
    pnpm = {"dependencies": NEEDS, "main": "server.js"}
    text = lines(node("server.js", "pnpm-lock.yaml", packageManager="pnpm@9.1.0+sha1", **pnpm))
    assert 'RUN ["npm", "install", "--global", "pnpm@9.1.0"]' in text
    text = lines(node("server.js", "pnpm-lock.yaml", **pnpm))
    assert 'RUN ["npm", "install", "--global", "pnpm@10"]' in text
    text = lines(node("server.js", "yarn.lock", ".yarnrc.yml", **pnpm))
    assert 'RUN ["corepack", "enable"]' in text


def test_a_build_has_what_is_for_development_and_the_image_has_not() -> None:
    text = lines(
        node("package-lock.json", dependencies=NEEDS, scripts={"start": "next start", "build": "x"})
    )
    steps = ['RUN ["npm", "ci"]', "COPY . .", 'RUN ["npm", "run", "build"]',
             'RUN ["npm", "prune", "--omit=dev"]']  # fmt: skip
    assert [line for line in text if line in steps] == steps


@pytest.mark.parametrize(
    "package",
    [
        {"dependencies": {"a": "file:a.tgz"}},
        {"dependencies": NEEDS, "devDependencies": {"a": "workspace:*"}},
        {"dependencies": NEEDS, "workspaces": ["x"]},
    ],
)
def test_what_needs_other_files_to_install_gets_them_first(package: dict[str, Any]) -> None:
    text = lines(node("server.js", "package-lock.json", **package))
    assert text.index("COPY . .") < text.index('RUN ["npm", "ci", "--omit=dev"]')
    assert "COPY package.json package-lock.json ./" not in text


@pytest.mark.parametrize(
    ("names", "package", "command"),
    [
        ([], {"scripts": {"start": "node --fast x.js"}}, '["node", "--fast", "x.js"]'),
        (
            [],
            {"scripts": {"start": "next start -p $PORT"}},
            '["sh", "-c", "exec next start -p $PORT"]',
        ),
        ([], {"scripts": {"start": "x", "prestart": "y"}}, '["npm", "start"]'),
        (["lib/x.js"], {"main": "./lib/x.js"}, '["node", "lib/x.js"]'),
        (["lib/x.js"], {"main": "lib/x"}, '["node", "lib/x.js"]'),
        (["index.js"], {"main": "gone.js"}, '["node", "index.js"]'),
        (["index.js"], {"main": 5, "scripts": []}, '["node", "index.js"]'),
    ],
)
def test_what_starts(names: list[str], package: dict[str, Any], command: str) -> None:
    plan = node(*names, **package)
    assert lines(plan)[-1] == f"CMD {command}"
    assert "COPY . ." in lines(plan)
    assert "AS build" not in plan.dockerfile


def test_a_site_that_is_built_is_served_as_files() -> None:
    plan = node(
        "package-lock.json", devDependencies={"vite": "^6"}, scripts={"build": "vite build"}
    )
    assert "COPY --from=build /app/dist /srv" in lines(plan)
    assert "try_files" in plan.dockerfile
    assert plan.framework == "site"


def test_what_a_build_makes_is_left_out_only_where_there_is_one() -> None:
    built = node(dependencies=NEEDS, scripts={"start": "x", "build": "y"})
    assert "dist" in built.ignore
    assert "dist" not in node("dist/server.js", main="dist/server.js").ignore


def test_nothing_to_start() -> None:
    for text in ("{}", "[]", "no json", '{"scripts": {"build": "x"}}'):
        with pytest.raises(Invalid) as caught:
            planned(package_json=text)
        assert caught.value.code == "unclear_source"
        assert "`start` script" in caught.value.message


def test_versions() -> None:
    assert "FROM node:20-slim" in lines(node("index.js", nvmrc="v20.1"))
    assert "FROM node:22-slim" in lines(node("index.js", engines={"node": "^22"}))
    assert "FROM node:24-slim" in lines(node("index.js", nvmrc="lts/*"))
