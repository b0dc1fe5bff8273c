"""Pieces of plots as inline SVG: a frame with two axes, lines, bands, points with bars. Colours are the page's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

__all__ = ["Frame", "Scale", "figure_of", "linear", "logarithmic", "nice_ticks", "text_at"]

Scale = Callable[[float], float]
Point = tuple[float, float]


def linear(low: float, high: float) -> Scale:
    """Map [low, high] to [0, 1]."""
    width = high - low
    return lambda value: (value - low) / width if width else 0.5


def logarithmic(low: float, high: float) -> Scale:
    """Map [low, high], both above zero, to [0, 1] by the logarithm."""
    inner = linear(math.log(low), math.log(high))
    return lambda value: inner(math.log(value))


def nice_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten that cover [low, high]."""
    span = high - low
    if not (span > 0.0 and math.isfinite(span)):
        return [low]
    rough = span / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1.0, 2.0, 5.0, 10.0) if power * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def text_at(x: float, y: float, text: str, *, anchor: str = "start", style: str = "label") -> str:
    """Write a line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{style}">{escape(text)}</text>'


def figure_of(shapes: Sequence[str], width: float, height: float, title: str) -> str:
    """Wrap shapes into an SVG element that says what it shows."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(shapes)}</svg>"
    )


class Frame:
    """A plot's area: axes, and shapes in the data's own units.

    Args:
        x: Scale to [0, 1], left to right.
        y: Likewise, upwards.
        width: Of the whole drawing; the margins for labels are inside.
        height: Likewise.
    """

    def __init__(self, x: Scale, y: Scale, *, width: float = 460.0, height: float = 280.0) -> None:
        self.width, self.height = width, height
        self._left, self._right, self._top, self._bottom = 56.0, width - 14.0, 14.0, height - 44.0
        self._x, self._y = x, y
        self.shapes: list[str] = []

    def at(self, point: Point) -> Point:
        """Return the place of a point."""
        x, y = self._x(point[0]), self._y(point[1])
        return self._left + x * (self._right - self._left), self._bottom - y * (self._bottom - self._top)

    def axes(
        self, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]], *, x_name: str, y_name: str
    ) -> None:
        """Draw grid lines at the ticks, their labels and the axes' names."""
        for value, label in y_ticks:
            y = self._bottom - self._y(value) * (self._bottom - self._top)
            self.shapes.append(f'<path d="M{self._left:.1f} {y:.1f}H{self._right:.1f}" class="grid"/>')
            self.shapes.append(text_at(self._left - 6, y + 4, label, anchor="end"))
        for value, label in x_ticks:
            x = self._left + self._x(value) * (self._right - self._left)
            self.shapes.append(f'<path d="M{x:.1f} {self._bottom:.1f}v4" class="axis"/>')
            self.shapes.append(text_at(x, self._bottom + 16, label, anchor="middle"))
        self.shapes.append(f'<path d="M{self._left:.1f} {self._bottom:.1f}H{self._right:.1f}" class="axis"/>')
        self.shapes.append(text_at(self._right, self.height - 6, x_name, anchor="end", style="name"))
        self.shapes.append(text_at(self._left, 10, y_name, style="name"))

    def line(self, points: Sequence[Point], style: str) -> None:
        """Join points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, points))
        self.shapes.append(f'<polyline points="{path}" class="line {style}"/>')

    def band(self, lower: Sequence[Point], upper: Sequence[Point], style: str) -> None:
        """Fill between two lines."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, [*upper, *reversed(lower)]))
        self.shapes.append(f'<polygon points="{path}" class="band {style}"/>')

    def dot(self, point: Point, style: str, tip: str) -> None:
        """Mark a point; the tip shows where a pointer rests."""
        x, y = self.at(point)
        self.shapes.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="dot {style}"><title>{escape(tip)}</title></circle>'
        )

    def bar(self, x: float, low: float, high: float, style: str) -> None:
        """Draw an interval upright through a point."""
        (at, bottom), (_, top) = self.at((x, low)), self.at((x, high))
        self.shapes.append(f'<path d="M{at:.1f} {bottom:.1f}V{top:.1f}" class="bar {style}"/>')

    def drawing(self, title: str) -> str:
        """Return the SVG element."""
        return figure_of(self.shapes, self.width, self.height, title)
