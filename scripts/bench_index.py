"""The page lookup's speed, beside other ways to the best artwork per title: `python scripts/bench_index.py`.

`scripts/benching/` has the parts: lookups.py measures a catalog, peers.py is who runs side by side (each in a process of its own,
lookup_child.py), catalogs.py makes vectors and draws pages, truth.py judges answers, lookup_figures.py derives the report and knows
the targets.

The peers may be installed in an environment of their own, whose interpreter --peers-python names:

    pip install duckdb faiss-cpu lancedb "pymilvus[milvus-lite]" qdrant-client qdrant-edge-py usearch zvec
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from artwork_doors.benching.figures import Figure

app = console.door()


@app.command()
@console.reports_errors
def bench_index(
    artworks: Annotated[str, typer.Option(help="Sizes of catalogs, divided by commas.")] = "10000,100000,1000000",
    pages: Annotated[str, typer.Option(help="Titles of a page, divided by commas.")] = "1,40,1000,5000",
    only: Annotated[str | None, typer.Option(help="Which contenders, divided by commas; all where silent.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often the contenders run in turn.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.001, help="Of each contender, with each sort of page in each round.")] = 0.25,
    loading: Annotated[
        float, typer.Option(min=1, help="Seconds that a contender may take to load a catalog, or for one answer.")
    ] = 30.0,
    peers_python: Annotated[
        Path | None, typer.Option(help="The interpreter of an environment with the peers in it; this one where silent.")
    ] = None,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure the best artwork of every title of a page: our page lookup, numpy, torch, FAISS with the page's rows selected and with
    a list for each title, and vector stores that run embedded (usearch, DuckDB, LanceDB, zvec, Qdrant Edge, qdrant-client's local
    mode, Milvus Lite), in turn, over the same vectors of 512 numbers and the same pages, a fresh one for each call.

    Catalogs have artworks per title as real ones do (many with 1 to 5, some with 200), and 20 for each, which the targets are for.
    Users have 1 interest, and 4 where a contender takes several. The peers come with: pip install duckdb faiss-cpu lancedb
    "pymilvus[milvus-lite]" qdrant-client qdrant-edge-py usearch zvec; who is absent, or takes longer than it may, is named with the
    reason. Under 15 minutes on 2 cores, with 20 GB of memory and 2 of disk at the largest size. Run it on a machine that does
    nothing else; what is being done goes to standard error.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import lookup_figures, lookups, machine, matcher_lookups, report

    chosen, about = _contenders(only), machine.describe()
    sizes, titles = report.numbers("--artworks", artworks), report.numbers("--pages", pages)
    settings = lookups.Settings(rounds, seconds, loading, chosen, peers_python)
    with tempfile.TemporaryDirectory(prefix="bench_index-") as folder:
        measured = lookups.measure_catalogs(sizes, titles, settings, Path(folder), console.say)
        serving = matcher_lookups.matcher_figures(Path(folder, lookups.VECTORS), sizes[-1], Path(folder), console.say)
    lines = [*lookup_figures.figures_of(measured), *serving]
    if as_json:
        console.answer(lookup_figures.as_json(about, measured, lines))
    else:
        typer.echo(machine.header(about))
        typer.echo(f"Contenders: {lookup_figures.versions(measured)}")
        for catalog in measured:
            console.print_table(lookup_figures.heading(catalog), lookup_figures.COLUMNS, lookup_figures.rows_of(catalog))
        for title in dict.fromkeys(line.about for line in lines):
            report.print_figures(title, [line for line in lines if line.about == title])
    if check and _is_missed(lines):
        raise typer.Exit(1)


def _contenders(only: str | None) -> tuple[str, ...]:
    from artwork_doors.benching.peers import CONTENDERS

    return tuple(CONTENDERS) if only is None else tuple(console.parts(only, tuple(CONTENDERS)))


def _is_missed(lines: "list[Figure]") -> bool:
    return any(line.met is False for line in lines)


def main() -> None:
    """Not a console command: it measures this project for those who work on it."""
    app()


if __name__ == "__main__":
    main()
