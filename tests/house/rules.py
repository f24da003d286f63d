"""The rules of the house as functions over source text: each returns one line per breach, empty when all is well."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PRODUCT = ("contracts", "kit", "bot", "router", "payment_adapter", "simulators", "dukani")
CODE = (*PRODUCT, "migrations", "tests", "benchmarks")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

_SKIPPED_FOLDERS = {".git", ".venv", ".tools", "var", "build", "__pycache__", "node_modules"} | {
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".import_linter_cache",
}
_FORBIDDEN_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
_WALL_CLOCK = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"}
_CLOCK_OWNERS = {"datetime", "date", "time"}

_MONEY = re.compile(r"\bMoney\b|_minor\b|\bminor\b|\bamount")
_KENYAN = re.compile(r"(?<![0-9a-fA-F])(?:\+?254|0)([17][0-9]{8})(?![0-9a-fA-F])")
_INVENTED = re.compile(r"708374149|7000000[0-9]{2}")

# Written in two parts, so that this file does not break its own rule.
_INDEX_TRACES = tuple(
    first + second
    for first, second in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("registry.npm", "js.org"),
        ("--index", "-url"),
        ("--extra-index", "-url"),
        ("--find", "-links"),
        ("--trusted", "-host"),
    )
)


def text_files() -> Iterator[tuple[str, str]]:
    """Every text file of the project by its path from the root."""
    yield from _text_files(ROOT)


def _text_files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir()):
        if path.name in _SKIPPED_FOLDERS or path.is_symlink():
            continue
        if path.is_dir():
            yield from _text_files(path)
            continue
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a font


def python_files(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    for package in packages:
        if (ROOT / package).is_dir():
            yield from (found for found in _text_files(ROOT / package) if found[0].endswith(".py"))


def long_file(name: str, text: str) -> list[str]:
    lines = text.count("\n")
    return [f"{name}: {lines} lines, more than {MAX_FILE_LINES}"] if lines > MAX_FILE_LINES else []


def long_functions(name: str, text: str) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                found.append(f"{name}:{node.lineno} {node.name}: {lines} lines, more than {MAX_FUNCTION_LINES}")
    return found


def vague_name(name: str) -> list[str]:
    parts = {part.removesuffix(".py") for part in Path(name).parts}
    return [f"{name}: name it after what it holds" for _ in parts & _FORBIDDEN_NAMES]


def wall_clock(name: str, text: str) -> list[str]:
    """Reading the time from anywhere but the injected clock."""
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Attribute(attr=attribute, value=ast.Name(id=owner) | ast.Attribute(attr=owner)):
                if attribute in _WALL_CLOCK and owner in _CLOCK_OWNERS:
                    found.append(f"{name}:{node.lineno} {owner}.{attribute}: ask the injected clock")
            case ast.ImportFrom(module="time", names=names):
                taken = [alias.name for alias in names if alias.name in _WALL_CLOCK]
                found += [f"{name}:{node.lineno} from time import {each}: ask the injected clock" for each in taken]
            case _:
                pass
    return found


def silenced_time_zones(name: str, text: str) -> list[str]:
    """A naive datetime that was waved through. DTZ007 (strptime) may be: what is read is then given its zone."""
    return [
        f"{name}:{number} a naive datetime is never right here"
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"noqa:.*\bDTZ(?!007)", line)
    ]


def floats_near_money(name: str, text: str) -> list[str]:
    """In a file that speaks of money: the name `float`, a literal such as 0.1, a true division. Times may be floats."""
    if not _MONEY.search(text):
        return []
    tree = ast.parse(text)
    times = {id(part) for node in ast.walk(tree) for value in _times(node) for part in ast.walk(value)}
    found: list[str] = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="float") if id(node) not in times:
                found.append(f"{name}:{node.lineno} float")
            case ast.Constant(value=float()) if id(node) not in times:
                found.append(f"{name}:{node.lineno} {node.value}")
            case ast.BinOp(op=ast.Div(), left=left, right=right) if not (_is_text(left) or _is_text(right)):
                found.append(f"{name}:{node.lineno} a true division: // and a remainder keep every cent")
            case _:
                pass
    return found


def _times(node: ast.AST) -> list[ast.AST]:
    """Values and types of what a name ending in _s, _ms or _at says is a time."""
    match node:
        case ast.keyword(arg=str(target), value=value):
            parts = [value]
        case ast.Assign(targets=[ast.Name(id=target) | ast.Attribute(attr=target)], value=value):
            parts = [value]
        case ast.AnnAssign(target=ast.Name(id=target) | ast.Attribute(attr=target), annotation=kind, value=value):
            parts = [kind, value] if value else [kind]
        case ast.arg(arg=target, annotation=ast.AST() as kind):
            parts = [kind]
        case ast.FunctionDef(name=target, returns=ast.AST() as kind):
            parts = [kind]
        case _:
            return []
    return list(parts) if target.lower().endswith(("_s", "_ms", "_at")) else []


def _is_text(node: ast.AST) -> bool:
    """`folder / "name"` joins paths."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def commits(name: str, text: str) -> list[str]:
    return [
        f"{name}:{node.lineno} .{node.func.attr}(): the edge ends a transaction, through kit.db"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("commit", "rollback")
    ]


def foreign_tables(name: str, text: str) -> list[str]:
    """In a room of the router: importing more of another room than its service."""
    parts = Path(name).parts
    if parts[0] != "router" or len(parts) < 3:
        return []
    found: list[str] = []
    for module, line in _imported(text):
        room, _, inside = module.removeprefix("router.").partition(".")
        is_a_room = module.startswith("router.") and room != parts[1] and not (ROOT / "router" / f"{room}.py").exists()
        if not is_a_room or not inside:
            continue
        if inside.split(".")[0] != "service":
            found.append(f"{name}:{line} {module}: a room knows another by its service only")
    return found


def _imported(text: str) -> Iterator[tuple[str, int]]:
    """Full names of what is imported: `from router.vendors import models` is router.vendors.models."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.count(".") == 1 and node.module.startswith("router."):
                yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


def strangers_numbers(name: str, text: str) -> list[str]:
    """Kenyan phone numbers that may be somebody's: only Safaricom's test number and 2547000000xx are nobody's."""
    return [
        f"{name}: {match[0]} may be somebody's number"
        for match in _KENYAN.finditer(text)
        if not _INVENTED.fullmatch(match[1])
    ]


def index_traces(name: str, text: str) -> list[str]:
    """Where packages came from is nobody's business but the installer's."""
    return [f"{name}: {trace}" for trace in _INDEX_TRACES if trace in text]
