"""A picture of one result: ours and the peers' figures side by side, as PNG.

Needs matplotlib, which is no part of the test environment: without it there is
no picture, and the figures are complete all the same.
"""

from pathlib import Path
from typing import Any

from benchmarks.results import US, Result


def draw(result: Result, path: Path) -> bool:
    """Whether it was drawn."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - optional

        mpl.use("Agg")
        from matplotlib import pyplot as plt  # noqa: PLC0415 - optional
    except ImportError:
        return False
    panels = [(load, figure) for load in result.rounds for figure in _figures(result, load)]
    figure, axes = plt.subplots(1, len(panels), figsize=(3.2 * len(panels), 3), squeeze=False)
    for axis, (load, name) in zip(axes[0], panels, strict=True):
        _panel(axis, result, load, name)
    figure.suptitle(f"{result.id}: {result.title}")
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return True


# ---- private


def _figures(result: Result, load: str) -> list[str]:
    names = list(next(iter(result.rounds[load].values()))[0])
    return [name for name in names if name not in ("errors", "core", "p50 ms")]


def _panel(axis: Any, result: Result, load: str, name: str) -> None:
    subjects = list(result.rounds[load])
    values = [result.value(load, subject, name) for subject in subjects]
    colours = ["tab:orange" if subject == US else "tab:blue" for subject in subjects]
    bars = axis.bar(subjects, values, color=colours)
    axis.bar_label(bars, fmt="%.3g", fontsize=8)
    axis.set_title(f"{load}: {name}", fontsize=9)
    axis.tick_params(axis="x", labelsize=8)
