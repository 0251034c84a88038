"""Every sentence that the program can print, and where it stands.

`python -m tests.core.sentences` lists them: first each way in which each template may be put, then
what stands in the code itself, the help of commands and keys among it. There `{}` is what is
filled in.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import mailwatch
from mailwatch.core.sentences import Given, Plural, Sentences, Template

ROOT = Path(mailwatch.__file__).parent

_WORDS = re.compile(r"[A-Za-z',]+ [a-z][a-z'-]*,? [A-Za-z'{]")
"""Two words in a row and the beginning of a third: prose, or it may be."""

_NO_PROSE = re.compile(
    r"\s*(?:<|(?:CREATE|SELECT|INSERT|DELETE|UPDATE|PRAGMA|ALTER|DROP|WHERE|ORDER|OR) [\w(])"
)
"""HTML and SQL."""

_NO_PROSE_IN = {Path("evidence/servers"), Path("core/sentences"), Path("store/upgrade.py")}
"""What servers say, as patterns, parts of templates, and what older versions said."""


def templates() -> Sentences:
    """Return every template of every catalogue, by its code."""
    found: dict[str, Template] = {}
    for module in pkgutil.walk_packages(mailwatch.__path__, "mailwatch."):
        if not module.name.endswith("__main__"):
            found.update(getattr(importlib.import_module(module.name), "SENTENCES", {}))
    return found


def leaves(template: Template) -> Iterator[str]:
    """Yield each way in which it may be put."""
    match template:
        case str():
            yield template
        case Plural():
            yield from (template.one, template.many)
        case Given():
            yield from (*leaves(template.present), *leaves(template.absent))


def literals(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the prose in the code of a module, and its line; catalogues and docstrings are none.

    The docstring of a command is: argparse shows it.
    """
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "SENTENCES":
            skipped |= set(ast.walk(node))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            skipped.add(node.value)
        elif isinstance(node, ast.FunctionDef) and any(
            ast.unparse(one).startswith("command(") for one in node.decorator_list
        ):
            yield node.lineno, ast.get_docstring(node) or ""
        if node in skipped:
            continue
        text = ""
        if isinstance(node, ast.JoinedStr):
            skipped |= set(ast.walk(node))
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        if isinstance(node, ast.expr) and _WORDS.search(text) and not _NO_PROSE.match(text):
            yield node.lineno, text


def listing() -> Iterator[tuple[str, str]]:
    """Yield every sentence, after its code or its place."""
    for code, template in sorted(templates().items()):
        for text in leaves(template):
            yield code, text
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT)
        if not _NO_PROSE_IN & {place, place.parent}:
            for line, text in literals(ast.parse(path.read_text())):
                yield f"{place}:{line}", text


def main() -> None:
    """Print the listing."""
    for where, text in listing():
        sys.stdout.write(f"{where}: {' '.join(text.split())}\n")


if __name__ == "__main__":
    main()
