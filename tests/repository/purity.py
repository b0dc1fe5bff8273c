"""Find what a pure folder may not hold: clocks, chance, input and output, sets, BLAS, assertions.

A syntax-tree check can't see through names passed around on purpose; it catches what one writes by habit.
Imports are a list of what is allowed, so that a new module has to be thought about once, here.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

# Nothing here reads a clock, the environment or a file. Of `datetime` only conversions: see _CLOCK_METHODS.
_ALLOWED_IMPORTS = {
    *("__future__", "abc", "array", "bisect", "collections", "contextlib", "copy", "dataclasses", "decimal"),
    *("enum", "fractions", "functools", "hashlib", "heapq", "itertools", "json", "math", "numbers"),
    *("operator", "re", "string", "struct", "textwrap", "types", "typing", "zlib"),
    *("aftershock", "msgspec", "numpy"),
}
_MODEL_IMPORTS = {"calendar", "datetime"}
_CLOCK_METHODS = {"now", "utcnow", "today"}

_BANNED_NAMES = {
    **dict.fromkeys(("open", "print", "input", "breakpoint"), "input and output"),
    **dict.fromkeys(("eval", "exec", "compile", "__import__"), "code that this check can't read"),
    **dict.fromkeys(("id", "hash"), "differs from one process to the next"),
    **dict.fromkeys(("set", "frozenset"), "a set has no order"),
}
_BANNED_ATTRIBUTES = {
    **dict.fromkeys(("dot", "vdot", "inner", "matmul", "einsum", "einsum_path", "tensordot"), "BLAS"),
    **dict.fromkeys(("linalg", "vecdot", "matvec", "vecmat", "multi_dot", "polyfit"), "BLAS"),
    **dict.fromkeys(("convolve", "correlate", "cov", "corrcoef"), "BLAS under another name"),
    **dict.fromkeys(("random", "default_rng", "RandomState"), "chance"),
    **dict.fromkeys(("load", "loadtxt", "genfromtxt", "fromfile", "memmap"), "input and output"),
    **dict.fromkeys(("save", "savez", "savez_compressed", "savetxt", "tofile"), "input and output"),
    "datetime64": "reads the clock when asked for 'now': times are integers here",
}
_SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)


class Violation(NamedTuple):
    """One thing that a pure folder may not hold."""

    line: int
    what: str
    why: str

    def __str__(self) -> str:
        """Write it as a compiler would."""
        return f"{self.line}: {self.what}: {self.why}"


def violations(source: str, *, in_model: bool = False) -> list[Violation]:
    """Return every violation in one module's source, in the order of its lines."""
    found = _Reader(_ALLOWED_IMPORTS | _MODEL_IMPORTS if in_model else _ALLOWED_IMPORTS)
    found.visit(ast.parse(source))
    return sorted(found.violations)


class _Reader(ast.NodeVisitor):
    def __init__(self, allowed_imports: set[str]) -> None:
        self.violations: list[Violation] = []
        self._allowed_imports = allowed_imports
        self._has_datetime = False

    def _refuse(self, node: ast.stmt | ast.expr, what: str, why: str) -> None:
        self.violations.append(Violation(node.lineno, what, why))

    def _import(self, node: ast.stmt, module: str) -> None:
        first, *rest = module.split(".")
        if first not in self._allowed_imports:
            self._refuse(node, f"import {module}", "not among the imports known to be pure")
        for name in rest:
            self._attribute(node, name)
        self._has_datetime |= first == "datetime"

    def _attribute(self, node: ast.stmt | ast.expr, name: str) -> None:
        if name in _BANNED_ATTRIBUTES:
            self._refuse(node, name, _BANNED_ATTRIBUTES[name])

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._import(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level == 0:
            self._import(node, node.module or "")
        for alias in node.names:
            self._attribute(node, alias.name)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load) and node.id in _BANNED_NAMES:
            self._refuse(node, node.id, _BANNED_NAMES[node.id])

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self._attribute(node, node.attr)
        if self._has_datetime and node.attr in _CLOCK_METHODS:
            self._refuse(node, node.attr, "reads the clock")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.MatMult):
            self._refuse(node, "@", "BLAS")
        if isinstance(node.op, _SET_OPERATORS) and (_is_view(node.left) or _is_view(node.right)):
            self._refuse(node, "operator between dict views", "gives a set, and a set has no order")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.MatMult):
            self._refuse(node, "@=", "BLAS")
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        self._refuse(node, "set display", "a set has no order")
        self.generic_visit(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._refuse(node, "set comprehension", "a set has no order")
        self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        self._refuse(node, "assert", "vanishes under -O: raise an error of errors.py")
        self.generic_visit(node)


def _is_view(node: ast.expr) -> bool:
    """Tell whether an expression is a call of `.keys()` or `.items()`."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "items")
