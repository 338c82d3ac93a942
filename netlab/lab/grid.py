"""A small table that a cell shows: HTML with a caption and headings, and the same as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from netlab.lab.labels import visible, width

# The name is there twice to weigh more than JupyterLab's own rules for tables.
STYLE = """
.netlab-grid{--soft:#5f5f5f;--rule:#808080;--line:#d0d0d0;color:var(--jp-content-font-color1,
 #1f1f1f);background:var(--jp-layout-color0,#fff);overflow-x:auto;max-width:100%;margin:8px 0}
[data-jp-theme-light=false] .netlab-grid,[data-theme=dark] .netlab-grid,
.vscode-dark .netlab-grid{--soft:#b4b4b4;--rule:#8c8c8c;--line:#4a4a4a;
 color:var(--jp-content-font-color1,#f2f2f2);background:var(--jp-layout-color0,#111)}
@media (prefers-color-scheme:dark){
 body:not([data-jp-theme-light],[data-theme],.vscode-light) .netlab-grid{--soft:#b4b4b4;
 --rule:#8c8c8c;--line:#4a4a4a;color:#f2f2f2;background:#111}}
.netlab-grid.netlab-grid table{border-collapse:collapse;margin:0;color:inherit;
 font:13px/1.45 var(--jp-ui-font-family,system-ui,sans-serif)}
.netlab-grid.netlab-grid table caption{text-align:left;font-weight:600;padding:4px 8px;
 color:inherit;white-space:normal}
.netlab-grid.netlab-grid table :is(th,td){text-align:left;vertical-align:top;
 padding:2px 10px 2px 8px;border-bottom:1px solid var(--line);max-width:40em;
 white-space:normal}
.netlab-grid.netlab-grid table thead th{border-bottom:1.5px solid var(--rule)}
.netlab-grid.netlab-grid table tbody th{font-weight:600}
.netlab-grid.netlab-grid table .number{text-align:right;font-variant-numeric:tabular-nums}
.netlab-grid p{color:var(--soft);font-size:12.5px;margin:4px 8px;max-width:60em}
"""

Cell = str | int | float | bool | None


class Grid:
    """Rows below headings, with a caption above and a note below; the first column names the row.

    Numbers stand right and have a comma at each thousand; None, what was not told, is a dash.
    """

    def __init__(
        self,
        caption: str,
        head: Sequence[str],
        rows: Iterable[Sequence[Cell]],
        note: str = "",
    ) -> None:
        self.caption = caption
        self.head = tuple(head)
        self.rows = [tuple(row) for row in rows]
        self.note = note

    def __repr__(self) -> str:
        lines = [self.head, *(tuple(map(text, row)) for row in self.rows)]
        wide = [max(width(line[n]) for line in lines) for n in range(len(self.head))]
        right = [self._is_number(n) for n in range(len(self.head))]
        out = [self.caption]
        for line in lines:
            cells = []
            for n, cell in enumerate(line):
                gap = " " * (wide[n] - width(cell))
                cells.append(gap + cell if right[n] else cell + gap)
            out.append("  ".join(cells).rstrip())
        return "\n".join([*out, *([self.note] if self.note else [])])

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": repr(self)}

    def _html(self) -> str:
        right = [' class="number"' if self._is_number(n) else "" for n in range(len(self.head))]
        head = "".join(
            f'<th scope="col"{kind}>{escape(name)}</th>'
            for name, kind in zip(self.head, right, strict=True)
        )
        body = []
        for first, *others in self.rows:
            cells = [f'<th scope="row">{escape(text(first))}</th>']
            cells += [
                f"<td{kind}>{escape(text(cell))}</td>"
                for cell, kind in zip(others, right[1:], strict=True)
            ]
            body.append(f"<tr>{''.join(cells)}</tr>")
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return (
            f'<div class="netlab-grid"><style>{STYLE}</style><table>'
            f"<caption>{escape(self.caption)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(body)}</tbody></table>{note}</div>"
        )

    def _is_number(self, column: int) -> bool:
        """Tell whether a column has numbers only, and some; the first one has names."""
        cells = [row[column] for row in self.rows if row[column] not in (None, "")]
        return column > 0 and bool(cells) and all(type(cell) in (int, float) for cell in cells)


def text(cell: Cell) -> str:
    """Return what a cell shows; control characters as escapes."""
    if cell is None:
        return "-"
    if type(cell) in (int, float):
        return f"{cell:,}"
    return visible(str(cell))


class Shown:
    """Something with plain attributes that a cell shows as a `Grid`."""

    __slots__ = ()

    def grid(self) -> Grid:
        """Return it as a table."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return repr(self.grid())

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return self.grid()._repr_mimebundle_()
