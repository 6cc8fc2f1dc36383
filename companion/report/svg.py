"""Bar charts as SVG, in a page of HTML that needs nothing from anywhere else."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from companion.report.model import COUNT, MONEY, Chart, shown

_WIDTH = 920
_HEIGHT = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 912, 14, 26
_BAR, _ROW = 16, 24
_LABEL_WIDTH = 200
_VALUE_WIDTH = 110
_STEPS = 4
_MOST_LABELS = 16


def render(chart: Chart) -> str:
    """One chart as an <svg> element, with its figures in tooltips and a description."""
    body, height = _lying(chart) if chart.lying else _standing(chart)
    told = "; ".join(
        f"{label}: "
        + ", ".join(
            f"{name} {_shown(chart, values[place])}" for name, values in chart.series.items()
        )
        for place, label in enumerate(chart.labels)
    )
    return (
        f'<svg role="img" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">'
        f"<title>{escape(chart.title)}</title><desc>{escape(told)}</desc>{body}</svg>"
    )


@dataclass(frozen=True)
class _Axis:
    """The lowest and highest value of an axis, and the distance of its lines."""

    low: int
    high: int
    step: int

    def y(self, value: int) -> int:
        """How far down a value is."""
        plot = _HEIGHT - _TOP - _BOTTOM
        return _TOP + (self.high - value) * plot // (self.high - self.low)


def _standing(chart: Chart) -> tuple[str, int]:
    axis = _axis(chart)
    made = []
    for value in range(axis.low, axis.high + 1, axis.step):
        y = axis.y(value)
        kind = "zero" if value == 0 else "grid"
        made.append(f'<line class="{kind}" x1="{_LEFT}" y1="{y}" x2="{_RIGHT}" y2="{y}"/>')
        made.append(
            f'<text class="scale" x="{_LEFT - 8}" y="{y + 4}">{_shown(chart, value)}</text>'
        )
    count = len(chart.labels)
    # In hundredths: 31 days do not divide evenly.
    slot = (_RIGHT - _LEFT) * 100 // count
    width = max(200, min(3600, slot * 7 // 10 // len(chart.series)))
    every = -(-count // _MOST_LABELS)
    for place, label in enumerate(chart.labels):
        begin = _LEFT * 100 + slot * place
        left = begin + (slot - width * len(chart.series)) // 2
        for number, (name, values) in enumerate(chart.series.items()):
            tip = f"{label}, {name}: {_shown(chart, values[place])}"
            made.append(_bar(axis, values[place], left + width * number, width, number, tip))
        if place % every == 0:
            x = _fixed(begin + slot // 2)
            made.append(f'<text class="label" x="{x}" y="{_HEIGHT - 8}">{escape(label)}</text>')
    return "".join(made), _HEIGHT


def _bar(axis: _Axis, value: int, left: int, width: int, number: int, tip: str) -> str:
    top, bottom = sorted((axis.y(value), axis.y(0)))
    # What is not nothing can be seen.
    tall = max(bottom - top, 1 if value else 0)
    return (
        f'<rect class="s{number}" x="{_fixed(left)}" y="{bottom - tall}" '
        f'width="{_fixed(width)}" height="{tall}"><title>{escape(tip)}</title></rect>'
    )


def _lying(chart: Chart) -> tuple[str, int]:
    (name, values), *_ = chart.series.items()
    most = max((abs(value) for value in values), default=0) or 1
    room = _WIDTH - _LABEL_WIDTH - _VALUE_WIDTH
    made = []
    for place, (label, value) in enumerate(zip(chart.labels, values, strict=True)):
        y = _TOP + place * _ROW
        width = max(abs(value) * room // most, 1 if value else 0)
        tip = escape(f"{label}, {name}: {_shown(chart, value)}")
        middle = y + _BAR // 2 + 4
        made.append(
            f'<text class="name" x="{_LABEL_WIDTH - 8}" y="{middle}">{escape(label)}</text>'
            f'<rect class="s0" x="{_LABEL_WIDTH}" y="{y}" width="{width}" height="{_BAR}">'
            f"<title>{tip}</title></rect>"
            f'<text class="value" x="{_LABEL_WIDTH + width + 6}" y="{middle}">'
            f"{_shown(chart, value)}</text>"
        )
    return "".join(made), _TOP + max(1, len(values)) * _ROW


def _axis(chart: Chart) -> _Axis:
    """All its numbers round, nothing among them."""
    every = [0, *(value for values in chart.series.values() for value in values)]
    low, high = min(every), max(every)
    # Whole yuan on an axis of money.
    unit = 100 if chart.kind == MONEY else 1
    step = unit
    turn = 0
    while step * _STEPS < high - low:
        step = unit * (2, 5, 10)[turn % 3] * 10 ** (turn // 3)
        turn += 1
    bottom = low // step * step
    return _Axis(bottom, max(-(-high // step) * step, bottom + step), step)


def _shown(chart: Chart, value: int) -> str:
    if chart.kind == MONEY and value % 100 == 0:
        return shown(COUNT, value // 100)
    return shown(chart.kind, value)


def _fixed(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"
