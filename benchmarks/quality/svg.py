"""Small line charts as SVG, one beside the other. Needs the standard library only."""

import math
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 300, 210, 40, 26, 10, 34
COLUMNS = 3
LEGEND_LINE = 16


@dataclass(frozen=True)
class Line:
    name: str
    # (x, y); one point is drawn as a level across the whole chart.
    points: list
    color: str
    is_dashed: bool = False


@dataclass
class Chart:
    title: str
    lines: list = field(default_factory=list)


def ticks(low, high, most=5):
    """Round numbers in [low, high], at most so many."""
    steps = (digit * 10.0**exponent for exponent in range(-4, 9) for digit in (1, 2, 5))
    step = next(step for step in steps if (high - low) / step < most)
    return [step * i for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


class Scale:
    """Numbers of data to places of the drawing."""

    def __init__(self, low, high, begin, end):
        self.low, self.high, self._begin, self._end = low, high, begin, end

    def __call__(self, value):
        return self._begin + (value - self.low) / ((self.high - self.low) or 1.0) * (self._end - self._begin)


def draw(charts, x_title, y_title):
    """The SVG's text: charts in rows of COLUMNS, one legend below."""
    rows = -(-len(charts) // COLUMNS)
    columns = min(COLUMNS, len(charts))
    legend = {line.name: line for chart in charts for line in chart.lines}
    height = rows * HEIGHT + LEGEND_LINE * (-(-len(legend) // (2 * columns)) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * WIDTH}" height="{height}" font-family="sans-serif" font-size="10">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for i, chart in enumerate(charts):
        parts += [f'<g transform="translate({i % COLUMNS * WIDTH} {i // COLUMNS * HEIGHT})">', *_chart(chart, x_title, y_title), "</g>"]
    for i, line in enumerate(legend.values()):
        x, y = 20 + i % (2 * columns) * WIDTH / 2, rows * HEIGHT + LEGEND_LINE * (i // (2 * columns) + 1)
        parts.append(_path([(x, y - 3), (x + 22, y - 3)], line) + f'<text x="{x + 28}" y="{y}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _chart(chart, x_title, y_title):
    xs = [x for line in chart.lines for x, _ in line.points if len(line.points) > 1] or [0, 1]
    ys = [y for line in chart.lines for _, y in line.points]
    margin = 0.06 * ((max(ys) - min(ys)) or 1.0)
    across = Scale(min(0, *xs), max(xs), LEFT, WIDTH - RIGHT)
    up = Scale(min(ys) - margin, max(ys) + margin, HEIGHT - BOTTOM, TOP)
    yield f'<text x="{LEFT}" y="{TOP - 10}" font-weight="bold">{escape(chart.title)}</text>'
    yield f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}" fill="none" stroke="#999"/>'
    for tick in ticks(across.low, across.high):
        yield f'<text x="{across(tick):.1f}" y="{HEIGHT - BOTTOM + 12}" text-anchor="middle">{tick:g}</text>'
    for tick in ticks(up.low, up.high):
        yield f'<path d="M{LEFT} {up(tick):.1f}H{WIDTH - RIGHT}" stroke="#eee"/><text x="{LEFT - 4}" y="{up(tick) + 3:.1f}" text-anchor="end">{tick:g}</text>'
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_title)}</text>'
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield f'<text x="10" y="{middle}" text-anchor="middle" transform="rotate(-90 10 {middle})">{escape(y_title)}</text>'
    for line in chart.lines:
        points = line.points if len(line.points) > 1 else [(across.low, line.points[0][1]), (across.high, line.points[0][1])]
        yield _path([(across(x), up(y)) for x, y in points], line)
        if len(line.points) > 1:
            yield "".join(f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="2.2" fill="{line.color}"/>' for x, y in points)


def _path(places, line):
    dashes = ' stroke-dasharray="4 3"' if line.is_dashed else ""
    return f'<path d="M{" L".join(f"{x:.1f} {y:.1f}" for x, y in places)}" fill="none" stroke="{line.color}" stroke-width="1.5"{dashes}/>'
