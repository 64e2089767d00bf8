#!/usr/bin/env python3
"""Says which files of a crate import each other in a circle.

    python3 scripts/import_circles.py [crates/vgg ...]

Names are followed through the re-exports of a folder's mod.rs to the file that defines them; tests are left out.
Ends with code 1 if there is a circle.
"""

import re
import sys
from pathlib import Path


def without_tests(text):
    """The code in front of a file's tests, comments left out."""
    text = text.split("#[cfg(test)]\nmod tests")[0]
    return re.sub(r"//[^\n]*", "", text)


def paths_of(use):
    """`a::{b, c::{d, e as f}}` as lists of names, with the name that each gets."""
    use = use.strip()
    depth, parts, start = 0, [], 0
    brace = use.find("{")
    if brace < 0:
        name, _, alias = use.partition(" as ")
        names = [part.strip() for part in name.split("::") if part.strip()]
        return [(names, (alias or names[-1]).strip())] if names else []
    prefix = [part.strip() for part in use[:brace].split("::") if part.strip()]
    inner = use[brace + 1 : use.rfind("}")]
    for index, letter in enumerate(inner + ","):
        if letter in "{}":
            depth += 1 if letter == "{" else -1
        elif letter == "," and depth == 0:
            parts.append(inner[start:index])
            start = index + 1
    found = []
    for part in parts:
        for names, alias in paths_of(part):
            if names == ["self"]:
                names, alias = [], prefix[-1]
            found.append((prefix + names, alias))
    return found


class Crate:
    def __init__(self, root):
        self.source = Path(root) / "src"
        self.modules = {}
        for path in sorted(self.source.rglob("*.rs")):
            parts = list(path.relative_to(self.source).with_suffix("").parts)
            if parts[-1] in ("mod", "lib"):
                parts.pop()
            self.modules[tuple(parts)] = path
        self.exports, self.imports = {}, {}
        for module, path in self.modules.items():
            text = without_tests(path.read_text())
            uses = re.findall(r"(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", text)
            self.exports[module] = {}
            self.imports[module] = []
            for public, use in uses:
                for names, alias in paths_of(use):
                    (self.exports[module].__setitem__(alias, names) if public else self.imports[module].append(names))
            # Paths inside of expressions and types.
            for names in re.findall(r"\b((?:crate|super)(?:::\w+)+)", re.sub(r"use\s+[^;]+;", "", text)):
                self.imports[module].append(names.split("::"))

    def absolute(self, module, names):
        here = list(module)
        if names[0] == "crate":
            return names[1:]
        if names[0] == "self":
            return here + names[1:]
        if names[0] == "super":
            while names and names[0] == "super":
                here, names = here[:-1], names[1:]
            return here + names
        return here + names if tuple(here + names[:1]) in self.modules else None

    def resolve(self, module, names, depth=0):
        """The file that defines what is imported."""
        full = self.absolute(module, names)
        if full is None or depth > 8:
            return None
        at = ()
        for index, name in enumerate(full):
            if at + (name,) in self.modules:
                at += (name,)
                continue
            if name in self.exports.get(at, {}):
                return self.resolve(at, self.exports[at][name] + full[index + 1 :], depth + 1) or at
            break
        return at

    def edges(self):
        for module, imports in self.imports.items():
            targets = {self.resolve(module, names) for names in imports}
            yield module, {target for target in targets if target is not None and target != module}


def circles(graph):
    """Strongly connected components of more than one file (Tarjan)."""
    index, low, stack, on, found = {}, {}, [], set(), []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for target in sorted(graph.get(node, ())):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in on:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            component = []
            while True:
                other = stack.pop()
                on.discard(other)
                component.append(other)
                if other == node:
                    break
            if len(component) > 1:
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def main():
    sys.setrecursionlimit(10000)
    roots = sys.argv[1:] or ["crates/console", "crates/cost", "crates/vgg", "crates/winograd"]
    wrong = 0
    for root in roots:
        crate = Crate(root)
        found = circles(dict(crate.edges()))
        print(f"{root}: {len(crate.modules)} files, {len(found)} circles")
        for circle in found:
            wrong += 1
            print("  " + ", ".join("::".join(module) or "lib" for module in circle))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
