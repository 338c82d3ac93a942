"""Dissections as tables: HTML for the notebook, and the same as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from netlab.lab.dissect_fields import Dissection, Field
from netlab.lab.labels import ELLIPSIS, count, visible, width

MAX_SHOWN = 24  # dissections
MAX_FIELDS = 60  # of one of them
WIRE_BYTES = 16
VALUE_COLUMNS = 60
_SCROLLS = 'tabindex="0" role="group" aria-label="Dissection"'  # a narrow page scrolls it
HEADINGS = ("Byte", "On the wire", "Field", "Value", "Meaning")

STYLE = """
.netlab-bytes{--ink:var(--jp-content-font-color1,#1f1f1f);--soft:#5f5f5f;--rule:#808080;
 --line:#d0d0d0;--paper:var(--jp-layout-color0,#fff);--box:var(--jp-layout-color2,#eee);
 color:var(--ink);background:var(--paper);overflow-x:auto;max-width:100%;margin:8px 0}
[data-jp-theme-light=false] .netlab-bytes,[data-theme=dark] .netlab-bytes,
.vscode-dark .netlab-bytes{
 --ink:var(--jp-content-font-color1,#f2f2f2);--soft:#b4b4b4;--rule:#8c8c8c;
 --line:#4a4a4a;--paper:var(--jp-layout-color0,#111);--box:var(--jp-layout-color2,#333)}
@media (prefers-color-scheme:dark){
 body:not([data-jp-theme-light],[data-theme],.vscode-light) .netlab-bytes{
 --ink:var(--jp-content-font-color1,#f2f2f2);--soft:#b4b4b4;--rule:#8c8c8c;--line:#4a4a4a;
 --paper:var(--jp-layout-color0,#111);--box:var(--jp-layout-color2,#333)}}
.netlab-bytes table{border-collapse:collapse;margin:0 0 14px;font:13px/1.45
 var(--jp-ui-font-family,system-ui,sans-serif);color:inherit}
.netlab-bytes caption{text-align:left;font-weight:600;font-size:14px;padding:4px 8px;
 color:inherit;white-space:normal}
.netlab-bytes.netlab-bytes table :is(th,td){text-align:left;vertical-align:top;max-width:34em;
 padding:2px 10px 2px 8px;border-bottom:1px solid var(--line);white-space:normal;
 overflow-wrap:break-word}
.netlab-bytes.netlab-bytes thead th{border-bottom:1.5px solid var(--rule);background:var(--box)}
.netlab-bytes tbody tr{background:none}
.netlab-bytes .code{font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,
 'DejaVu Sans Mono',monospace)}
.netlab-bytes.netlab-bytes table .wire{min-width:18ch;max-width:25ch;box-sizing:content-box}
.netlab-bytes.netlab-bytes table .value{min-width:9em;white-space:pre-wrap}
.netlab-bytes.netlab-bytes table .place{white-space:nowrap}
.netlab-bytes td.soft{min-width:8em}
.netlab-bytes .soft{color:var(--soft)}
"""


def as_html(found: Sequence[Dissection], note: str) -> str:
    """Return a table for each dissection; a screen reader hears its summary as the caption."""
    parts = [f'<div class="netlab-bytes" {_SCROLLS}><style>{STYLE}</style>']
    parts += [_table(one) for one in flat(found[:MAX_SHOWN])]
    if note:
        parts.append(f'<p class="soft">{escape(note)}</p>')
    return "".join([*parts, "</div>"])


def as_lines(found: Sequence[Dissection], note: str) -> list[str]:
    """Return the same as lines of text."""
    lines: list[str] = []
    for one in flat(found[:MAX_SHOWN]):
        rows = [(place, wire, name, value, more) for place, wire, name, value, more in _rows(one)]
        wide = [max(width(row[column]) for row in rows) if rows else 0 for column in range(3)]
        lines.append(title(one))
        for row in rows:
            cells = [cell + " " * (wide[n] - width(cell)) for n, cell in enumerate(row[:3])]
            more = f"   ({row[4]})" if row[4] else ""
            lines.append(f"  {'  '.join(cells)}  {row[3]}{more}".rstrip())
    return [*lines, *([note] if note else [])]


def title(one: Dissection) -> str:
    place = (
        f"bytes {one.start:,} to {one.end - 1:,}" if len(one.data) > 1 else f"byte {one.start:,}"
    )
    return f"{one.protocol}, {place}: {one.summary}"


def flat(found: Sequence[Dissection]) -> Iterator[Dissection]:
    """Yield dissections, each with what is inside it after it."""
    for one in found:
        yield one
        yield from flat(one.inner)


def pattern(field: Field, byte: int) -> str:
    """Return the bits of a field in their places in the byte: ``.... 0001``."""
    assert field.bits is not None
    first, last = field.bits
    bits = "".join(bit if first <= n <= last else "." for n, bit in enumerate(f"{byte:08b}"))
    return f"{bits[:4]} {bits[4:]}"


def _rows(one: Dissection) -> Iterator[tuple[str, str, str, str, str]]:
    for field in one.fields[:MAX_FIELDS]:
        data = one.wire(field)
        place = str(field.start) if len(data) == 1 else f"{field.start}-{field.end - 1}"
        wire = data[:WIRE_BYTES].hex(" ") + (f" {ELLIPSIS}" if len(data) > WIRE_BYTES else "")
        if field.bits:
            wire = pattern(field, data[0])
        yield place, wire, visible(field.name), visible(field.value), field.note
    if len(one.fields) > MAX_FIELDS:
        yield "", "", f"{ELLIPSIS} {len(one.fields) - MAX_FIELDS} more fields", "", ""


def _table(one: Dissection) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADINGS)
    body = "".join(
        f'<tr><td class="code place">{place}</td><td class="code wire">{wire}</td>'
        f'<th scope="row">{escape(name)}</th><td class="code value">{escape(value)}</td>'
        f'<td class="soft">{escape(note)}</td></tr>'
        for place, wire, name, value, note in _rows(one)
    )
    return (
        f"<table><caption>{escape(title(one))}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def left_out(found: Sequence[Dissection]) -> str:
    """Say how much is not shown."""
    rest = found[MAX_SHOWN:]
    if not rest:
        return ""
    size = sum(len(one.data) for one in rest)
    return f"{ELLIPSIS} {len(rest):,} more, {count(size)}; show a part of them: [{MAX_SHOWN}:]"
