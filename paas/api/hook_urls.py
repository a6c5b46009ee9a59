"""Where webhooks are, as seen from outside."""

import re

from paas.control.views import Urls
from paas.settings import Settings

HOOK_TARGET = re.compile(rb"/hooks/[a-z0-9-]{1,64}(?:\?[!-~]*)?")
"""All that the proxy lets through to the API when it offers webhooks only."""


class HookUrls:
    """Answers for a service's name whether git hosts elsewhere can reach its webhook, and
    the webhook's URL.
    """

    def __init__(self, settings: Settings, urls: Urls) -> None:
        self._settings = settings
        self._urls = urls

    def __call__(self, service: str) -> tuple[bool, str]:
        settings = self._settings
        if settings.api.through_proxy != "off":
            return True, f"{self._urls.host(settings.public_host)}hooks/{service}"
        return False, f"http://{settings.api.listen or 'localhost'}/hooks/{service}"
