"""Draws with matplotlib: availability, latency by phase, and incidents on a time line, as SVG.

Each drawing raises ImportError where the library is not installed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mailwatch.core.model import Phase
from mailwatch.report.material import Material, Span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH_IN = 4.4
"""As wide as a phone is: a page shows several beside each other rather than a large one."""

WIDE_IN = 10.8
"""As wide as the page gets."""

INK = "#010101"
COLORS = {
    name: f"#0202{number:02x}"
    for number, name in enumerate(("faint", "good", "fair", "bad", *Phase))
}
"""Stand for those of the page, which follow the reader's light or dark theme."""

_PROLOGUE = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_FONT = re.compile(r"font: ([0-9.]+)px [^;\"]*")


def availability(key: str, material: Material) -> str:
    """Return a bar for each span of the service, as high as the share of it that was well."""

    def draw(axes: Axes) -> None:
        spans = [span for span in material.services[key] if span.share is not None]
        shares = [span.share or 0.0 for span in spans]
        # A span without a single answer is a bar too, or it would look like no data.
        heights = [max(100 * share, 3) for share in shares]
        colors = [COLORS[rank(share)] for share in shares]
        days, width = _places(spans, material)
        axes.bar(days, heights, width=width, color=colors, linewidth=0)
        axes.set_ylim(0, 100)
        axes.set_yticks([0, 50, 100], ["0 %", "50 %", "100 %"])

    return _drawn(f"availability-{key}", 1.15, draw, material)


def latency(key: str, material: Material) -> str:
    """Return the mean seconds of each phase on top of each other, and the slowest check."""

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        spans = [span for span in material.services[key] if span.phases]
        days, width = _places(spans, material)
        below = [0.0] * len(spans)
        for phase in Phase:
            values = [1000 * span.phases.get(phase, 0.0) for span in spans]
            if any(values):
                axes.bar(days, values, width=width, bottom=below, color=COLORS[phase], linewidth=0)
                below = [one + more for one, more in zip(below, values, strict=True)]
        axes.set_ylim(0, max([*below, 1.0]) * 1.1)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
        axes.yaxis.set_major_formatter(lambda value, _place: f"{value:g} ms")

    return _drawn(f"latency-{key}", 1.6, draw, material)


def time_line(material: Material, width_in: float = WIDTH_IN) -> str:
    """Return the incidents as bars on one line, with a mark for each restart."""

    def draw(axes: Axes) -> None:
        least = (material.end - material.begin) / 86_400 / 160
        for one in material.incidents:
            begin = _day(max(one.since.wall, material.since))
            end = _day(one.closed.wall if one.closed else material.until)
            color = COLORS["bad" if one.escalated or one.closed is None else "fair"]
            bar = (begin, max(end - begin, least))
            axes.broken_barh([bar], (0.25, 0.5), color=color, linewidth=0)
            restarts = [_day(attempt.begun.wall) for attempt in one.attempts]
            axes.plot(restarts, [0.9] * len(restarts), "v", color=INK, markersize=3.5)
        axes.set_ylim(0, 1.1)
        axes.set_yticks([])

    return _drawn(f"time-line-{width_in:g}", 0.85, draw, material, width_in, left_in=0.1)


def _drawn(
    name: str,
    height_in: float,
    draw: Callable[[Axes], None],
    material: Material,
    width_in: float = WIDTH_IN,
    left_in: float = 0.57,
) -> str:
    import matplotlib
    from matplotlib import dates
    from matplotlib.figure import Figure

    with matplotlib.rc_context(
        {
            "svg.fonttype": "none",  # text stays text: it can be read out, searched and themed
            "svg.hashsalt": name,  # or the clip paths of two drawings on a page share their ids
            "font.size": 9,
            "text.parse_math": False,
            **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
            **dict.fromkeys(("axes.edgecolor", "grid.color"), COLORS["faint"]),
        }
    ):
        figure = Figure(figsize=(width_in, height_in))
        width = 1 - (left_in + 0.1) / width_in
        axes = figure.add_axes((left_in / width_in, 0.29 / height_in, width, 1 - 0.37 / height_in))
        axes.grid(axis="y", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(length=0)
        axes.tick_params(axis="x", pad=6)
        draw(axes)
        axes.set_xlim(_day(material.begin), _day(material.end))
        locator = dates.AutoDateLocator(minticks=4, maxticks=7)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(
            dates.ConciseDateFormatter(  # type: ignore[no-untyped-call]
                locator,
                formats=["%Y", "%b", "%d %b", "%H:%M", "%H:%M", "%S"],
                zero_formats=["", "%Y", "%d %b", "%d %b", "%H:%M", "%H:%M"],
                show_offset=False,
            )
        )
        written = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(written, format="svg", transparent=True, metadata=nothing)
    return _themed(written.getvalue())


def _themed(svg: str) -> str:
    svg = _METADATA.sub("", _PROLOGUE.sub("", svg, count=1))
    svg = re.sub(r' (?:width|height)="[0-9.]+pt"', "", svg, count=2)
    svg = re.sub(r" xmlns(?::xlink)?=\"[^\"]*\"", "", svg) if "xlink:href" not in svg else svg
    svg = svg.replace(INK, "currentColor")
    for name, color in COLORS.items():
        svg = svg.replace(color, f"var(--{name})")
    return _FONT.sub(r"font-size: \1px", svg).strip()


def _day(wall: float) -> float:
    """Return local time as matplotlib counts: days since 1970."""
    offset = datetime.fromtimestamp(wall).astimezone().utcoffset()
    return (wall + (offset.total_seconds() if offset else 0.0)) / 86_400


def _places(spans: Sequence[Span], material: Material) -> tuple[list[float], float]:
    """Return where the middle of the bar of each span stands, and how wide a bar is, in days."""
    middles = [_day(span.at + material.span_s / 2) for span in spans]
    return middles, material.span_s / 86_400 * 0.86


def rank(share: float) -> str:
    """Return the name of the colour for a share of the time, from 0 to 1."""
    return "good" if share >= 0.999 else "fair" if share >= 0.95 else "bad"
