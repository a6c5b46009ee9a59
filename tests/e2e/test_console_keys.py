"""The console without a mouse: from nothing to a service by Tab, Enter and Space only."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e import apps
from tests.e2e.browser import chromium, console_of_its_own, visitor


def test_a_zip_is_deployed_by_keys_only(tmp_path: Path) -> None:
    archive = tmp_path / "shop.zip"
    archive.write_bytes(apps.web("one").zip())
    with (
        chromium() as browser,
        console_of_its_own() as console,
        visitor(browser, console) as person,
    ):
        page, keys = person.page, person.page.keyboard
        # who listens from the beginning is told of a chooser that opens at once
        page.on("filechooser", lambda _chooser: None)
        person.go("/")
        keys.press("Tab")
        expect(page.locator(":focus")).to_have_text("Skip to the content")
        keys.press("Enter")
        person.tab("link", "Deploy the first service")
        keys.press("Enter")
        page.wait_for_url("**/deploy")
        page.wait_for_load_state("load")
        person.tab("button", "Choose an archive")
        with page.expect_file_chooser() as chooser:
            keys.press("Enter")
        chooser.value.set_files(archive)
        person.tab("textbox", "Note")
        keys.type("by keys")
        person.tab("button", "Deploy")
        keys.press("Space")
        page.wait_for_url(re.compile("/deployments/"))
        expect(page.locator("#live h2 .state")).to_have_text("succeeded", timeout=60_000)
        person.tab("link", "Open service")
        assert console.world.body("shop") == "one"
        assert console.world.api.version("shop-001")["note"] == "by keys"
