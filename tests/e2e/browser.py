"""Debian's Chromium, driven as a person would: by clicks and keys, with the console's own pages."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.e2e.daemon import Daemon, free_port, running, short_folder
from tests.e2e.world import World

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True, slots=True)
class Console:
    """A daemon and where its console is."""

    world: World
    base: str

    @property
    def admin_token(self) -> str:
        return (self.world.daemon.data / "admin.token").read_text().strip()


@contextmanager
def console_of_its_own() -> Iterator[Console]:
    """A fresh daemon: nothing is deployed yet."""
    address = f"127.0.0.1:{free_port()}"
    with short_folder() as data:
        daemon = Daemon(data, settings={"PAAS_API__LISTEN": address})
        with running(daemon):
            yield Console(World(daemon), f"http://{address}")


@dataclass(slots=True)
class Visitor:
    """One browser window on the console; `troubles` is what its console complained of."""

    page: Page
    base: str
    troubles: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)

    def click(self, role: Any, name: str) -> None:
        """Once the page's scripts have run: before that a click does nothing."""
        self.page.wait_for_load_state("load")
        self.page.get_by_role(role, name=re.compile(f"^{re.escape(name)}$")).first.click()

    def tab(self, role: str, name: str) -> None:
        """Press Tab until that is in focus: whoever uses no mouse gets there."""
        focused = self.page.locator(":focus")
        wanted = self.page.locator("main").get_by_role(role, name=name, exact=True)  # type: ignore[arg-type] # a role
        for _ in range(80):
            self.page.keyboard.press("Tab")
            if wanted.and_(focused).count():
                return
        raise AssertionError(f"Tab does not reach {role} {name!r}")

    def see(self, text: str, *, seconds: float = 20.0) -> None:
        """Wait until the page shows the text."""
        self.page.get_by_text(text).first.wait_for(timeout=seconds * 1000)

    def violations(self) -> list[str]:
        """What axe finds on the page as it is."""
        if self.page.evaluate("typeof axe") == "undefined":
            self.page.evaluate(Axe().axe_script)
        ran = self.page.evaluate("rules => axe.run(document, rules)", RULES)
        found = ran["violations"]
        return [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]


@contextmanager
def visitor(
    browser: Browser,
    console: "Console",
    *,
    locale: str = "en-US",
    width: int = 1280,
    scheme: Any = "light",
    token: str | None = None,
) -> Iterator[Visitor]:
    """A window of its own, known to the daemon by its token: an administrator's, unless
    another one is given; empty, and it is nobody's. Scripts of the test's own are let in
    beside the console's policy, which is tested elsewhere.
    """
    if token is None:
        token = console.admin_token
    context = browser.new_context(
        locale=locale,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        bypass_csp=True,
        extra_http_headers={"Authorization": f"Bearer {token}"} if token else {},
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    person = Visitor(page, console.base)

    def complained(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            person.troubles.append(message.text)

    page.on("console", complained)
    page.on("pageerror", lambda error: person.troubles.append(str(error)))
    try:
        yield person
    finally:
        context.close()
