"""What a migration does that an older process, still at work on the same tables, would not survive.

Told from the source. A table that the same file creates is nobody's yet: whatever is done to it is allowed."""

import ast
import re
from collections.abc import Iterator

_CREATED = re.compile(r"create table (?:if not exists )?\"?(\w+)", re.IGNORECASE)
_TAKES_AWAY = (
    (re.compile(r"\bdrop\s+(table|column|view|schema|type|sequence|constraint|default)\b", re.I), "drops"),
    (re.compile(r"\brename\b", re.I), "renames"),
    (re.compile(r"\bset\s+not\s+null\b", re.I), "makes a column NOT NULL"),
    (re.compile(r"\balter\s+column\s+\S+\s+(set\s+data\s+)?type\b", re.I), "changes a column's type"),
    (
        re.compile(r"\balter\s+table\s+\S+\s+add\s+(constraint|check|unique|foreign|primary)\b", re.I),
        "adds a constraint",
    ),
    (re.compile(r"\b(delete\s+from|(?<!after )(?<!before )truncate)\b", re.I), "deletes rows"),
)
_DROPS = {"drop_table", "drop_column", "drop_constraint", "rename_table", "batch_alter_table"}
_CONSTRAINTS = {
    "create_check_constraint",
    "create_foreign_key",
    "create_primary_key",
    "create_unique_constraint",
    "create_exclude_constraint",
}


def breaches(name: str, source: str) -> list[str]:
    """One line for each thing that only a contracting revision may do."""
    tree = ast.parse(source)
    made = _made_here(tree)
    found: list[str] = []
    for node in _of_upgrade(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            why = _refused(node, node.func.attr, made)
            if why:
                found.append(f"{name}:{node.lineno} {why}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [f"{name}:{node.lineno} {why}" for pattern, why in _TAKES_AWAY if pattern.search(node.value)]
    return found


def _refused(call: ast.Call, verb: str, made: set[str]) -> str:
    if verb in _DROPS:
        return f"{verb}: takes away, or builds anew, what older processes use"
    if verb in _CONSTRAINTS and _table(call, 1) not in made:
        return f"{verb}: older processes may write what it refuses"
    if verb == "create_index" and _keyword(call, "unique") is True and _table(call, 1) not in made:
        return "create_index(unique=True): older processes may write what it refuses"
    if verb == "alter_column" and _table(call, 0) not in made:
        given = {keyword.arg for keyword in call.keywords}
        if given & {"new_column_name", "type_"} or _keyword(call, "nullable") is False:
            return "alter_column: renames, changes the type, or refuses NULL"
        if "server_default" in given and _keyword(call, "server_default") is None:
            return "alter_column(server_default=None): older processes rely on the default"
    if verb == "add_column" and _table(call, 0) not in made:
        column = next((part for part in call.args[1:] if isinstance(part, ast.Call)), None)
        if column is not None and _keyword(column, "nullable") is False and not _has(column, "server_default"):
            return "add_column(nullable=False) without a server_default: older processes insert without it"
    return ""


def _made_here(tree: ast.Module) -> set[str]:
    made: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "create_table":
            made.add(_table(node, 0))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            made.update(_CREATED.findall(node.value))
    return made


def _of_upgrade(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything but `downgrade` and what only explains."""
    for part in tree.body:
        is_text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
        if is_text or (isinstance(part, ast.FunctionDef) and part.name == "downgrade"):
            continue
        explains = {id(doc) for node in ast.walk(part) for doc in _docstring(node)}
        yield from (node for node in ast.walk(part) if id(node) not in explains)


def _docstring(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.body:
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            yield first.value


def _table(call: ast.Call, position: int) -> str:
    if len(call.args) > position and isinstance(part := call.args[position], ast.Constant):
        return str(part.value)
    return ""


def _keyword(call: ast.Call, name: str) -> object:
    """Its value, if it stands there as a constant; an object like no other if it is not given."""
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return _ABSENT


def _has(call: ast.Call, name: str) -> bool:
    return any(keyword.arg == name for keyword in call.keywords)


_ABSENT = object()
