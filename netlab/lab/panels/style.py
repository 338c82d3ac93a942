"""How panels look: JupyterLab's own colours where there are any, and two sets of our own.

Meaning is never in colour alone: a state has a sign and a word beside its colour. All texts have
the contrast that WCAG 2.2 asks for (level AA) in the light and in the dark theme.
"""

from __future__ import annotations

_LIGHT = """--ink:var(--jp-content-font-color1,#1f1f1f);--soft:#5f5f5f;--rule:#808080;
 --line:#d0d0d0;--paper:var(--jp-layout-color0,#fff);--box:var(--jp-layout-color2,#eee);
 --good:#00694d;--bad:#b00040;--first:#00558f;--second:#974700"""
_DARK = """--ink:var(--jp-content-font-color1,#f2f2f2);--soft:#b4b4b4;--rule:#8c8c8c;
 --line:#4a4a4a;--paper:var(--jp-layout-color0,#111);--box:var(--jp-layout-color2,#333);
 --good:#4fd0a5;--bad:#ff8fa6;--first:#6cbcf5;--second:#f5b063"""

_CROSS = "M20 20L80 80M80 20L20 80"
_RING = "M50 18A32 32 0 1 0 50 82A32 32 0 1 0 50 18Z"


def _mask(path: str) -> str:
    svg = (
        "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100'%3E%3Cpath fill='none' "
        f"stroke='%23000' stroke-width='14' stroke-linecap='round' d='{path}'/%3E%3C/svg%3E"
    )
    return f'url("data:image/svg+xml,{svg}") center/72% no-repeat'


def themed(name: str) -> str:
    """Return the rules that give the class `name` its colours in each theme."""
    return f"""
.{name}{{{_LIGHT};color:var(--ink)}}
[data-jp-theme-light=false] .{name},[data-theme=dark] .{name},.vscode-dark .{name}{{{_DARK}}}
@media (prefers-color-scheme:dark){{
 body:not([data-jp-theme-light],[data-theme],.vscode-light) .{name}{{{_DARK}}}}}
"""


STYLE = f"""{themed("netlab-panel")}
.netlab-panel{{border:1px solid var(--rule);border-radius:6px;padding:6px 10px 8px;margin:6px 0;
 background:var(--paper);max-width:100%;overflow:visible}}
.netlab-panel .widget-html{{margin:0;max-width:100%;min-width:0;height:auto}}
.netlab-panel .widget-html-content{{font:13px/1.45 var(--jp-ui-font-family,system-ui,sans-serif);
 color:var(--ink);overflow-wrap:anywhere;max-width:100%;min-width:0}}
.netlab-panel .widget-label,.netlab-panel .widget-readout,
.netlab-panel .widget-radio-box label{{color:var(--ink)}}
.netlab-panel :is(button,input,select):focus-visible,.netlab-panel .noUi-handle:focus-visible{{
 outline:2px solid var(--first);outline-offset:1px}}
.netlab-panel .np-title{{font-weight:600;font-size:14px;margin:2px 0 4px}}
.netlab-panel .np-name{{font-weight:600}}
.netlab-panel .np-soft{{color:var(--soft)}}
.netlab-panel .np-good{{color:var(--good)}}
.netlab-panel .np-bad,.netlab-panel .np-alert{{color:var(--bad)}}
.netlab-panel .np-alert{{border-left:3px solid var(--bad);padding:2px 8px;margin:4px 0;
 font-weight:600}}
.netlab-panel .np-code{{font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,
 'DejaVu Sans Mono',monospace)}}
.netlab-panel .np-columns{{display:flex;flex-flow:row wrap;gap:10px;overflow:visible;width:100%}}
.netlab-panel .np-column{{flex:1 1 280px;min-width:0;max-width:640px;border:1px solid var(--line);
 border-radius:4px;padding:6px 8px}}
.netlab-panel .np-row{{display:flex;flex-flow:row wrap;align-items:center;gap:4px 6px;
 overflow:visible;margin:1px 0}}
.netlab-panel .np-row>*{{margin:1px 0}}
.netlab-panel .np-grow{{flex:1 1 120px;width:auto;min-width:90px}}
.netlab-panel .np-line,.netlab-panel .np-line textarea{{height:28px;min-height:28px}}
.netlab-panel .np-line textarea{{resize:none;overflow:hidden;white-space:nowrap;line-height:26px;
 padding:0 8px;font-family:var(--jp-ui-font-family,system-ui,sans-serif)}}
.netlab-panel .np-short{{width:auto;padding:0 12px}}
.netlab-panel .np-live{{min-height:20px}}
.netlab-panel .np-log{{display:flex;flex-flow:column-reverse;height:220px;overflow:hidden auto;
 border:1px solid var(--line);border-radius:3px;padding:2px 6px;margin:4px 0;
 scrollbar-gutter:stable}}
.netlab-panel .np-log>*{{flex:none;width:100%}}
.netlab-panel .np-entry{{padding:1px 0;white-space:pre-wrap}}
.netlab-panel .np-hidden{{position:absolute;width:1px;height:1px;overflow:hidden;
 clip-path:inset(50%);white-space:nowrap}}
.netlab-panel table{{border:none;border-collapse:collapse;margin:4px 0 8px;color:var(--ink);
 font:13px/1.45 var(--jp-ui-font-family,system-ui,sans-serif)}}
.netlab-panel caption{{text-align:left;font-weight:600;padding:4px 0;color:var(--ink);
 white-space:normal}}
.netlab-panel table :is(th,td){{vertical-align:top;text-align:left;
 padding:2px 14px 2px 4px;max-width:26em;
 border-bottom:1px solid var(--line);overflow-wrap:anywhere;white-space:normal}}
.netlab-panel.netlab-panel .np-map :is(th,td){{text-align:left}}
.netlab-panel table thead th{{border-bottom:1.5px solid var(--rule);background:var(--box);
 overflow-wrap:normal}}
.netlab-panel table tbody tr:nth-child(n){{background:none}}
.netlab-panel .np-scroll{{overflow-x:auto}}
.netlab-panel .np-tables{{display:flex;flex-flow:row wrap;gap:0 28px;align-items:flex-start}}
.netlab-panel .np-board{{display:grid;gap:4px;overflow:visible;width:max-content;margin:4px 0}}
.netlab-panel .np-board button{{margin:0;padding:0;width:100%;height:100%;line-height:1;
 background:var(--box);border:1px solid var(--rule);border-radius:4px;display:grid;
 place-items:center;box-shadow:none;opacity:1}}
.netlab-panel .np-board button::before{{content:"";width:100%;height:100%}}
.netlab-panel .np-board .np-x::before{{background:var(--first);mask:{_mask(_CROSS)}}}
.netlab-panel .np-board .np-o::before{{background:var(--second);mask:{_mask(_RING)}}}
.netlab-panel .np-board .np-last{{border:2px solid var(--ink)}}
.netlab-panel .np-curve{{fill:none;stroke-width:1.7;stroke-linejoin:round}}
.netlab-panel .np-curve-in{{stroke:var(--first)}}
.netlab-panel .np-curve-out{{stroke:var(--second);stroke-dasharray:5 3}}
.netlab-panel .np-base{{stroke:var(--rule);stroke-width:1}}
.netlab-panel .np-number{{width:330px;flex:none}}
.netlab-panel .np-number .widget-label{{width:230px;text-align:left}}
.netlab-panel .np-choice .widget-radio-box{{width:auto}}
.netlab-panel .np-verdict{{padding:1px 0}}
.netlab-panel .np-nowrap{{white-space:nowrap}}
.netlab-panel .np-token{{display:inline-block;border:1px solid var(--rule);border-radius:10px;
 padding:0 8px;margin:1px 0;position:relative}}
.netlab-panel .np-passed{{border-color:var(--good);color:var(--good);font-weight:600}}
.netlab-panel .np-tried{{border-style:dashed}}
.netlab-panel .np-open{{color:var(--soft)}}
.netlab-panel .np-bar{{display:inline-block;width:70px;height:8px;border:1px solid var(--rule);
 border-radius:4px;overflow:hidden;vertical-align:middle;background:var(--box)}}
.netlab-panel .np-bar span{{display:block;height:100%;background:var(--good)}}
"""
