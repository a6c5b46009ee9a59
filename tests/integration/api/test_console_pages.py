"""Every page of the console is shown, and every live part."""

from paas.console.table import PAGES
from tests.integration.api.rig import World, events

SSE = {"Accept": "text/event-stream"}


async def test_every_page_and_every_live_part_is_shown(paas: World) -> None:
    deployment = await paas.deploy()
    for route in PAGES:
        path = route.path.replace("{service}", "shop").replace("{deployment}", deployment["id"])
        assert "{" not in path
        answer = await paas.call("GET", path)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        if route.live:
            async with paas.session.get(f"http://localhost{path}", headers=SSE) as response:
                first = await anext(events(response))
            assert "data" in first, path


async def test_a_file_that_is_known_is_not_sent_again(paas: World) -> None:
    url = "http://localhost/static/console.js"
    async with paas.session.get(url) as first:
        assert (first.status, first.headers["Cache-Control"]) == (200, "no-cache")
        tag = first.headers["ETag"]
    async with paas.session.get(url, headers={"If-None-Match": tag}) as same:
        assert (same.status, await same.read()) == (304, b"")
    async with paas.session.get(url, headers={"If-None-Match": '"other"'}) as other:
        assert other.status == 200
