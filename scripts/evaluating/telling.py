"""How an evaluation's parts are measured one after another, and told to a person or a machine. The same for every door."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from artwork_doors import console
from artwork_doors.benching.report import print_figures
from artwork_doors.evaluating.verdicts import Part


def measured(names: Sequence[str], material: Any) -> list[Part]:
    """The parts of these names, each a module of this package whose `measure` is given the material."""
    parts = []
    for name in names:
        console.say(f"measuring {name}")
        parts.append(importlib.import_module(f"artwork_doors.evaluating.{name}").measure(material))
    return parts


def tell(parts: Sequence[Part], as_json: dict[str, Any] | None, plot: Path | None, *, about: str = "", check: bool) -> None:
    """As JSON where it is given, else as tables, `about` behind the title of the figures; drawn where `plot` names a file. Ends with
    exit code 1 where `check` asks for it and a target was missed."""
    if plot:
        from artwork_doors.evaluating.plot import draw_figures

        draw_figures(parts, plot)
    if as_json is not None:
        console.answer(as_json)
    else:
        for part in parts:
            print_figures(f"{part.title}{about}", part.figures)
            if part.differences:
                print_figures(f"{part.title}: differences, paired", part.differences)
    if check and any(line.met is False for part in parts for line in part.figures):
        raise typer.Exit(1)
