"""Draw a ladder diagram as SVG, to be shown inside a page in a light or a dark theme.

Meaning is never in colour alone: data has a filled head, FIN ends at a bar, RST at a cross, and
both say their name. The colours go back to Okabe and Ito's palette, darkened or lightened until
lines and text have the contrast that WCAG 2.2 asks for (level AA).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from netlab.lab.labels import width
from netlab.lab.recording import Direction

COLUMN_PX = 8.0  # of the fixed-width font at 13 px; the widest in use takes 7.9
NOTE_COLUMN_PX = 7.0  # on average, of the proportional one
PAD_PX = 24  # around everything
SMALLEST = 0.75  # of its size, in a narrow window; text of 13 px has 9.75 then, and one scrolls
HEAD_PX = 30  # height of a lane's box
TORN_PX = 5  # depth of a torn edge
LOST_PX = 36  # from the middle, where an arrow that does not arrive ends, to that word
LOST_RISE_PX = 8  # the word takes room on the line, so the label is that much higher

_DARK = """--up:#6cbcf5;--down:#f5b063;--bad:#ff8fa6;--mark:rgba(240,190,40,.22);
 --ink:var(--jp-content-font-color1,#f2f2f2);--soft:#b4b4b4;--rule:#8c8c8c;
 --paper:var(--jp-layout-color0,#111);--box:var(--jp-layout-color2,#333)"""
STYLE = f"""
.netlab-figure{{margin:8px 0;font:13px var(--jp-ui-font-family,system-ui,sans-serif)}}
.netlab-figure figcaption{{margin:2px 24px 6px;font-size:14px}}
.netlab-figure details{{margin:0 24px}}
.netlab-figure summary{{cursor:pointer;opacity:.8}}
.netlab-ladder{{--up:#00558f;--down:#974700;--bad:#b00040;--mark:rgba(240,190,40,.3);
 --ink:var(--jp-content-font-color1,#1f1f1f);--soft:#5f5f5f;--rule:#808080;
 --paper:var(--jp-layout-color0,#fff);--box:var(--jp-layout-color2,#eee);
 background:var(--paper)}}
.netlab-figure .netlab-scroll svg.netlab-ladder{{display:block;max-width:100%;height:auto}}
.netlab-figure .netlab-scroll{{overflow-x:auto;max-width:100%}}
.netlab-figure .netlab-arrows{{border-collapse:collapse;margin:4px 0;font-size:13px}}
.netlab-figure .netlab-arrows :is(th,td){{text-align:left;vertical-align:top;font-weight:400;
 padding:3px 10px 3px 4px;border-bottom:1px solid #8886;white-space:normal;max-width:44em;
 min-width:8em;overflow-wrap:break-word}}
.netlab-figure .netlab-arrows th{{font-weight:600;white-space:nowrap}}
.netlab-figure .netlab-arrows tr{{background:none}}
.netlab-figure .netlab-arrows .hex{{min-width:24ch;font-size:12.5px;
 font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace)}}
[data-jp-theme-light=false] .netlab-ladder,[data-theme=dark] .netlab-ladder,
.vscode-dark .netlab-ladder{{{_DARK}}}
@media (prefers-color-scheme:dark){{
 body:not([data-jp-theme-light],[data-theme],.vscode-light) .netlab-ladder{{{_DARK}}}}}
.netlab-ladder text{{font:13px var(--jp-ui-font-family,system-ui,sans-serif);fill:var(--ink);
 text-anchor:middle;white-space:pre}}
.netlab-ladder .code{{font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,
 'DejaVu Sans Mono',monospace)}}
.netlab-ladder .name{{font-weight:600;font-size:14px}}
.netlab-ladder .pill-text{{font-weight:600;letter-spacing:.4px}}
.netlab-ladder .note{{fill:var(--soft)}}
.netlab-ladder .esc{{fill:var(--soft)}}
.netlab-ladder .box{{fill:var(--box);stroke:var(--rule)}}
.netlab-ladder .paper{{fill:var(--paper)}}
.netlab-ladder .mark{{fill:var(--mark)}}
.netlab-ladder .idle{{stroke:var(--rule);stroke-width:1.4;stroke-dasharray:.1 5;
 stroke-linecap:round}}
.netlab-ladder .live{{stroke:var(--rule);stroke-width:1.6}}
.netlab-ladder .half{{stroke:var(--rule);stroke-width:1.6;stroke-dasharray:7 4}}
.netlab-ladder .up{{--hue:var(--up)}}
.netlab-ladder .down{{--hue:var(--down)}}
.netlab-ladder .bad{{--hue:var(--bad)}}
.netlab-ladder .line{{fill:none;stroke:var(--hue);stroke-width:1.7;stroke-linecap:round}}
.netlab-ladder .dash{{stroke-dasharray:5 5}}
.netlab-ladder .head{{fill:var(--hue)}}
.netlab-ladder .pill{{fill:var(--paper);stroke:var(--hue);stroke-width:1.4}}
"""


@dataclass(frozen=True)
class Label:
    """The text of one frame, or of the part of it that a chunk carried, torn where it was cut."""

    text: str
    torn_left: bool = False
    torn_right: bool = False

    @property
    def width_px(self) -> float:
        return width(self.text) * COLUMN_PX + 20


@dataclass(frozen=True)
class Row:
    """One row of the diagram, ready to be drawn."""

    kind: str  # a `Kind`, "lost", or "fold"
    source: int = 0  # number of the lane that it comes from, the leftmost being 0
    target: int = 0
    direction: Direction = Direction.TO_SERVER
    lines: tuple[tuple[Label, ...], ...] = ()
    boxed: bool = False
    note: str = ""
    title: str = ""
    marked: bool = False

    @property
    def height_px(self) -> int:
        if self.kind in ("open", "fin", "rst", "fold"):
            return 36
        lost = LOST_RISE_PX if self.kind == "lost" else 0
        return 22 + len(self.lines) * (28 if self.boxed else 20) + (17 if self.note else 0) + lost

    @property
    def line_px(self) -> float:
        """Where the arrow's line is, from the top of the row."""
        if self.kind in ("open", "fin", "rst", "fold"):
            return self.height_px / 2
        return self.height_px - 14 - (17 if self.note else 0)


def draw(names: Sequence[str], server: int, rows: Sequence[Row], gap: float, about: str) -> str:
    """Return the ``<svg>``: a lane for each of `names`, of which number `server` is the server.

    `gap` is the distance of two lanes in pixels, `about` what a screen reader says.
    """
    boxes = [box_px(name) for name in names]
    lanes = [PAD_PX + max(boxes[0] / 2, 44) + number * gap for number in range(len(names))]
    wide = lanes[-1] + max(boxes[-1] / 2, 44) + PAD_PX
    top = PAD_PX + HEAD_PX
    ys = [float(top + 14)]
    for row in rows:
        ys.append(ys[-1] + row.height_px)
    bottom = ys[-1] + 12
    size = f"{_n(wide)} {_n(bottom + PAD_PX - 6)}"
    high = size.split()[1]
    parts = [
        f'<svg class="netlab-ladder" role="img" aria-label="{escape(about)}" '
        f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
        f'width="{_n(wide)}" height="{high}" style="min-width:{_n(wide * SMALLEST)}px">'
        f"<style>{STYLE}</style>"
    ]
    for row, y in zip(rows, ys, strict=False):
        if row.marked:
            parts.append(_rect("mark", 8, y + 2, wide - 16, row.height_px - 2, 6))
    for number, x in enumerate(lanes):
        parts.append(_vertical("idle", x, top, bottom))
        whole = number == server
        alive = [("live", float(top), bottom)]
        alive = alive if whole else list(_alive(number, rows, ys, top, bottom))
        parts += [_vertical(kind, x, start, end) for kind, start, end in alive]
    for number, (name, x, box) in enumerate(zip(names, lanes, boxes, strict=True)):
        corner = 4 if number == server else HEAD_PX / 2
        parts.append(_rect("box", x - box / 2, PAD_PX, box, HEAD_PX, corner))
        parts.append(_text("name", name, x, PAD_PX + 20))
    for row, y in zip(rows, ys, strict=False):
        parts += _row(row, lanes, y)
    return "".join([*parts, "</svg>"])


def box_px(name: str) -> float:
    """Return how wide the box of a lane's name is."""
    return max(72.0, width(name) * 8.8 + 28)


def _alive(
    lane: int, rows: Sequence[Row], ys: Sequence[float], top: float, bottom: float
) -> Iterator[tuple[str, float, float]]:
    """Yield from where to where a client has a connection: "live", or "half" after one FIN."""
    mine = [(row, y + row.line_px) for row, y in zip(rows, ys, strict=False)]
    mine = [(row, y) for row, y in mine if row.kind != "fold" and lane in (row.source, row.target)]
    start: float | None = None if any(row.kind == "open" for row, _ in mine) else top
    finished: set[Direction] = set()
    for row, y in mine:
        is_end = row.kind in ("rst", "error") or len({*finished, row.direction}) == 2
        if start is not None and (row.kind in ("fin", "rst", "error")):
            yield "half" if finished else "live", start, y
            start = None if is_end else y
        if row.kind == "open":
            start, finished = y, set()
        elif row.kind == "fin":
            finished.add(row.direction)
    if start is not None:
        yield "half" if finished else "live", start, bottom


def _row(row: Row, lanes: Sequence[float], y: float) -> Iterator[str]:
    """Draw one row: the line with its head, what it carried above, a note below."""
    if row.kind == "fold":
        yield from _on_paper("note", row.note, (lanes[0] + lanes[-1]) / 2, y + 22, NOTE_COLUMN_PX)
        return
    x1, x2, line = lanes[row.source], lanes[row.target], y + row.line_px
    middle, way = (x1 + x2) / 2, 1 if x2 > x1 else -1
    hue = "up" if row.direction is Direction.TO_SERVER else "down"
    lost = row.kind == "lost"
    yield f'<g class="{"bad" if row.kind in ("rst", "error", "lost") else hue}">'
    yield f"<title>{escape(row.title)}</title>"
    client_way = -way if row.direction is Direction.TO_SERVER else way
    server_x = x2 if row.direction is Direction.TO_SERVER else x1

    def center(wide: float) -> float:
        """Where to put a text: in the middle, but when it is too long beginning at the server."""
        fits = wide + 28 <= abs(x2 - x1)
        return middle if fits else server_x + client_way * (wide / 2 + 14)

    end = middle + 4 * way if lost else x2
    yield _path("line dash" if row.kind == "open" else "line", x1 + 5 * way, line, end - 7 * way)
    yield _head(row.kind, end, way, line)
    if row.kind in ("open", "fin", "rst"):
        word = {"open": "connect", "fin": "FIN", "rst": "RST"}[row.kind]
        yield from _pill(word, middle, line, 2 if row.kind == "rst" else 10)
    if lost:
        yield from _pill("LOST", middle + LOST_PX * way, line, 2)
    for number, labels in enumerate(row.lines):
        wide = sum(label.width_px for label in labels) + 6 * (len(labels) - 1)
        if row.boxed:
            high = line - 30 - 28 * (len(row.lines) - 1 - number)
            yield from _boxes(labels, center(wide) - wide / 2, high)
        else:
            text = labels[0].text
            above = line - 8 - (LOST_RISE_PX if lost else 0)
            yield from _on_paper("code", text, center(wide - 20), above, COLUMN_PX, row.marked)
    if row.note:
        wide = width(row.note) * NOTE_COLUMN_PX
        yield from _on_paper("note", row.note, center(wide), line + 17, NOTE_COLUMN_PX, row.marked)
    yield "</g>"


def _head(kind: str, x: float, way: int, y: float) -> str:
    """Draw the end of an arrow: filled for data, a chevron, a bar for FIN, a cross for RST."""
    if kind not in ("open", "fin", "rst", "error", "lost"):
        back = _n(x - 13 * way)
        points = f"{_n(x - 2 * way)},{_n(y)} {back},{_n(y - 5)} {back},{_n(y + 5)}"
        return f'<polygon class="head" points="{points}"/>'
    tip, back = _n(x - 4 * way), _n(x - 11 * way)
    over, under = _n(y - 5), _n(y + 5)
    if kind == "open":
        shape = f"M{back} {over}L{tip} {_n(y)}L{back} {under}"
    elif kind == "fin":
        tip = _n(x - 7 * way)
        shape = f"M{tip} {_n(y - 7)}V{_n(y + 7)}"
    else:
        shape = f"M{back} {over}L{tip} {under}M{tip} {over}L{back} {under}"
    return f'<path class="line" d="{shape}"/>'


def _pill(word: str, x: float, y: float, corner: float) -> Iterator[str]:
    """Draw the name of an event in a box of its own, in the middle of the line."""
    half = len(word) * 4.3 + 11
    yield _rect("pill", x - half, y - 10, 2 * half, 20, corner)
    yield _text("pill-text", word, x, y + 4.5)


def _boxes(labels: Sequence[Label], x: float, y: float) -> Iterator[str]:
    """Draw frames as boxes side by side; the edge at which one was cut is a torn one."""
    for label in labels:
        end = x + label.width_px
        up = f"l{TORN_PX} -5.5l-{TORN_PX} -5.5" * 2
        down = f"l-{TORN_PX} 5.5l{TORN_PX} 5.5" * 2
        right = down if label.torn_right else "v22"
        left = up if label.torn_left else "v-22"
        shape = f"M{_n(x)} {_n(y)}H{_n(end)}{right}H{_n(x)}{left}Z"
        yield f'<path class="pill" stroke-linejoin="round" d="{shape}"/>'
        yield _text("code", label.text, (x + end) / 2, y + 15.5)
        x = end + 6


def _on_paper(
    kind: str, text: str, x: float, y: float, column_px: float, marked: bool = False
) -> Iterator[str]:
    """Draw text over lines that it would otherwise cross, on paper of the row's colour."""
    wide = width(text) * column_px + 8
    yield _rect("paper", x - wide / 2, y - 13, wide, 17, 0)
    if marked:
        yield _rect("mark", x - wide / 2, y - 13, wide, 17, 0)
    yield _text(kind, text, x, y)


def _path(kind: str, x1: float, y: float, x2: float) -> str:
    return f'<path class="{kind}" d="M{_n(x1)} {_n(y)}H{_n(x2)}"/>'


def _vertical(kind: str, x: float, y1: float, y2: float) -> str:
    return f'<path class="{kind}" d="M{_n(x)} {_n(y1)}V{_n(y2)}"/>'


def _rect(kind: str, x: float, y: float, wide: float, high: float, corner: float) -> str:
    size = f'width="{_n(wide)}" height="{_n(high)}" rx="{_n(corner)}"'
    return f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" {size}/>'


def _text(kind: str, text: str, x: float, y: float) -> str:
    soft = r'<tspan class="esc">\1</tspan>'
    inner = re.sub(r"(\\[nrt]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})", soft, escape(text))
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{inner}</text>'


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
