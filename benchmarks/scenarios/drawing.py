"""A timeline as a picture: requests above, replicas by state below, one time axis. Plain SVG."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from benchmarks.scenarios.timeline import Timeline, counted

WIDTH, LEFT, RIGHT = 860, 64, 50
TOP, REQUESTS, GAP, REPLICAS = 80, 120, 34, 150
HEIGHT = TOP + REQUESTS + GAP + REPLICAS + 74
COLOURS = {"ready": "#2e8b57", "starting": "#e6a817", "frozen": "#4a90d9", "draining": "#a0a0a0"}
SHARP = 'shape-rendering="crispEdges"'
TICKS = (1, 2, 5, 10, 20, 30, 60, 120)


def drawn(timeline: Timeline) -> str:
    """The picture's text."""
    end = max([at for at, _ in timeline.seen] + [second + 1 for second in timeline.sent])
    scale = _Scale(end)
    head = 'font-family="sans-serif" font-size="12" fill="#222"'
    title = f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {head}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f"{title}{escape(timeline.title)}</text>",
        *_requests(timeline, scale),
        *_replicas(timeline, scale),
        *_axis(scale),
        *_marks(timeline, scale),
        *_legend(timeline),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


# ---- private


class _Scale:
    """Seconds to places."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.width = (WIDTH - LEFT - RIGHT) / seconds

    def x(self, at: float) -> float:
        return LEFT + at * self.width


def _requests(timeline: Timeline, scale: _Scale) -> Iterator[str]:
    most, floor = max(timeline.sent.values(), default=1), TOP + REQUESTS
    yield from _rungs(floor, REQUESTS, most, "requests/s")
    places = []
    for second in range(round(scale.seconds)):
        y = floor - REQUESTS * timeline.sent.get(second, 0) / most
        places += [
            f"{scale.x(second):.1f},{y:.1f}",
            f"{scale.x(min(second + 1, scale.seconds)):.1f},{y:.1f}",
        ]
    yield f'<polyline points="{" ".join(places)}" fill="none" stroke="#444" stroke-width="1.5"/>'
    for second, count in timeline.failed.items():
        x = scale.x(second + 0.5)
        yield f'<circle cx="{x:.1f}" cy="{floor - 4}" r="3" fill="#c0392b"/>'
        yield f'<text x="{x:.1f}" y="{floor - 10}" fill="#c0392b">{count} failed</text>'


def _replicas(timeline: Timeline, scale: _Scale) -> Iterator[str]:
    """Neighbouring looks that saw the same are one bar."""
    counts = [(at, counted(states)) for at, states in timeline.seen]
    most = max((sum(one.values()) for _, one in counts), default=1) or 1
    floor = TOP + REQUESTS + GAP + REPLICAS
    yield from _rungs(floor, REPLICAS, most, "replicas")
    for begin, end, found in _spans(counts, scale.seconds):
        y = float(floor)
        for state, colour in COLOURS.items():
            height = REPLICAS * found.get(state, 0) / most
            y -= height
            if height:
                place = f'x="{scale.x(begin):.1f}" y="{y:.1f}" height="{height:.1f}"'
                width = scale.x(end) - scale.x(begin)
                yield f'<rect {place} width="{width:.1f}" fill="{colour}" {SHARP}/>'


def _spans(
    counts: Sequence[tuple[float, Mapping[str, int]]], end: float
) -> Iterator[tuple[float, float, Mapping[str, int]]]:
    begin, found = counts[0]
    for at, now in counts[1:]:
        if now != found:
            yield begin, at, found
            begin, found = at, now
    yield begin, end, found


def _rungs(floor: int, height: int, most: int, what: str) -> Iterator[str]:
    for value in sorted({0, most // 2, most}):
        y = floor - height * value / most
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value}</text>'
    yield f'<text x="{LEFT}" y="{floor - height - 8}" fill="#666">{what}</text>'


def _axis(scale: _Scale) -> Iterator[str]:
    y = TOP + REQUESTS + GAP + REPLICAS
    step = next((one for one in TICKS if scale.seconds / one <= 12), TICKS[-1])
    for second in range(0, int(scale.seconds) + 1, step):
        x = scale.x(second)
        yield f'<path d="M{x:.1f} {y}v5" stroke="#222"/>'
        yield f'<text x="{x:.1f}" y="{y + 19}" text-anchor="middle">{second} s</text>'


def _marks(timeline: Timeline, scale: _Scale) -> Iterator[str]:
    """Names stand in two rows, so that neighbours do not meet."""
    for number, (at, name) in enumerate(timeline.marks):
        x, y = scale.x(at), TOP - 38 + 14 * (number % 2)
        end = TOP + REQUESTS + GAP + REPLICAS
        yield f'<path d="M{x:.1f} {y + 2}V{end}" stroke="#888" stroke-dasharray="3 3"/>'
        yield f'<text x="{x + 3:.1f}" y="{y}" fill="#555">{escape(name)}</text>'


def _legend(timeline: Timeline) -> Iterator[str]:
    seen = {state for _, states in timeline.seen for state in states.values()}
    x, y = LEFT, HEIGHT - 18
    for state in (one for one in COLOURS if one in seen):
        yield f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{COLOURS[state]}"/>'
        yield f'<text x="{x + 17}" y="{y}">{state}</text>'
        x += 100
