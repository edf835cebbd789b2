"""What runs in the browser: one script and one style sheet, put together from the files of this folder.

The modules say what they need of each other with `import { … } from "./x.js";` on one line, and what they offer with `export` before a
declaration. Put together, each is a function of its own, called once. vendor/ holds Preact and htm as they were released, with their
licences.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
VENDOR = ("preact.js", "hooks.js", "htm.js")  # in this order
IMPORT = re.compile(r'^import (\{[^}\n]*\}) from "(\./|\.\./)([\w/]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class|let) (\w+|\{[^}\n]*\}))", re.MULTILINE)


@cache
def script() -> str:
    """All modules that main.js needs, each after those that it needs itself."""
    parts = [(FOLDER / "vendor" / name).read_text(encoding="utf-8") for name in VENDOR]
    modules: dict[Path, str] = {}
    _gather(FOLDER / "main.js", modules)
    return "\n".join([*parts, '(() => {\n"use strict";', *modules.values(), "})();\n"])


@cache
def style() -> str:
    """The base, then the rest by name."""
    files = sorted((FOLDER / "style").glob("*.css"), key=lambda path: (path.name != "base.css", path.name))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def _gather(path: Path, modules: dict[Path, str]) -> None:
    """Add the module after those that it imports."""
    if path in modules:
        return
    source = path.read_text(encoding="utf-8")
    modules[path] = ""  # so that a circle ends here, and what is put together then fails at once in a browser
    for _, up, name in IMPORT.findall(source):
        _gather((path.parent / up / name).resolve(), modules)
    del modules[path]
    modules[path] = _as_function(path, source)


def _as_function(path: Path, source: str) -> str:
    """A constant that holds what the module exports. Raises ValueError where it says an import or export in another way."""
    needs = IMPORT.sub(lambda found: f"const {found[1]} = {_name(path.parent / found[2] / found[3])};\n", source)
    text = EXPORT.sub("", needs)
    if left := re.search(r"^(import|export)\b.*$", text, re.MULTILINE):
        raise ValueError(f"{path}: {left.group()!r} is no import or export that this knows")
    offers = ", ".join(name.strip("{} ") for name in EXPORT.findall(needs))
    return f"const {_name(path)} = (() => {{\n{text}\nreturn {{ {offers} }};\n}})();"


def _name(path: Path) -> str:
    return "_" + "_".join(path.resolve().relative_to(FOLDER).with_suffix("").parts)
