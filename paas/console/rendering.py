"""The console's templates, loaded and compiled beside the loop when the first page is shown:
a daemon whose pages nobody looks at does not pay for them, and requests do not wait.
"""

import asyncio
from typing import Any

from paas.console import formats


class Templates:
    """Await `ready` before the first `render`."""

    def __init__(self) -> None:
        self._environment: Any = None
        self._loading = asyncio.Lock()

    async def ready(self) -> None:
        """Have them loaded."""
        if self._environment is None:
            async with self._loading:
                if self._environment is None:
                    self._environment = await asyncio.to_thread(_load)

    def render(self, template: str, /, **values: object) -> str:
        text: str = self._environment.get_template(template).render(**values)
        return text


def _load() -> Any:
    import jinja2  # noqa: PLC0415 - see above

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("paas.console"),
        autoescape=True,
        finalize=formats.visible,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "size": formats.size,
        "duration": formats.duration,
        "iso": formats.iso,
        "rate": formats.rate,
    }
    for name in made.list_templates():
        made.get_template(name)  # compiled and kept
    return made
