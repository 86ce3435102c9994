"""Mutants: a source with one change that the tests should notice.

A sign turned, a product made a sum, a term dropped, one gate's weights read for another's, an
activation or a constant exchanged, a comparison or a choice turned round.
"""

import ast
import copy
from collections.abc import Iterator

EXCHANGE = {
    "sigmoid": "tanh", "tanh": "sigmoid", "sigma": "phi", "phi": "psi", "psi": "sigma",
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Pairs of a description and the source with that one change."""
    tree = ast.parse(source)
    gates = sorted(
        {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and is_weight(node.value)
        }
    )
    # zip(strict=): what ends with an error in the one program is equally long in the other.
    # dataclass(frozen=): nobody assigns to a field. lru_cache(maxsize=): nothing depends on it.
    same = {
        keyword.value for keyword in ast.walk(tree)
        if isinstance(keyword, ast.keyword) and keyword.arg in ("strict", "frozen", "maxsize")
    }  # fmt: skip
    for number, node in enumerate(ast.walk(tree)):
        if node in same:
            continue
        for what, changed in changes(node, gates):
            mutant = copy.deepcopy(tree)
            place(mutant, number, changed)
            line = getattr(node, "lineno", 0)
            yield f"line {line}: {what}", ast.unparse(ast.fix_missing_locations(mutant))


def is_weight(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("W", "U", "b", "V")


def changes(node: ast.AST, gates: list[str]) -> Iterator[tuple[str, ast.AST]]:
    """The ways to spoil one node."""
    if isinstance(node, ast.BinOp):
        swaps = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add}
        for old, new in swaps.items():
            if isinstance(node.op, old):
                changed = copy.deepcopy(node)
                changed.op = new()
                yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
        if isinstance(node.op, ast.Add | ast.Sub):
            yield f"{ast.unparse(node)} -> {ast.unparse(node.left)}", copy.deepcopy(node.left)
    elif isinstance(node, ast.Attribute) and is_weight(node.value) and len(gates) > 1:
        other = gates[(gates.index(node.attr) + 1) % len(gates)]
        changed = copy.deepcopy(node)
        changed.attr = other
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.Name) and node.id in EXCHANGE and isinstance(node.ctx, ast.Load):
        yield f"{node.id} -> {EXCHANGE[node.id]}", ast.Name(EXCHANGE[node.id], node.ctx)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield f"{node.value} -> {node.value + 1}", ast.Constant(node.value + 1)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        turned = {
            ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
            ast.Lt: ast.GtE, ast.GtE: ast.Lt, ast.In: ast.NotIn, ast.NotIn: ast.In,
        }  # fmt: skip
        for old, new in turned.items():
            if isinstance(node.ops[0], old):
                changed = copy.deepcopy(node)
                changed.ops = [new()]
                yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.IfExp):
        changed = ast.IfExp(node.test, node.orelse, node.body)
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield f"{ast.unparse(node)} -> {ast.unparse(node.operand)}", copy.deepcopy(node.operand)
    elif isinstance(node, ast.BoolOp):
        changed = copy.deepcopy(node)
        changed.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.Call) and is_gate(node):  # gate("f", c)
        changed = copy.deepcopy(node)
        letter = ast.literal_eval(node.args[0])
        changed.args[0] = ast.Constant("ifo"["ifo".index(letter) - 1])
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed
    elif isinstance(node, ast.Call) and len(node.args) == 2 and "Carry" in ast.unparse(node.func):
        changed = copy.deepcopy(node)
        changed.args.reverse()
        yield f"{ast.unparse(node)} -> {ast.unparse(changed)}", changed


def is_gate(call: ast.Call) -> bool:
    name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
    return ast.unparse(call.func) == "gate" and name in ("i", "f", "o")


def place(tree: ast.AST, number: int, changed: ast.AST) -> None:
    """Puts ``changed`` where node ``number`` of the walk stands."""
    target = list(ast.walk(tree))[number]
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, field, changed)
                return
            if isinstance(value, list) and any(item is target for item in value):
                value[[item is target for item in value].index(True)] = changed
                return
    raise AssertionError("the node is in the tree")
