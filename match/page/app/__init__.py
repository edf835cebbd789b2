"""What runs in the browser: one script and one style sheet, put together from the files of this folder.

The modules say what they need of each other with `import { … } from "./x.js"`; they share one scope when they are put together, so that
no two of them have a name in common. vendor/ holds Preact and htm as they were released, with their licences.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
VENDOR = ("preact.js", "hooks.js", "htm.js")  # in this order
IMPORT = re.compile(r'^import \{[^}]*\} from "(\./|\.\./)([\w/]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(async )?function |const |class |let )", re.MULTILINE)


@cache
def script() -> str:
    """All modules that main.js needs, each after those that it needs itself."""
    parts = [(FOLDER / "vendor" / name).read_text(encoding="utf-8") for name in VENDOR]
    modules: dict[Path, str] = {}
    _gather(FOLDER / "main.js", modules)
    body = "\n".join(modules.values())
    return "\n".join([*parts, '(() => {\n"use strict";', body, "})();\n"])


@cache
def style() -> str:
    """The base, then the rest by name."""
    files = sorted((FOLDER / "style").glob("*.css"), key=lambda path: (path.name != "base.css", path.name))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def _gather(path: Path, modules: dict[Path, str]) -> None:
    if path in modules:
        return
    source = path.read_text(encoding="utf-8")
    modules[path] = ""  # so that a circle ends here, and what is put together then fails at once in a browser
    for up, name in IMPORT.findall(source):
        _gather((path.parent / up / name).resolve(), modules)
    text = EXPORT.sub("", IMPORT.sub("", source))
    if left := re.search(r"^(import|export)\b.*$", text, re.MULTILINE):
        raise ValueError(f"{path}: {left.group()!r} is no import or export that this knows")
    del modules[path]
    modules[path] = text
