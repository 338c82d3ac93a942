"""What somebody who sees little, no colours, or nothing, meets on a page: axe-core, and diagrams.

axe-core (Deque, installed by `make foreign`) knows the rules of WCAG 2.2 for HTML. It does not look
into SVG, so the contrast of our diagrams is computed here: 4.5 for texts (1.4.3), 3 for the lines
that mean something (1.4.11).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.conftest import missing

AXE = Path(__file__).parents[1] / "foreign/node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

_RUN = """async ([within, rules]) => {
    const found = within.filter(selector => document.querySelector(selector));
    if (!found.length) return [];
    const context = {include: found.map(selector => [selector])};
    const report = await axe.run(context, {
        runOnly: rules, resultTypes: ['violations'], elementRef: false,
    });
    return report.violations.flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.target.join(' ')}: ${node.html.slice(0, 200)}: `
        + node.any.concat(node.all, node.none).map(check => check.message).join('; ')));
}"""

_DRAWN = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const over = ([r, g, b, a = 1], under) => [r, g, b].map((c, i) => a * c + (1 - a) * under[i]);
    const light = colour => colour.map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ratio = (a, b) => {
        const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
        return (high + 0.05) / (low + 0.05);
    };
    const style = node => getComputedStyle(node);
    const found = new Map();
    const note = (kind, value, least) => {
        if (!found.has(kind) || found.get(kind)[0] > value) found.set(kind, [value, least]);
    };
    for (const svg of document.querySelectorAll('svg.netlab-ladder')) {
        const paper = numbers(style(svg).backgroundColor).slice(0, 3);
        const mark = svg.querySelector('.mark');
        const box = svg.querySelector('.box');
        const papers = [paper];
        if (mark) papers.push(over(numbers(style(mark).fill), paper));
        for (const text of svg.querySelectorAll('text, tspan')) {
            const name = text.classList[0] ?? '';
            const behind = name === 'name' ? [numbers(style(box).fill).slice(0, 3)] : papers;
            for (const one of behind)
                note(`text ${name}`, ratio(numbers(style(text).fill).slice(0, 3), one), 4.5);
        }
        for (const [selector, property] of
             [['.line', 'stroke'], ['.head', 'fill'], ['.pill', 'stroke'], ['.live', 'stroke']])
            for (const node of svg.querySelectorAll(selector))
                for (const one of papers)
                    note(selector, ratio(numbers(style(node)[property]).slice(0, 3), one), 3);
    }
    return [...found].map(([kind, [value, least]]) => [kind, value, least]);
}"""

_NAMELESS = """within => [...document.querySelectorAll(within)].flatMap(area =>
    [...area.querySelectorAll('svg, img, canvas')].filter(picture =>
        !picture.closest('[aria-hidden=true]')
        && !(picture.getAttribute('aria-label') || picture.getAttribute('alt')
             || picture.querySelector(':scope > title')
             || picture.getAttribute('aria-labelledby')))
    .map(picture => picture.outerHTML.slice(0, 200)))"""


def broken_rules(page: Page, *within: str) -> list[str]:
    """Return what breaks a rule of WCAG 2.2 (levels A and AA), inside what the selectors match."""
    if not AXE.exists():
        missing("axe-core", "run `make foreign` (needs npm)")
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate(_RUN, [list(within), RULES])
    return found


def contrasts(page: Page) -> dict[str, tuple[float, float]]:
    """Return for each kind of thing in the ladders the least contrast, and what it has to have."""
    found: list[list[Any]] = page.evaluate(_DRAWN)
    return {kind: (value, least) for kind, value, least in found}


def too_faint(page: Page) -> list[str]:
    """Return what in the ladders has too little contrast to what is behind it."""
    return [
        f"{kind}: {value:.2f}, and {least} is wanted"
        for kind, (value, least) in contrasts(page).items()
        if value < least
    ]


def nameless_pictures(page: Page, within: str) -> list[str]:
    """Return pictures that say nothing in words."""
    found: list[str] = page.evaluate(_NAMELESS, within)
    return found
