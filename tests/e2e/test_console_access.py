"""Coming in, going out, and what who may do what sees, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import apps
from tests.e2e.browser import Console, Visitor, chromium, console_of_its_own, visitor
from tests.e2e.waiting import until

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    """With two services and a user."""
    with console_of_its_own() as own:
        own.world.succeed("shop", apps.web("one"))
        assert own.world.api.post("/v1/services", {"name": "other"}).status == 201
        user = {"name": "ann", "role": "deploy", "password": PASSWORD}
        assert own.world.api.post("/v1/users", user).status == 201
        yield own


def token(console: Console, scope: str, service: str | None = None) -> str:
    name = f"{scope}-{service or 'all'}"
    answer = console.world.api.post(
        "/v1/tokens", {"name": name, "scope": scope, "service": service}
    )
    assert answer.status == 201, answer.text
    return str(answer.json["token"])


def sign_in(person: Visitor, user: str, password: str) -> None:
    person.page.get_by_label("User").fill(user)
    person.page.get_by_label("Password").last.fill(password)
    person.click("button", "Sign in")


def sessions(console: Console) -> list[str]:
    return [str(one["id"]) for one in console.world.api.items("/v1/sessions")]


def test_by_password_out_again_and_back_to_where_one_was(
    browser: Browser, console: Console
) -> None:
    with visitor(browser, console, token="") as person:
        page = person.page
        person.go("/services/shop/settings")
        expect(page).to_have_url(re.compile("/sign-in"))
        sign_in(person, "ann", "wrong horse battery")
        expect(page.locator("#problem")).not_to_be_empty()
        sign_in(person, "ann", PASSWORD)
        expect(page).to_have_url(f"{console.base}/services/shop/settings")
        person.see("user:ann")
        expect(page.get_by_role("link", name="Access")).to_have_count(0)

        person.go("/services/shop")
        page.wait_for_load_state("load")
        for one in sessions(console):
            assert console.world.api.delete(f"/v1/sessions/{one}").status == 204
        expect(page).to_have_url(re.compile("/sign-in"), timeout=15_000)
        sign_in(person, "ann", PASSWORD)
        expect(page).to_have_url(f"{console.base}/services/shop")

        person.click("button", "Sign out")
        expect(page).to_have_url(re.compile("/sign-in"))
        until(lambda: not sessions(console), "the session has ended")
        person.go("/")
        expect(page).to_have_url(re.compile("/sign-in"))


def test_by_token_and_changes_need_the_page_s_own_proof(browser: Browser, console: Console) -> None:
    with visitor(browser, console, token="") as person:
        page = person.page
        person.go("/")
        page.get_by_text("Token", exact=True).first.click()
        page.locator("#token").fill(console.admin_token)
        person.click("button", "Sign in")
        expect(page).to_have_url(f"{console.base}/")
        call = """headers => fetch('/v1/services/shop', {method: 'PATCH', body: '{"sticky": true}',
            headers: {'Content-Type': 'application/json', ...headers}}).then(r => r.status)"""
        assert page.evaluate(call, {}) == 403
        assert page.evaluate(call, {"X-CSRF-Token": "0" * 64}) == 403
        assert not console.world.api.service("shop")["sticky"]
        proof = page.locator('meta[name="csrf-token"]').get_attribute("content")
        assert page.evaluate(call, {"X-CSRF-Token": proof}) == 200
        person.go("/services/shop/settings")
        form = page.locator("form#service")
        form.get_by_label("Visitors stay").uncheck()
        form.get_by_role("button", name="Save").click()
        person.see("Saved.")
        assert not console.world.api.service("shop")["sticky"]


@pytest.mark.parametrize("bound", [None, "shop"])
def test_who_may_only_read_sees_nothing_to_press(
    browser: Browser, console: Console, bound: str | None
) -> None:
    allowed = {"Find", "Download", "Copy the log"}
    with visitor(browser, console, token=token(console, "read", bound)) as person:
        for path in (
            "",
            "/deployments",
            "/logs",
            "/settings",
            "/repository",
            "/domains",
            "/events",
        ):
            person.go(f"/services/shop{path}")
            shown = person.page.get_by_role("button").filter(visible=True).all_inner_texts()
            assert set(shown) <= allowed, (path, shown)
            assert (
                person.page.locator("main").get_by_role("link", name="Deploy", exact=True).count()
                == 0
            )
        for path in ("/deploy", "/services/shop/deploy", "/access", "/host"):
            person.go(path)
            person.see("This did not work")


def test_a_token_of_one_service_shows_no_other(browser: Browser, console: Console) -> None:
    with visitor(browser, console, token=token(console, "admin", "shop")) as person:
        person.go("/")
        person.see("shop")
        assert "other" not in person.page.locator("main").inner_text()
        person.go("/events")
        person.see("shop-001")
        assert "other" not in person.page.locator("table").inner_text()
        person.go("/services/other")
        person.see("There is no service 'other'.")
        expect(person.page.locator("h1")).to_have_text("This did not work")
        for path in ("/host", "/access", "/deploy"):
            person.go(path)
            person.see("This did not work")


def test_users_and_tokens_are_kept_in_the_console(browser: Browser, console: Console) -> None:
    with visitor(browser, console) as person:
        page = person.page
        person.go("/access")
        form = page.locator("#new-user")
        form.get_by_label("Name").fill("bob")
        form.get_by_label("Password").fill("short")
        form.get_by_role("button", name="Create a user").click()
        assert not [one for one in console.world.api.items("/v1/users") if one["name"] == "bob"]
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_role("button", name="Create a user").click()
        person.click("button", "Change bob")
        page.locator("#edit-role").select_option("admin")
        page.locator("#edit-user").get_by_role("button", name="Save").click()
        expect(page.get_by_role("row", name=re.compile("^bob administer"))).to_be_visible()
        page.locator("#token-name").fill("ci")
        page.locator("#token-service").select_option("shop")
        person.click("button", "Create a token")
        expect(page.locator("#created-token")).not_to_be_empty()
        (made,) = [one for one in console.world.api.items("/v1/tokens") if one["name"] == "ci"]
        assert made["service"] == "shop"
