"""The bars of fan-out and ping, as SVG that fits a light and a dark page."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from tests.benchmarks.load import Flow
from tests.benchmarks.measure import Results
from tests.benchmarks.servers import CONTENDERS, NULL

OURS = {contender.name for contender in CONTENDERS if not contender.peer}
ROW, BAR, LEFT, WIDE, TOP = 22, 14, 150, 420, 34
_STYLE = (
    "text{font:12px sans-serif;fill:#1f2328}.h{font-weight:bold}"
    ".o{fill:#0550ae;stroke:#0550ae}.p{fill:#fff;stroke:#57606a}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.o{fill:#79c0ff;stroke:#79c0ff}"
    ".p{fill:#0d1117;stroke:#9198a1}}"
)


def picture(results: Results) -> str:
    """Return the picture; its title says in words what the bars show."""
    charts = (
        ("Fan-out: deliveries a second on a core", _medians(results.fan_out)),
        ("Fan-out, one message at a time", _medians(results.alone)),
        ("Ping: requests a second on a core", _medians(results.ask)),
    )
    high = sum(TOP + ROW * len(values) + 10 for _, values in charts)
    words = "; ".join(
        f"{title}: " + ", ".join(f"{name} {value:,.0f}" for name, value in values.items())
        for title, values in charts
    )
    rows = "".join(_charts(charts))
    wide = LEFT + WIDE + 90
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" '
        f'role="img" aria-labelledby="t"><title id="t">{escape(words)}. '
        f"Filled bars are netlab's.</title><style>{_STYLE}</style>{rows}</svg>\n"
    )


def _medians(samples: Mapping[str, Sequence[Flow]]) -> dict[str, float]:
    return {
        name: statistics.median(flow.per_cpu_s for flow in flows)
        for name, flows in samples.items()
        if name != NULL.name
    }


def _charts(charts: Sequence[tuple[str, dict[str, float]]]) -> Iterator[str]:
    y = 0
    for title, values in charts:
        most = max(values.values())
        yield f'<text class="h" x="4" y="{y + 20}">{escape(title)} (netlab filled)</text>'
        y += TOP
        for name, value in values.items():
            kind = "o" if name in OURS else "p"
            wide = WIDE * value / most
            yield f'<text x="{LEFT - 6}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
            yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{wide:.1f}" height="{BAR}"/>'
            yield f'<text x="{LEFT + wide + 6:.1f}" y="{y + 12}">{value:,.0f}</text>'
            y += ROW
        y += 10
