"""The walls between the packages: who may import whom, what is public, what is loaded when, and what is raised."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import embed
import embed.errors
import index
import match

ROOT = Path(embed.__file__).parent.parent
PACKAGES = [embed, index, match]
MAY_IMPORT = {"embed": {"embed", "artwork_assets"}, "index": {"index", "embed"}, "match": {"match", "index", "embed"}}
OURS = {"embed", "index", "match", "artwork_doors", "artwork_assets", "scripts", "assets", "tests"}
FOREIGN = {  # libraries that a package knows nothing of
    "embed": {"faiss", "duckdb", "starlette", "uvicorn", "typer", "rich"},
    "index": {"torch", "open_clip", "duckdb", "jinja2", "starlette", "uvicorn", "typer", "rich"},
    "match": {"torch", "open_clip", "faiss", "uvicorn", "typer", "rich"},
}
SOURCES = [
    pytest.param(package.__name__, path, id=str(path.relative_to(ROOT)))
    for package in PACKAGES
    for path in sorted(Path(str(package.__file__)).parent.rglob("*.py"))
]


def imports(path: Path) -> Iterator[str]:
    """The first part of every module that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who is imported"
            yield str(node.module).split(".")[0]


@pytest.mark.parametrize(("package", "path"), SOURCES)
def test_imports_go_from_match_to_index_to_embed_and_never_back(package: str, path: Path) -> None:
    imported = set(imports(path))
    assert imported & OURS <= MAY_IMPORT[package]
    assert not imported & FOREIGN[package]


@pytest.mark.parametrize(("package", "path"), SOURCES)
def test_packages_neither_print_nor_exit(package: str, path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert not {call.id for call in calls if isinstance(call, ast.Name)} & {"print", "exit", "input"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_what_is_public_stands_in_all_and_nothing_else_leaks(package: ModuleType) -> None:
    public = {name for name, value in vars(package).items() if not name.startswith("_") and not isinstance(value, ModuleType)}
    assert public == set(package.__all__)
    assert list(package.__all__) == sorted(package.__all__)
    assert str(package.__doc__).strip()


@pytest.mark.parametrize(
    ("package", "unloaded"),
    [
        ("embed", {"torch", "open_clip", "torchvision", "faiss", "lance", "duckdb", "jinja2"}),
        ("match", {"torch", "open_clip", "torchvision", "jinja2", "starlette"}),
        ("match.page", {"torch", "open_clip", "torchvision", "jinja2", "starlette"}),
    ],
)
def test_importing_a_package_leaves_heavy_libraries_unloaded(package: str, unloaded: set[str]) -> None:
    code = f"import sys, {package}; print(*(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    loaded = set(done.stdout.split())
    assert package.partition(".")[0] in loaded
    assert not loaded & unloaded


def errors() -> dict[str, type[Exception]]:
    return {name: value for name, value in vars(embed.errors).items() if isinstance(value, type)}


def test_all_errors_stand_in_one_tree_which_is_drawn() -> None:
    drawing = str(embed.errors.__doc__)
    for name, error in errors().items():
        assert issubclass(error, embed.ArtworkMatcherError)
        assert str(error.__doc__).strip()
        assert f"{name} " in drawing


def raised(tree: ast.AST) -> Iterator[str]:
    """The names of the exceptions that a file raises and does not catch in the same try."""
    caught_here = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        for statement in node.body
        for inner in ast.walk(statement)
        if isinstance(inner, ast.Raise)
        and inner.exc is not None
        and any(ast.unparse(inner.exc) in ast.unparse(handler.type) for handler in node.handlers if handler.type)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None and id(node) not in caught_here:
            yield ast.unparse(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)


def makers(tree: ast.AST) -> set[str]:
    """The names of functions that return one of our own errors, for others to raise."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.returns]
    return {node.name for node in functions if ast.unparse(node.returns) in errors()}  # type: ignore[arg-type]


EXCEPTIONS = {
    "catalog.py": {"raw"},  # a _BadValue in a variable
    "decoders.py": {"answer"},  # an error of ours that came from a worker
    "on_ray.py": {"getattr(errors, name)"},  # likewise, from a node
    "background.py": {"work.error"},  # what somebody else's function raised in a thread
    "tables.py": {"ValueError", "OSError"},  # its `_as_damage` makes a _Damage of them, with Lance's own
}


@pytest.mark.parametrize(("package", "path"), SOURCES)
def test_what_is_raised_derives_from_our_own_error(package: str, path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    private = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name.startswith("_")}
    others = EXCEPTIONS.get(path.name, set()) | (
        set() if package == "embed" else {"ValueError"}
    )  # arrays that a caller got wrong
    assert set(raised(tree)) <= errors().keys() | private | makers(tree) | others
