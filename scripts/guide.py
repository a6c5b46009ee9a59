"""Walks through the user guide in a real browser, in each language, and takes its pictures.

Every step is the guide's own, by the labels that the page shows; a step that does not work
ends the walk. Pictures larger than the guide may show are refused.
"""

import re
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from paas.console import wording
from tests.e2e.browser import Console, chromium, console_of_its_own
from tests.e2e.waiting import until

FOLDER = Path(__file__).parents[1] / "docs" / "guide"
LARGEST = 120 * 1024
LOCALES = {"en": "en-US", "zh": "zh-CN"}
SIZE: Any = {"width": 1120, "height": 720}
WAIT = 60_000


class Walk:
    """One person with one language on a console of their own."""

    def __init__(self, page: Page, console: Console, language: str) -> None:
        self.page = page
        self.console = console
        self.language = language
        self.t = wording.load(language)

    def all(self) -> None:
        """From an empty console to figures."""
        self.sign_in()
        self.first_deployment()
        self.second_version()
        self.sleep()
        self.figures()

    def sign_in(self) -> None:
        self.page.goto(self.console.base)
        self.page.get_by_role("radio", name=self.t["session.by_token"]).check()
        self.page.get_by_label(self.t["session.token"], exact=True).last.fill(
            self.console.admin_token
        )
        self.press(self.t["session.title"])

    def first_deployment(self) -> None:
        self.page.get_by_role("link", name=self.t["services.first"]).click()
        self.fill_form("first")
        self.field(self.t["deploy.name"]).fill("hello")
        self.picture("1-deploy")
        self.press(self.t["deploy.submit"])
        self.succeeds()
        self.picture("2-deployment")
        assert "hello-001" in self.console.world.body("hello")

    def second_version(self) -> None:
        self.page.locator("main").get_by_role(
            "link", name=self.t["service.deploy"], exact=True
        ).click()
        self.fill_form("second")
        self.page.get_by_text(self.t["deploy.traffic.none"]).click()
        self.press(self.t["deploy.submit"])
        self.succeeds()
        self.tab("overview")
        self.press(self.t["traffic.edit"])
        self.page.locator("#weight-of-hello-001").fill("70")
        self.page.locator("#weight-of-hello-002").fill("30")
        self.picture("3-traffic")
        self.press(self.t["action.save"], within="#traffic")
        expect(self.page.locator("#version-hello-002")).to_contain_text("30 %")
        answers = self.console.world.bodies("hello", 10)
        assert sum("hello-002" in answer for answer in answers) == 3
        self.page.once("dialog", lambda dialog: dialog.accept())
        self.press(self.t["overview.rollback"])
        expect(self.page.locator("#version-hello-001")).to_contain_text("100 %")

    def sleep(self) -> None:
        self.tab("settings")
        self.field(self.t["settings.stop_after"]).fill("5")
        self.press(self.t["action.save"], within="#service")
        self.page.get_by_text(self.t["settings.saved"]).wait_for()
        self.tab("overview")
        row = self.page.locator("#version-hello-001")
        expect(row).to_contain_text(self.t["state.zero"], timeout=WAIT)
        self.page.locator(".reasons").scroll_into_view_if_needed()
        self.picture("4-zero")
        answer = self.console.world.get("hello")
        assert int(answer.headers["x-paas-cold-start"]) > 0

    def figures(self) -> None:
        until(self.counted, "the figures show the requests", seconds=30)
        self.page.reload()
        self.page.locator(".u-wrap").first.wait_for()
        self.page.locator("#charts").scroll_into_view_if_needed()
        self.page.evaluate("document.getElementById('charts').scrollIntoView()")
        self.page.wait_for_function("document.querySelectorAll('.numbers tbody tr').length > 20")
        self.picture("5-figures")
        self.tab("logs")
        self.page.get_by_role("log").wait_for()

    # ---- hands

    def counted(self) -> bool:
        world = self.console.world
        world.bodies("hello", 20)
        found = world.api.get("/v1/services/hello/metrics").json["total"]["requests"]
        return sum(one is not None and one > 0 for one in found) >= 4

    def fill_form(self, note: str) -> None:
        self.page.wait_for_load_state("load")
        self.page.get_by_role("radio", name=self.t["deploy.source.image"]).check()
        self.page.locator("[name='source.image']").fill("paas/hello")
        self.field(self.t["overview.note"]).fill(note)

    def field(self, label: str) -> Any:
        return self.page.get_by_label(label, exact=True)

    def press(self, name: str, *, within: str = "main") -> None:
        self.page.wait_for_load_state("load")
        place = self.page.locator(within)
        place.get_by_role("button", name=name, exact=True).first.click()

    def tab(self, name: str) -> None:
        tabs = self.page.get_by_role("navigation", name=self.t["service.tabs"])
        tabs.get_by_role("link", name=self.t[f"service.tab.{name}"], exact=True).click()
        self.page.wait_for_load_state("load")

    def succeeds(self) -> None:
        self.page.wait_for_url(re.compile("/deployments/"))
        done = self.page.locator("#live h2 .state")
        expect(done).to_have_text(self.t["state.succeeded"], timeout=WAIT)
        expect(self.page.get_by_role("log")).to_contain_text("is ready")

    def picture(self, name: str) -> None:
        path = FOLDER / f"{name}.{self.language}.png"
        self.page.screenshot(path=path, animations="disabled")
        size = path.stat().st_size
        print(f"{path.name}: {size // 1024} KiB")
        if size > LARGEST:
            raise SystemExit(f"{path} is larger than {LARGEST // 1024} KiB")


def walk(browser: Browser, language: str) -> None:
    """The whole guide on a fresh daemon."""
    context = browser.new_context(locale=LOCALES[language], viewport=SIZE, color_scheme="light")
    with console_of_its_own() as console:
        Walk(context.new_page(), console, language).all()
    context.close()


def main(languages: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with chromium() as browser:
        for language in languages or list(LOCALES):
            walk(browser, language)


if __name__ == "__main__":
    main(sys.argv[1:])
