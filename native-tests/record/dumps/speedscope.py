#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""speedscope.py SPEEDSCOPE JSON OUT: opens a dump with speedscope itself, from the folder of its npm package."""
import base64
import json
import os
import sys
import time

from webdriver import Browser

package, path, out = sys.argv[1:]
with open(path, "rb") as file:
    content = file.read()
name = json.loads(content)["profiles"][0]["name"]
script = os.path.join(out, "speedscope-profile.js")
with open(script, "w", encoding="ascii") as file:
    file.write(f"speedscope.loadFileFromBase64('dump.json', '{base64.b64encode(content).decode()}')")
browser = Browser()
try:
    browser.resize(1200, 600)
    browser.open(os.path.join(package, "dist/release/index.html"), f"#localProfilePath={os.path.abspath(script)}")
    end = time.monotonic() + 60
    while name not in browser.run("return document.title + document.body.innerText"):
        if time.monotonic() > end:
            browser.screenshot(f"{out}/speedscope.png")
            sys.exit(f"speedscope: {name} is not shown: {browser.run('return document.body.innerText')} {browser.errors()}")
        time.sleep(0.2)
    browser.screenshot(f"{out}/speedscope.png")
    errors = [error for error in browser.errors() if "favicon" not in error]
    if errors:
        sys.exit(f"speedscope: {errors}")
finally:
    browser.close()
print(f"speedscope: shows {name}")
