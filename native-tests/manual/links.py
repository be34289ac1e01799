# SPDX-License-Identifier: MIT
"""links.py HTML MAN - the HTML reference: well-formed, all links lead to a file and an element of it, nothing is loaded from
elsewhere, the index lists every page, and every manual page is there."""
import os
import pathlib
import sys
from html.parser import HTMLParser

EMPTY = {"meta", "link", "br", "img", "hr", "input", "col"}


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.open, self.ids, self.links, self.loads, self.faults = [], set(), [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        self.faults += [f"<{tag}> has no end" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag not in EMPTY:
            self.open.append(tag)
        if "id" in values:
            if values["id"] in self.ids:
                self.faults.append(f"two elements have the id {values['id']}")
            self.ids.add(values["id"])
        if tag == "a":
            self.links.append(values.get("href", ""))
        elif "src" in values or tag == "link":
            self.loads.append(values.get("src") or values["href"])
        elif tag == "script":
            self.faults.append("has a script")

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in EMPTY:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> ends nothing")


def check(folder, man):
    pages = {path: Page(path) for path in folder.rglob("*.html")}
    listed = set()
    for path, page in pages.items():
        for fault in page.faults:
            yield f"{path}: {fault}"
        for link in page.links + page.loads:
            if "://" in link:
                if link in page.loads:
                    yield f"{path}: loads {link}"
                continue
            name, _, anchor = link.partition("#")
            target = pathlib.Path(os.path.normpath(path.parent / name)) if name else path
            if not target.is_file():
                yield f"{path}: {link}: no such file"
            elif anchor and anchor not in pages[target].ids:
                yield f"{path}: {link}: no such element"
            if path == folder / "index.html":
                listed.add(target)
    for path in pages.keys() - listed - {folder / "index.html"}:
        yield f"index.html: does not list {path}"
    for page in man.glob("man*/*"):
        if not page.is_symlink() and not (folder / f"{page.name}.html").is_file():
            yield f"{page.name}: is not in HTML"
    if len(pages) < 100:
        yield f"only {len(pages)} pages"
    print(f"{len(pages)} pages, {sum(len(page.links) for page in pages.values())} links")


faults = list(check(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
print("\n".join(sorted(faults)[:20]), file=sys.stderr)
sys.exit(1 if faults else 0)
