"""A service's further pages in a real browser: webhook, who reaches it, logs; and the host's."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e import apps
from tests.e2e.browser import Console, chromium, console_of_its_own, visitor

NASTY = "<img src=x onerror=alert(1)> ${7*7} {{ 7*7 }} \u202e"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with console_of_its_own() as own:
        source = apps.web("one", before="echo needle; echo hay; echo '<b>bold</b>' >&2")
        own.world.succeed("shop", source, note=NASTY)
        own.world.fail("bad", apps.program(f"echo '{NASTY}'; exit 3"))
        yield own


def test_a_webhook_is_set_up_and_its_secret_shown_once(browser: Browser, console: Console) -> None:
    with visitor(browser, console) as person:
        page = person.page
        person.go("/services/shop/repository")
        page.get_by_label("Branch that deploys").fill("release")
        page.locator("#push").get_by_role("button", name="Save").click()
        person.see("Saved.")
        assert console.world.api.service("shop")["branch"] == "release"
        page.get_by_label("Repository URL").fill("https://git.example.com/team/shop.git")
        page.get_by_label("Branch", exact=True).fill("main")
        page.locator("#source").get_by_role("button", name="Save").click()
        expect(page.locator(".notice:not(.bad)")).to_have_count(2)
        stored = console.world.api.service("shop")["repository"]
        assert (stored["url"], stored["branch"]) == (
            "https://git.example.com/team/shop.git",
            "main",
        )
        person.click("button", "Switch on")
        expect(page.locator("#hook-secret")).not_to_be_empty()
        secret = page.locator("#hook-secret").inner_text()
        assert page.locator("#hook-url").inner_text().endswith("/hooks/shop")
        expect(page.get_by_role("button", name="New secret")).to_be_visible()
        person.go("/services/shop/repository")
        person.see("Nothing came yet.")
        assert secret not in page.content()


def test_a_page_is_live_however_late_its_scripts_come(browser: Browser, console: Console) -> None:
    def late(route: Route) -> None:
        time.sleep(1.0)
        route.continue_()

    with visitor(browser, console) as person:
        person.page.route("**/hx-sse.js*", late)
        person.go("/services/bad/repository")
        person.see("The webhook answers nobody.")
        assert console.world.api.post("/v1/services/bad/hook").status == 201
        person.see("New secret")


def test_who_reaches_a_service_and_what_is_no_traffic(browser: Browser, console: Console) -> None:
    world = console.world
    with visitor(browser, console) as person:
        page = person.page
        person.go("/services/shop/settings")
        page.get_by_label("Networks that reach it").fill("127.0.0.0/8\nnot a network")
        page.locator("#reach").get_by_role("button", name="Save").click()
        expect(page.locator("#reach .wrong")).to_be_visible()
        page.get_by_label("Networks that reach it").fill("127.0.0.0/8")
        page.locator("#reach").get_by_role("button", name="Save").click()
        person.see("Saved.")
        person.click("button", "Add a rule")
        page.locator("#rules").get_by_label("User agent contains").fill("UptimeRobot")
        page.locator("#ignore").get_by_role("button", name="Save").click()
        expect(page.locator(".notice:not(.bad)")).to_have_count(2)
        page.locator("#auth").get_by_label("User").fill("guest")
        page.locator("#auth").get_by_label("Password").fill("sesame sesame")
        page.locator("#auth").get_by_role("button", name="Save").click()
        person.see("Visitors sign in as guest.")
        assert world.get("shop").status == 401
        settings = world.api.service("shop")
        assert settings["allow"] == ["127.0.0.0/8"]
        assert [one["user_agent"] for one in settings["ignore"]] == ["UptimeRobot"]
        person.click("button", "Ask for no password")
        person.see("Visitors need no password.")
        assert world.get("shop").status == 200


def test_logs_are_searched_by_the_daemon_and_downloaded(browser: Browser, console: Console) -> None:
    with visitor(browser, console) as person:
        page = person.page
        person.go("/services/shop/logs")
        log = page.get_by_role("log")
        expect(log).to_contain_text("hay")
        page.get_by_label("Search").fill("NEEDLE")
        expect(log).not_to_contain_text("hay")
        expect(log).to_contain_text("needle")
        page.get_by_label("Search").fill("")
        page.get_by_label("Stream").select_option("stderr")
        expect(log).to_have_text(re.compile("<b>bold</b>"))
        expect(log).not_to_contain_text("needle")
        with page.expect_download() as download:
            person.click("button", "Download")
        assert "<b>bold</b>" in download.value.path().read_text()


def test_the_host_and_what_would_go(browser: Browser, console: Console) -> None:
    with visitor(browser, console) as person:
        person.go("/host")
        person.see("Docker Engine")
        person.click("button", "Look what would go")
        expect(person.page.locator("#collected-text")).not_to_be_empty()
        person.page.locator("#registry").fill("no registry/at all")
        person.page.locator("#registry-user").fill("ann")
        person.page.locator("#registry-password").fill("secret")
        person.page.locator("#new-registry").get_by_role("button", name="Save").click()
        expect(person.page.locator(".notice.bad")).to_be_visible()


def test_what_others_wrote_stays_text(browser: Browser, console: Console) -> None:
    with visitor(browser, console) as person:
        alerts: list[str] = []
        person.page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
        for path in (
            "/services/shop",
            "/services/bad",
            "/services/bad/logs",
            "/services/shop/logs",
        ):
            person.go(path)
            person.page.wait_for_load_state("load")
        person.go("/services/shop")
        expect(person.page.locator("#version-shop-001 .note")).to_contain_text("{{ 7*7 }}")
        person.go("/services/bad")
        expect(person.page.locator("#failure-bad-001 pre")).to_contain_text("onerror")
        for path in ("/?q=<script>&page=-1", "/events?before=x&about=../..", "/templates/none.tar"):
            person.go(path)
        person.go("/sign-in?next=//evil.example/")
        assert person.page.locator("#sign-in").get_attribute("data-next") == "/"
        assert alerts == []
