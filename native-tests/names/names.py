#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
names.py AST OBJECT: the functions that headers declare and an object defines.

AST is Clang's tree of the headers (-ast-dump=json -ast-dump-filter=NAMESPACE). Prints a line for each
name, as a person would write it: the name, a tab, and the addresses of the functions of that name in the
object. They come from nm and c++filt: either the object has the symbol of a declaration, or a symbol with
this name, which finds the instances of templates. Names without a function in the object are left out.
"""
import json
import subprocess
import sys

SCOPES = {"NamespaceDecl", "CXXRecordDecl", "ClassTemplateSpecializationDecl", "ClassTemplatePartialSpecializationDecl"}
FUNCTIONS = {"FunctionDecl", "CXXMethodDecl", "CXXConstructorDecl", "CXXDestructorDecl", "CXXConversionDecl"}
OPERATORS = sorted("() [] -> ->* <=> << <<= <= < >> >>= >= >".split(), key=len, reverse=True)


def run(command, text=""):
    return subprocess.run(command, input=text, check=True, capture_output=True, text=True).stdout.splitlines()


def trees(path):
    """Clang writes one tree after the other."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        tree, at = decoder.raw_decode(text, at)
        yield tree
        while at < len(text) and text[at].isspace():
            at += 1


def plain_names(symbols):
    """Names of symbols without parameters, template arguments and ABI tags."""
    for name in run(["c++filt", "--no-params"], "\n".join(symbols)):
        out, depth, at = "", 0, 0
        while at < len(name):
            if name.startswith("operator", at) and (at == 0 or name[at - 1] == ":"):
                operator = next((each for each in OPERATORS if name.startswith(each, at + len("operator"))), "")
                out += "operator" + operator if depth == 0 else ""
                at += len("operator" + operator)
                continue
            if name.startswith("[abi:", at):
                at = name.index("]", at) + 1
                continue
            depth += name[at] == "<"
            out += name[at] if depth == 0 else ""
            depth -= name[at] == ">"
            at += 1
        yield out.rstrip()


def written_name(node, path):
    """The name of a function as its declaration has it."""
    if node["kind"] == "CXXConstructorDecl":
        return path[-1]
    if node["kind"] == "CXXDestructorDecl":
        return "~" + path[-1]
    if node["kind"] == "CXXConversionDecl":
        return "operator " + node["type"]["qualType"].rpartition(" (")[0]
    return node["name"]


def declared(path):
    """Name -> symbols of its declarations; a template has none."""
    names, paths = {}, {}

    def visit(node, path):
        kind = node["kind"]
        # What is defined outside of its class, and friends, have another scope than the one around them.
        path = paths.get(node.get("parentDeclContextId"), path)
        if kind in FUNCTIONS:
            if node.get("isImplicit") or node.get("explicitlyDeleted"):
                return
            if path is None and kind != "FunctionDecl":
                name = next(plain_names([node["mangledName"]]))  # of a specialization in another namespace
            else:
                name = "::".join((path or []) + [written_name(node, path)])
            names.setdefault(name, set()).update([node["mangledName"]] if "mangledName" in node else [])
            return
        if kind in SCOPES:
            path = (path or []) + ([node["name"]] if "name" in node and not node.get("isInline") else [])
            paths[node["id"]] = path
        for child in node.get("inner", []):
            if child.get("kind", "").endswith("Decl"):
                visit(child, path)

    for tree in trees(path):
        visit(tree, None)
    return names


def defined(path):
    """Symbol -> address, and name -> addresses, of the functions of an object."""
    lines = [line.split() for line in run(["nm", "--defined-only", path])]
    symbols = {symbol: int(address, 16) for address, kind, symbol in lines if kind in "TtWwiu"}
    names = {}
    for address, name in zip(symbols.values(), plain_names(symbols)):
        names.setdefault(name, set()).add(address)
    return symbols, names


def variants(symbol):
    """A constructor or destructor has several symbols, of which Clang's tree has one."""
    yield symbol
    for kind in "CD":
        before, found, after = symbol.rpartition(kind + "1E")
        if found:
            yield from (f"{before}{kind}{variant}E{after}" for variant in "02")


def main():
    names = declared(sys.argv[1])
    symbols, named = defined(sys.argv[2])
    for name in sorted(names):
        found = set(named.get(name, ()))
        found |= {symbols[each] for symbol in names[name] for each in variants(symbol) if each in symbols}
        if found:
            print(name, " ".join(f"{address:x}" for address in sorted(found)), sep="\t")


main()
