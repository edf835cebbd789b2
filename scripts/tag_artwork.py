"""Proposes tags for artwork that has none: `python scripts/tag_artwork.py CATALOG --store STORE --out proposals.csv`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from embed.calibration import Reliability
    from embed.catalog import Catalog
    from embed.proposals import Accepted, Merged
    from embed.tagging import Tagging

app = console.door()


@app.command()
@console.reports_errors
def tag_artwork(
    catalog: Annotated[Path, typer.Argument(help="Folder with titles and artwork as .csv, .jsonl or .parquet.")],
    store: Annotated[Path | None, typer.Option(help="The store that scripts/embed_artwork.py made of it.")] = None,
    out: Annotated[Path | None, typer.Option(help="The .csv file of proposals; decisions that stand there stay.")] = None,
    tags: Annotated[Path | None, typer.Option(help="A file of further tags to propose, one a line.")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0.001, max=1.0, help="Score from which a tag is proposed; 0.3 where left out.")
    ] = None,
    most: Annotated[int | None, typer.Option(min=1, help="Proposals per artwork at most; 5 where left out.")] = None,
    accept: Annotated[
        Path | None, typer.Option(help="In place of all the others: take over what this file of proposals says yes to.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Propose tags for the artwork of CATALOG that has none, for a person to accept or refuse.

    The tags are those the catalog's artwork has already, the genres and keywords of its titles, and those of --tags. A score is the
    probability, 0 to 1, that a person who tags this catalog would give the artwork that tag: of proposals at 0.4, four in ten should
    be accepted. It comes from how much more the picture resembles the tag than the catalog's other pictures do, and from how often
    persons give the tag at all; how these count is learned from the artwork that persons did tag. How true the scores are is shown,
    measured on titles they were not learned from. Fewer than 50 tagged artworks, or 5 titles with any, are too few: then scores come
    from another catalog's tags, which is said.

    Write yes or no beside each proposal, under decision. Running it again keeps these rows as they are. Then --accept FILE writes
    what you said yes to into CATALOG/accepted_tags.csv, and removes what you said no to; whoever reads the catalog takes those for
    tags of artwork that has none of its own. The artwork table itself is never written.

    Exit code 0: done; 1: done, but rows, artwork without a vector, or overlong tags were set aside; 2: could not run.
    """
    if accept is not None:
        if any(option is not None for option in (store, out, tags, threshold, most)):
            raise typer.BadParameter("--accept goes with CATALOG alone; without it, proposals are made")
        _accept(catalog, accept, as_json)
        return
    if store is None or out is None:
        raise typer.BadParameter("give --store and --out to make proposals, or --accept to take them over")
    if out.suffix.lower() != ".csv":
        raise typer.BadParameter(f"--out {str(out)!r} must end in .csv")
    from embed.tagging import MOST, THRESHOLD

    limits = {"threshold": THRESHOLD if threshold is None else threshold, "most": MOST if most is None else most}
    _propose(catalog, store, out, read_tags(tags) if tags else [], limits, as_json)


def _propose(folder: Path, store: Path, out: Path, listed: list[str], limits: dict[str, Any], as_json: bool) -> None:
    from embed.catalog import read_catalog
    from embed.encoder import load_encoder
    from embed.proposals import merge_proposals, read_proposals, write_proposals
    from embed.store import open_store
    from embed.tagging import propose_tags

    catalog, opened = read_catalog(folder, only=("titles", "artwork")), open_store(store)
    read_proposals(out)  # a file that is something else is better refused before the work than after it
    with console.progress_bar("artworks") as progress:
        found = propose_tags(catalog, opened, load_encoder(opened.choice), listed, **limits, progress=progress)
    merged = merge_proposals(read_proposals(out), found.proposals, catalog.artwork["artwork_id"].to_pylist())
    write_proposals(out, merged.proposals)
    console.note_checkpoint(opened.choice)
    aside = _set_aside(catalog, found, store)
    console.say_all(aside)
    if as_json:
        console.answer({**record(found, merged), **limits, "out": str(out), "problems": aside})
    else:
        _print(found, merged, out, limits["threshold"])
    if aside:
        raise typer.Exit(1)


def read_tags(path: Path) -> list[str]:
    """The lines of the file that hold anything. Raises CatalogError where it cannot be read."""
    from embed.errors import CatalogError

    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise CatalogError(f"--tags {path} cannot be read: {error}; give a text file in UTF-8, one tag a line") from error
    return [line.strip() for line in lines if line.strip()]


def _set_aside(catalog: "Catalog", found: "Tagging", store: Path) -> list[str]:
    aside = [str(problem) for problem in catalog.problems]
    if found.without_vector:
        remedy = f"run scripts/embed_artwork.py {catalog.root} --store {store}"
        aside.append(f"{found.without_vector:,} of {len(catalog.artwork):,} artworks have no vector in the store; {remedy}")
    return aside + [f"longer than the text tower reads, so left out: {tag}" for tag in found.vocabulary.too_long]


def record(found: "Tagging", merged: "Merged") -> dict[str, Any]:
    """All of the report but the proposals, which are in the file."""
    return {
        "untagged": found.untagged,
        "vocabulary": len(found.vocabulary.tags),
        "proposals": len(found.proposals),
        "decided": merged.decided,
        "added": merged.added,
        "dropped": merged.dropped,
        "tags": [dict(zip(("tag", "proposals", "highest", "given"), row, strict=True)) for row in per_tag(found)],
        "fitted": found.fitted,
        "calibration": asdict(found.calibration),
        "reliability": asdict(found.reliability) if found.reliability else None,
    }


def per_tag(found: "Tagging") -> list[tuple[str, int, float, int]]:
    """(tag, its proposals, the highest score, artworks that persons gave it), the most proposed first."""
    scores: dict[str, list[float]] = {}
    for proposal in found.proposals:
        scores.setdefault(proposal.tag, []).append(proposal.score)
    rows = [(tag, len(ones), round(max(ones), 3), found.given[tag]) for tag, ones in scores.items()]
    return sorted(rows, key=lambda row: (-row[1], -row[2], row[0]))


TAG_COLUMNS = ("tag", "proposed for", "highest score", "given by persons")
BIN_COLUMNS = ("score", "pairs", "predicted", "observed")


def _print(found: "Tagging", merged: "Merged", out: Path, threshold: float) -> None:
    rows = per_tag(found)
    if rows:
        cells = [(tag, f"{count:,}", f"{highest:.3f}", f"{given:,}") for tag, count, highest, given in rows[: console.SHOWN]]
        console.print_table("Proposed, the most often first", TAG_COLUMNS, cells)
    if len(rows) > console.SHOWN:
        typer.echo(f"... and {len(rows) - console.SHOWN:,} more tags (--json has them all)")
    if found.reliability:
        bins = found.reliability.bins
        cells = [(f"{b.low:g} to {b.high:g}", f"{b.pairs:,}", f"{b.predicted:.3f}", f"{b.observed:.3f}") for b in bins]
        console.print_table("How true scores are, by what persons gave", BIN_COLUMNS, cells)
    for line in (*calibration_lines(found), summary(found, merged, out, threshold)):
        typer.echo(line)


def calibration_lines(found: "Tagging") -> list[str]:
    """Where the scores come from and what they are worth, as a person reads it."""
    from embed.calibration import DEFAULT_ORIGIN, FEWEST

    true = found.reliability
    stand = f"{true.pictures:,} tagged artworks of {true.titles:,} titles" if true else "no tagged artwork"
    if found.fitted:
        lines = [f"scores were calibrated on {stand}, and measured on titles left out of it"]
    else:
        lines = [
            f"too few to calibrate on: {stand} ({FEWEST[0]} of {FEWEST[1]} titles are needed); scores are calibrated on "
            f"{DEFAULT_ORIGIN}, so take them for an order rather than for probabilities"
        ]
    if found.calibration.slope == 0:
        lines.append("similarity tells these tags no better than chance here, so nothing is proposed; try another checkpoint")
    return lines + ([worth(true)] if true else [])


def worth(true: "Reliability") -> str:
    """The measured worth in a sentence."""
    loss = f"log loss {true.log_loss:.4f} ({true.log_loss_blind:.4f} without looking at the picture)"
    if true.precision is None:
        return f"{loss}; at {true.threshold:g} nothing would have been proposed for them"
    share = f"{true.proposed:,} proposals for them, {true.precision:.0%} of which persons had given"
    return f"{loss}; at {true.threshold:g} {share}, and {true.recall:.0%} of the {true.given:,} tags that persons gave"


def summary(found: "Tagging", merged: "Merged", out: Path, threshold: float) -> str:
    """The counts in a line."""
    artworks = len({proposal.artwork_id for proposal in found.proposals})
    counts = f"{len(found.proposals):,} proposals for {artworks:,} of {found.untagged:,} artworks without tags"
    return (
        f"{counts}, from {len(found.vocabulary.tags):,} tags at {threshold:g}; {out}: {merged.added:,} new, "
        f"{merged.dropped:,} dropped, {merged.decided:,} decided and left as they are"
    )


def _accept(folder: Path, proposals: Path, as_json: bool) -> None:
    from embed.catalog import read_catalog
    from embed.proposals import accept_proposals

    catalog = read_catalog(folder, only=("titles", "artwork"))
    done = accept_proposals(catalog, proposals)
    problems = [str(problem) for problem in catalog.problems]
    console.say_all(problems)
    if as_json:
        console.answer({**asdict(done), "problems": problems})
    else:
        typer.echo(accepted_line(done))
    if problems:
        raise typer.Exit(1)


def accepted_line(done: "Accepted") -> str:
    """What accepting did, in a line."""
    passed = f"; {done.passed_over:,} not taken: their artwork is gone or has tags of its own" if done.passed_over else ""
    return (
        f"{done.added:,} tags accepted, {done.removed:,} taken back, {done.undecided:,} undecided{passed}; "
        f"{done.path} has {done.tags:,} for {done.artworks:,} artworks"
    )


def main() -> None:
    """The console command `tag-artwork`."""
    app()


if __name__ == "__main__":
    main()
