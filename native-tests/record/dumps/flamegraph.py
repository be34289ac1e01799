#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""flamegraph.py SVG FOLDED OUT: uses the flame graph in Chromium, and compares what it shows with the folded stacks.

Screenshots are written to the folder OUT.
"""
import re
import sys

from webdriver import Browser

SLASH, ESCAPE, ENTER, UP, DOWN, LEFT, RIGHT = "/", "\ue00c", "\ue007", "\ue013", "\ue015", "\ue012", "\ue014"
BOXES = """return [...document.querySelectorAll('.b')].filter(b => b.style.display !== 'none').map(b => {
    const rect = b.querySelector('rect').getBoundingClientRect(), text = b.querySelector('text').getBoundingClientRect();
    return { name: b.dataset.n, depth: +b.dataset.d, total: +b.dataset.t, self: +b.dataset.s, calls: +b.dataset.c, x: rect.x, y: rect.y,
        width: rect.width, height: rect.height, text: b.querySelector('text').textContent, textEnd: text.right,
        found: b.classList.contains('found'), at: b.classList.contains('at'), caller: b.classList.contains('caller') };
})"""


def check(condition, what):
    if not condition:
        sys.exit(f"flamegraph: {what}")
    checks.append(what)


def stacks(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            stack, value = line.rstrip("\n").rsplit(" ", 1)
            yield stack.split(";"), int(value)


def text(selector):
    return browser.run("return document.querySelector(arguments[0]).textContent", selector)


def boxes():
    return browser.run(BOXES)


def box(name):
    found = [b for b in boxes() if b["name"] == name and b["width"] > 5]
    check(found, f"{name} is there")
    return max(found, key=lambda b: b["width"])


def middle(b):
    return b["x"] + b["width"] / 2, b["y"] + b["height"] / 2


def check_layout(width):
    for b in boxes():
        check(b["x"] >= 9 and b["x"] + b["width"] <= width - 9, f"{b['name']} is in a window of {width} pixels")
        check(not b["text"] or b["textEnd"] <= b["x"] + b["width"] + 0.5, f"the text of {b['name']} is in its box")


def check_search(pattern):
    browser.keys(SLASH + pattern)
    expression = re.compile(pattern, re.IGNORECASE)
    # The first frame is the thread.
    matched = sum(value for stack, value in folded if any(expression.search(frame) for frame in stack))
    shown = re.fullmatch(r"([0-9.]+) % in (\d+) box(es)?", text("#message"))
    check(shown, f"{pattern}: a percentage is shown: {text('#message')}")
    # Boxes that were left out are not found.
    check(abs(float(shown[1]) - 100 * matched / total) < 0.1, f"{pattern}: {shown[1]} % for {100 * matched / total:.2f} %")
    for b in boxes():
        check(b["found"] == (b["depth"] > 0 and bool(expression.search(b["name"]))), f"{pattern}: {b['name']} is highlighted or not")


checks = []
svg, folded_path, out = sys.argv[1:]
folded = list(stacks(folded_path))
total = sum(value for _, value in folded)
browser = Browser()
try:
    browser.resize(1200, 600)
    browser.open(svg)
    check_layout(1200)
    check(box("all")["total"] == total, "the whole is the sum of the folded stacks")
    check(text("#details").startswith(f"{total / 1e6:.3f} ms in all") or total < 1e6 or total >= 1e9, "the sum is shown")
    browser.screenshot(f"{out}/flamegraph.png")

    check_search("fib")
    browser.screenshot(f"{out}/flamegraph-search.png")
    browser.keys(ESCAPE)
    check(text("#message") == "" and not any(b["found"] for b in boxes()), "Esc ends the search")
    check_search(r"sum<")
    browser.keys(ESCAPE)
    check_search(r"&&")
    browser.keys(ESCAPE)
    browser.keys(SLASH + "sum(")
    check("box" in text("#message"), "what is no expression is searched as it is")
    browser.keys(ESCAPE)

    work = box("work(long)")
    browser.move(*middle(work))
    shown = text("#details")
    check(shown.startswith("work(long): ") and f"{100 * work['total'] / total:.2f} %" in shown, f"details: {shown}")
    check(f"{work['calls']} call" in shown and f"self" in shown, "details have calls and self time")
    browser.press(*middle(work))
    work = box("work(long)")
    check(work["width"] > 1170, "a click zooms")
    check_layout(1200)
    check(all(b["depth"] > work["depth"] or b["caller"] or b["name"] == work["name"] for b in boxes()), "what is not inside is hidden")
    browser.screenshot(f"{out}/flamegraph-zoom.png")
    browser.press(237, 69)
    check(box("work(long)")["width"] < 1170, "the button resets the zoom")

    browser.press(*middle(box("work(long)")), kind="touch")
    check(box("work(long)")["width"] > 1170, "a touch zooms")
    browser.keys(ESCAPE)
    check(box("work(long)")["width"] < 1170, "Esc resets the zoom")

    browser.press(*middle(box("all")))
    browser.keys(UP)
    first = [b for b in boxes() if b["at"]]
    check(len(first) == 1 and first[0]["depth"] == 1, "an arrow goes to a callee")
    browser.keys(UP + ENTER)
    check(max(b["width"] for b in boxes() if b["depth"] == 2) > 1170, "Enter zooms")
    browser.keys(DOWN)
    check([b["depth"] for b in boxes() if b["at"]] == [1], "an arrow goes to the caller")
    browser.keys(ESCAPE)

    browser.resize(390, 700)
    check_layout(390)
    bottom = max(b["y"] + b["height"] for b in boxes())
    check(680 < bottom < 700, f"the graph stands on the bottom of a higher window: {bottom}")
    browser.chromium("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    fill = browser.run("return getComputedStyle(document.querySelector('#page')).fill")
    check(sum(map(int, re.findall(r"\d+", fill)[:3])) < 150, f"dark if that is wanted: {fill}")
    browser.screenshot(f"{out}/flamegraph-dark.png")
    errors = browser.errors()
    check(errors == [], f"no errors: {errors}")
finally:
    browser.close()
print(f"flamegraph: {len(checks)} checks, {len(set(checks))} different ones")
