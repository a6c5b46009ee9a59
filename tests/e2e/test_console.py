"""The console in a real browser: by clicks and keys only, from an empty host to a rollback."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, expect

from tests.certificates import Pair, issue
from tests.e2e import apps
from tests.e2e.browser import Console, Visitor, chromium, console_of_its_own, visitor
from tests.e2e.waiting import until

STEPS = 60.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def console() -> Iterator[Console]:
    with console_of_its_own() as own:
        yield own


def deploy_zip(person: Visitor, archive: Path, *, name: str = "", note: str = "") -> None:
    """Fill in the form that is open and wait for the end."""
    page = person.page
    page.locator("#file").set_input_files(archive)
    if name:
        page.get_by_label("Service name").fill(name)
    page.get_by_label("Note", exact=True).fill(note)
    person.click("button", "Deploy")
    page.wait_for_url(re.compile("/deployments/"))
    expect(page.locator("#live h2 .state")).to_have_text("succeeded", timeout=STEPS * 1000)


def saved(tmp_path: Path, name: str, text: str) -> Path:
    file = tmp_path / name
    file.write_bytes(apps.web(text).zip())
    return file


def test_from_nothing_to_split_traffic_and_back(
    browser: Browser, console: Console, tmp_path: Path
) -> None:
    world = console.world
    with visitor(browser, console) as person:
        page = person.page
        person.go("/")
        person.see("Nothing runs here yet")
        person.click("link", "Deploy the first service")
        deploy_zip(person, saved(tmp_path, "shop.zip", "one"), note="first")
        assert world.body("shop") == "one", "the name came from the file"
        expect(page.get_by_role("log")).to_contain_text("shop-001 is ready")

        person.go("/services/shop")
        page.locator("main").get_by_role("link", name="Deploy", exact=True).click()
        page.get_by_text("No traffic yet").click()
        deploy_zip(person, saved(tmp_path, "two.zip", "two"), note="new checkout")
        assert world.body("shop") == "one"

        person.click("link", "Overview")
        person.see("new checkout")
        person.click("button", "Edit traffic")
        page.locator("#weight-of-shop-001").fill("70")
        expect(page.locator("#save-traffic")).to_be_disabled()
        page.locator("#weight-of-shop-002").fill("30")
        person.click("button", "Save")
        expect(page.locator("#version-shop-002")).to_contain_text("30 %")
        assert sorted(world.bodies("shop", 10)) == ["one"] * 7 + ["two"] * 3

        page.once("dialog", lambda dialog: dialog.accept())
        person.click("button", "Roll back")
        expect(page.locator("#version-shop-001")).to_contain_text("100 %")
        assert set(world.bodies("shop", 10)) == {"one"}
        assert person.troubles == []


def bring_certificate(person: Visitor, domain: str) -> None:
    """Another domain's first, which is refused; then the right one, and take it back."""
    page = person.page

    def upload(pair: Pair) -> None:
        for label, content in (("Certificate file", pair.chain), ("Key file", pair.key)):
            file = {"name": "own.pem", "mimeType": "application/x-pem-file", "buffer": content}
            page.get_by_label(label).set_input_files(file)
        person.click("button", "Use this certificate")

    page.get_by_text("A certificate of your own").click()
    page.locator("#own-certificate").get_by_label("Domain").fill(domain)
    upload(issue("other.example.test"))
    expect(page.locator("#wrong-certificate")).to_be_visible()
    upload(issue(domain, days=40))
    person.see("Saved.")
    row = page.locator(f"[id='domain-{domain}']")
    expect(row).to_contain_text("valid")
    page.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="no more").click()
    expect(row).not_to_contain_text("valid")


def test_settings_domains_and_logs(browser: Browser, console: Console) -> None:
    world = console.world
    world.succeed("shop", apps.web("one"), env={"MODE": "prod"}, secrets={"TOKEN": "abcdef"})
    with visitor(browser, console) as person:
        page = person.page
        person.go("/services/shop/settings")
        page.get_by_label("Value MODE").fill("test")
        person.click("button", "Add a variable")
        page.locator(".pair").last.get_by_label("Name").fill("LEVEL")
        page.locator(".pair").last.get_by_label("Value").fill("3")
        person.click("button", "Save as a new version")
        page.wait_for_url(re.compile("/deployments/"))
        expect(page.locator("#live h2 .state")).to_have_text("succeeded", timeout=STEPS * 1000)
        seen = set(world.body("shop", "/cgi-bin/env").splitlines())
        assert {"MODE=test", "LEVEL=3", "TOKEN=abcdef"} <= seen

        person.click("link", "Domains")
        page.get_by_label("A domain of your own").fill("shop.example.test")
        person.click("button", "Add")
        person.see("http://shop.example.test")
        assert world.body("shop.example.test") == "one"
        page.get_by_label("A domain of your own").fill("not a domain")
        person.click("button", "Add")
        expect(page.locator(".notice.bad")).to_be_visible()
        bring_certificate(person, "shop.example.test")
        page.once("dialog", lambda dialog: dialog.accept())
        person.click("button", "Remove shop.example.test")
        person.see("No custom domains yet.")

        page.get_by_role("navigation", name="Service").get_by_role("link", name="Events").click()
        person.see("domain.removed")
        person.click("link", "Logs")
        expect(page.get_by_role("log")).to_be_visible()

        person.click("link", "Settings")
        page.locator("form.scaling").first.get_by_label("Most replicas").fill("4")
        page.locator("form.scaling").first.get_by_role("button", name="Save").click()
        person.see("Saved.")
        assert world.api.version("shop-002")["replicas"]["max"] == 4
        page.get_by_label("Name of the service").fill("shop")
        person.click("button", "Delete this service")
        person.see("Nothing runs here yet")
        until(lambda: not world.containers("shop"), "its containers are gone")


PAGES = (
    "/",
    "/deploy",
    "/events",
    "/host",
    "/access",
    "/sign-in",
    "/services/shop",
    "/services/shop/deploy",
    "/services/shop/deployments",
    "/services/shop/logs",
    "/services/shop/settings",
    "/services/shop/repository",
    "/services/shop/domains",
    "/services/shop/events",
    "/services/bad",
    "/services/none",
)
Scheme = Literal["light", "dark"]
ENGLISH: tuple[tuple[int, Scheme], ...] = ((1280, "light"), (390, "dark"))
CHINESE: tuple[tuple[int, Scheme], ...] = ((1280, "dark"), (390, "light"))


@pytest.fixture(scope="module")
def furnished() -> Iterator[tuple[Console, str]]:
    """Something is on every page; with the path of a deployment."""
    with console_of_its_own() as console:
        api = console.world.api
        ended = console.world.succeed("shop", apps.web("one"), env={"MODE": "prod"})
        console.world.fail("bad", apps.program("exit 1"))
        domain = {"domain": "shop.example.test"}
        assert api.post("/v1/services/shop/domains", domain).status == 201
        user = {"name": "ann", "role": "read", "password": "correct horse battery"}
        assert api.post("/v1/users", user).status == 201
        assert api.post("/v1/services/shop/hook").status == 201
        yield console, f"/deployments/{ended['id']}"


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("locale", "lang", "ways"), [("en-US", "en", ENGLISH), ("zh-CN", "zh-CN", CHINESE)]
)
def test_every_page_is_accessible(
    browser: Browser,
    furnished: tuple[Console, str],
    locale: str,
    lang: str,
    ways: tuple[tuple[int, Scheme], ...],
) -> None:
    """Each language in both themes and sizes; the two languages swap which goes with which."""
    console, deployment = furnished
    found: list[str] = []
    with visitor(browser, console, locale=locale) as person:
        for path in (*PAGES, deployment):
            person.go(path)
            assert person.page.locator("html").get_attribute("lang") == lang
            for width, scheme in ways:
                person.page.set_viewport_size({"width": width, "height": 900})
                person.page.emulate_media(color_scheme=scheme)
                where = f"{path} {width} {scheme}"
                found += [f"{where}: {one}" for one in person.violations()]
                wide = person.page.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, f"{where} scrolls sideways"
    assert found == []


def test_the_policy_lets_nothing_else_in(browser: Browser, furnished: tuple[Console, str]) -> None:
    """Without the tests' own exception no page breaks its policy."""
    console, _ = furnished
    authorization = f"Bearer {console.admin_token}"
    context = browser.new_context(extra_http_headers={"Authorization": authorization})
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url))
    for path in PAGES[:-1]:
        answer = page.goto(console.base + path)
        assert answer is not None
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        expect(page.locator("h1")).to_be_visible()
    context.close()
    assert said == []
    assert all(url.startswith((console.base, "data:")) for url in foreign)
