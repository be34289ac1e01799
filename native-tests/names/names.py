#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
names.py OBJECT AST: the functions that headers declare and an object defines.

AST is Clang's tree of the headers (-ast-dump=json -ast-dump-filter=NAMESPACE). Prints a line for each
name, as a person would write it: the name, a tab, and the addresses of the functions of that name in the
object. They come from nm and c++filt: either the object has the symbol of a declaration, or a symbol with
this name, which finds the instances of templates. Names without a function in the object are left out.

names.py OBJECT: the same for the full names of the object's C++ functions, as c++filt writes them.
"""
import json
import subprocess
import sys

SCOPES = {"NamespaceDecl", "CXXRecordDecl", "ClassTemplateSpecializationDecl", "ClassTemplatePartialSpecializationDecl"}
FUNCTIONS = {"FunctionDecl", "CXXMethodDecl", "CXXConstructorDecl", "CXXDestructorDecl", "CXXConversionDecl"}
LONGEST_PATTERN = 2900  # in bytes; a little less than the library allows
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
    """Symbol -> address of the functions of an object."""
    lines = [line.split() for line in run(["nm", "--defined-only", path])]
    return {symbol: int(address, 16) for address, kind, symbol in lines if kind in "TtWwiu"}


def by_name(symbols, names):
    """Name -> addresses."""
    functions = {}
    for address, name in zip(symbols.values(), names):
        functions.setdefault(name, set()).add(address)
    return functions


def variants(symbol):
    """A constructor or destructor has several symbols, of which Clang's tree has one."""
    yield symbol
    for kind in "CD":
        before, found, after = symbol.rpartition(kind + "1E")
        if found:
            yield from (f"{before}{kind}{variant}E{after}" for variant in "02")


def find_declared(symbols, path):
    named = by_name(symbols, plain_names(symbols))
    for name, own in declared(path).items():
        yield name, named.get(name, set()) | {symbols[each] for symbol in own for each in variants(symbol) if each in symbols}


def find_all(symbols):
    symbols = {symbol: address for symbol, address in symbols.items() if symbol.startswith("_ZN")}
    for name, addresses in by_name(symbols, run(["c++filt"], "\n".join(symbols))).items():
        if "(" in name and len(name) <= LONGEST_PATTERN:
            yield name, addresses


def main():
    symbols = defined(sys.argv[1])
    functions = find_declared(symbols, sys.argv[2]) if len(sys.argv) > 2 else find_all(symbols)
    for name, addresses in sorted(functions):
        if addresses:
            print(name, " ".join(f"{address:x}" for address in sorted(addresses)), sep="\t")


main()
