"""What was measured: rounds of figures, their medians, ratios and targets.

A ratio is taken inside each round, where both sides met the same neighbours, and
the median of the rounds is quoted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

Figures = Mapping[str, float]
US = "paas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`figure` of ours divided by the peer's, or ours alone with no peer, and its limit."""

    load: str
    figure: str
    peer: str = ""
    at_most: float | None = None
    at_least: float | None = None

    def met(self, value: float) -> bool:
        within = self.at_most is None or value <= self.at_most
        return within and (self.at_least is None or value >= self.at_least)

    @property
    def text(self) -> str:
        limit = f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"
        against = f" / {self.peer}" if self.peer else ""
        return f"{self.load}: {self.figure}{against} {limit}"


@dataclass(slots=True, kw_only=True)
class Result:
    """One benchmark: figures by load and subject, one entry per round; `notes` is what
    else is worth keeping.
    """

    id: str
    title: str
    targets: tuple[Target, ...]
    rounds: dict[str, dict[str, list[Figures]]] = field(default_factory=dict)
    notes: Mapping[str, object] = field(default_factory=dict)

    def add(self, load: str, subject: str, figures: Figures) -> None:
        self.rounds.setdefault(load, {}).setdefault(subject, []).append(figures)

    def value(self, load: str, subject: str, figure: str) -> float:
        """The median of the rounds; of errors the most, lest one be lost."""
        rounds = [one[figure] for one in self.rounds[load][subject]]
        return max(rounds) if figure == "errors" else median(rounds)

    def ratio(self, load: str, figure: str, peer: str) -> float:
        """Ours divided by the peer's: the median over the rounds."""
        pairs = zip(self.rounds[load][US], self.rounds[load][peer], strict=True)
        return median(ours[figure] / max(theirs[figure], 1e-9) for ours, theirs in pairs)

    def judged(self, target: Target) -> float:
        if target.peer:
            return self.ratio(target.load, target.figure, target.peer)
        return self.value(target.load, US, target.figure)


def as_json(result: Result) -> dict[str, object]:
    """Everything, the single rounds included."""
    judged = [(target, result.judged(target)) for target in result.targets]
    return {
        "id": result.id,
        "title": result.title,
        "rounds": result.rounds,
        "notes": result.notes,
        "targets": [
            {"target": target.text, "value": value, "met": target.met(value)}
            for target, value in judged
        ],
    }


def as_table(result: Result) -> str:
    """For the terminal and, being Markdown, for docs/benchmarks.md."""
    lines = [f"### {result.id}: {result.title}", ""]
    for load, subjects in result.rounds.items():
        names = list(next(iter(subjects.values()))[0])
        lines += [_row(load, *names), _row(*["---"] + ["---:"] * len(names))]
        for subject in subjects:
            cells = [_cell(result, load, subject, name) for name in names]
            lines.append(_row(subject, *cells))
        lines.append("")
    if result.targets:
        lines += [_row("target", "value", "met"), _row("---", "---:", "---")]
    for target in result.targets:
        value = result.judged(target)
        lines.append(_row(target.text, f"{value:.2f}", "yes" if target.met(value) else "**no**"))
    return "\n".join([*lines, ""])


# ---- private


def _cell(result: Result, load: str, subject: str, figure: str) -> str:
    value = result.value(load, subject, figure)
    text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    if subject == US or US not in result.rounds[load] or figure == "errors":
        return text
    if not result.value(load, subject, figure):
        return text
    return f"{text} (×{result.ratio(load, figure, subject):.2f})"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
