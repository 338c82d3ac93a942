"""Python source as HTML: keywords, names and strings set apart, readable in both themes.

Made with the standard library's own tokenizer, so that the same source gives the same HTML with
each version of everything. Meaning is never in colour alone: keywords are bold, comments italic.
"""

from __future__ import annotations

import builtins
import io
import keyword
import tokenize
from collections.abc import Iterator
from html import escape
from itertools import groupby

STYLE = """
.netlab-source{--k:#7b1fa2;--s:#0b5c2e;--c:#5a5a5a;--d:#00558f;--o:#8a3b00;--rule:#808080;
 color:var(--jp-content-font-color1,#1f1f1f);background:var(--jp-layout-color0,#fff);margin:8px 0;
 border-left:3px solid var(--rule);padding:2px 0 2px 12px}
[data-jp-theme-light=false] .netlab-source,[data-theme=dark] .netlab-source,
.vscode-dark .netlab-source{--k:#d7a6ff;--s:#9fd89f;--c:#b4b4b4;--d:#6cbcf5;--o:#f5b063;
 --rule:#8c8c8c;color:var(--jp-content-font-color1,#f2f2f2);background:var(--jp-layout-color0,#111)}
@media (prefers-color-scheme:dark){
 body:not([data-jp-theme-light],[data-theme],.vscode-light) .netlab-source{--k:#d7a6ff;--s:#9fd89f;
 --c:#b4b4b4;--d:#6cbcf5;--o:#f5b063;--rule:#8c8c8c;color:#f2f2f2;background:#111}}
.netlab-source p{margin:2px 0;font:13px var(--jp-ui-font-family,system-ui,sans-serif);
 color:inherit}
.netlab-source.netlab-source pre{margin:4px 0;padding:0;overflow-x:auto;background:none;
 color:inherit;line-height:1.4;white-space:pre}
.netlab-source.netlab-source pre code{background:none;color:inherit;padding:0;white-space:pre;
 word-break:normal;overflow-wrap:normal;
 font:13px/1.4 var(--jp-code-font-family,ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace)}
.netlab-source .k{color:var(--k);font-weight:600}
.netlab-source .s{color:var(--s)}
.netlab-source .c{color:var(--c);font-style:italic}
.netlab-source .d{color:var(--d);font-weight:600}
.netlab-source .b{color:var(--d)}
.netlab-source .o{color:var(--o)}
.netlab-source [data-n]::before{content:attr(data-n);display:inline-block;min-width:3em;
 margin-right:1em;text-align:right;color:var(--c)}
"""

_FSTRINGS = {"FSTRING_START": 1, "FSTRING_END": -1, "TSTRING_START": 1, "TSTRING_END": -1}
_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
_DECORATOR = "@name"  # stands for the token before, while a decorator's dotted name goes on
_SOFT = {"match", "case"}  # keywords only where a block begins: match(…) may be a function


def highlight(code: str) -> list[str]:
    """Return each line of `code` as HTML. What cannot be read as Python is shown plain."""
    lines = code.split("\n")
    classes = [[""] * len(line) for line in lines]
    try:
        for kind, (row, start), (end_row, end) in _marks(code):
            for at in range(row - 1, end_row):
                first = start if at == row - 1 else 0
                last = end if at == end_row - 1 else len(lines[at])
                classes[at][first:last] = [kind] * (last - first)
    except (tokenize.TokenError, SyntaxError):
        classes = [[""] * len(line) for line in lines]
    return [_line(line, kinds) for line, kinds in zip(lines, classes, strict=True)]


def _line(line: str, kinds: list[str]) -> str:
    parts, at = [], 0
    for kind, group in groupby(kinds):
        size = len(list(group))
        inner = escape(line[at : at + size], quote=False)
        parts.append(f'<span class="{kind}">{inner}</span>' if kind else inner)
        at += size
    return "".join(parts)


Place = tuple[int, int]


def _marks(code: str) -> Iterator[tuple[str, Place, Place]]:
    """Yield what is to be set apart: its class, where it begins and ends (row from 1, column)."""
    depth, begin = 0, (0, 0)
    before = ""  # the token before
    first = True  # of its line
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        name = tokenize.tok_name[token.type]
        if change := _FSTRINGS.get(name, 0):  # from Python 3.12 on; 3.11 has one token for all
            if depth == 0:
                begin = token.start
            depth += change
            if depth == 0:
                yield "s", begin, token.end
        elif depth == 0 and (kind := _kind(token, name, before, first)):
            yield kind, token.start, token.end
        if name in ("NEWLINE", "NL", "INDENT", "DEDENT"):
            first, before = True, ""
        elif name != "COMMENT":
            # A decorator goes on to the end of its dotted name.
            first = False
            keeps = before == _DECORATOR and (token.string == "." or name == "NAME")
            before = _DECORATOR if keeps or _is_decorator(token) else token.string


def _is_decorator(token: tokenize.TokenInfo) -> bool:
    return token.string == "@" and not token.line[: token.start[1]].strip()


def _kind(token: tokenize.TokenInfo, name: str, before: str, first: bool) -> str:
    if name in ("COMMENT", "STRING"):
        return name[0].lower()
    if name == "NUMBER" or _is_decorator(token):
        return "o"
    if before == _DECORATOR and (name == "NAME" or token.string == "."):
        return "o"
    if name != "NAME":
        return ""
    if keyword.iskeyword(token.string) or (
        token.string in _SOFT and first and token.line.rstrip().endswith(":")
    ):
        return "k"
    if before in ("def", "class"):
        return "d"
    return "b" if token.string in _BUILTINS and before != "." else ""
