"""What the benchmarks' doors share: numbers out of flags, and figures as a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from artwork_doors.benching.figures import Figure


def numbers(flag: str, text: str) -> list[int]:
    """ "40,1" to [1, 40]. Raises BadParameter where there is none, or one that is no whole number above 0."""
    named = console.names(text) or []
    if not named or not all(name.isdecimal() and int(name) > 0 for name in named):
        raise typer.BadParameter(f"{flag} {text!r}: give whole numbers above 0, divided by commas")
    return sorted({int(name) for name in named})


def print_figures(title: str, lines: Sequence["Figure"]) -> None:
    """A row for each."""
    console.print_table(title, ("figure", "value", "from", "to", "target", "", "how"), [_row(line) for line in lines])


def tell(machine: dict[str, Any], lines: Sequence["Figure"], as_json: dict[str, Any] | None, *, check: bool) -> None:
    """As JSON where it is given, else as a table for each thing that lines are about. Ends with exit code 1 where `check` asks for it
    and a target was missed."""
    from artwork_doors.benching.machine import header

    if as_json is not None:
        console.answer(as_json)
    else:
        typer.echo(header(machine))
        for about in dict.fromkeys(line.about for line in lines):
            print_figures(about, [line for line in lines if line.about == about])
    if check and any(line.met is False for line in lines):
        raise typer.Exit(1)


def _row(line: "Figure") -> tuple[str, ...]:
    value = "not measured" if line.value is None else f"{_number(line.value)} {line.unit}".strip()
    target = "" if line.target is None else f"{'at most' if line.at_most else 'at least'} {line.target:g}"
    verdict = {True: "met", False: "missed", None: ""}[line.met]
    return (line.name, value, *(_number(edge) for edge in (line.low, line.high)), target, verdict, line.note)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
