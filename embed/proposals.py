"""The file of proposed tags: what a person decided there stays, word for word; and what was accepted, beside the catalog.

One row per artwork and tag. A person writes yes or no into `decision`, and may add columns of their own. Proposing again rewrites
the rest; accepting writes CATALOG/accepted_tags.csv, which `read_catalog` takes for artwork that has no tags of its own. The
publisher's own tables are never written.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embed.catalog import ACCEPTED, ENDINGS, TRUTHS, Catalog
from embed.errors import CatalogError
from embed.records import ACCEPTED_TAG, fold
from embed.store import write_text
from embed.tagging import Proposal

COLUMNS = ("artwork_id", "title_id", "path", "tag", "score", "decision")
NEEDED = ("artwork_id", "tag", "decision")

Row = dict[str, str]
Pair = tuple[str, str]  # (artwork_id, folded tag)


@dataclass(frozen=True)
class Proposals:
    """A file of proposals as a person left it."""

    columns: tuple[str, ...]  # COLUMNS, and the person's own
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Merged:
    """What proposing again made of a file."""

    proposals: Proposals
    decided: int  # rows that a person decided, and that stayed as they were
    added: int
    dropped: int  # undecided rows that are proposed no more


@dataclass(frozen=True)
class Accepted:
    """What accepting did."""

    path: Path
    tags: int  # in the file now
    artworks: int
    added: int
    removed: int  # refused now
    passed_over: int  # accepted, but of artwork that is gone, or that a person gave tags of its own
    undecided: int


def read_proposals(path: Path) -> Proposals:
    """The file, or an empty one where there is none. Raises CatalogError where it is something else."""
    if not path.exists():
        return Proposals(COLUMNS, ())
    columns, rows = _read(path, NEEDED)
    return Proposals(columns + tuple(column for column in COLUMNS if column not in columns), rows)


def _read(path: Path, needed: Sequence[str]) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            columns, rows = tuple(reader.fieldnames or ()), tuple(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise CatalogError(f"{path} cannot be read as CSV in UTF-8: {error}; mend it, or give another name") from error
    if missing := [column for column in needed if column not in columns]:
        remedy = "give a file that scripts/tag_artwork.py wrote, with a header, and commas between the columns"
        raise CatalogError(f"{path} has no column {missing[0]!r}; {remedy}")
    for number, row in enumerate(rows, start=1):
        _check(path, number, row)
    return columns, rows


def _check(path: Path, number: int, row: dict[Any, Any]) -> None:
    if None in row or None in row.values():
        raise CatalogError(f"{path}, row {number}, -: has not as many values as the header; quote values that hold commas")
    for column in ("artwork_id", "tag"):
        if not row[column].strip():
            raise CatalogError(f"{path}, row {number}, {column}: is missing; restore it, or remove the row")


def merge_proposals(before: Proposals, proposed: Iterable[Proposal], artwork_ids: Sequence[str]) -> Merged:
    """The decided rows as they are, and of `proposed` what is not decided; in the order of `artwork_ids`, others last.

    Of an undecided row that is proposed again, a person's own columns stay.
    """
    decided = [row for row in before.rows if row["decision"].strip()]
    closed = {_pair(row) for row in decided}
    open_before = {_pair(row): row for row in before.rows if not row["decision"].strip()}
    fresh = [_row(p) for p in proposed if (p.artwork_id, fold(p.tag)) not in closed]
    kept = [{**open_before.get(_pair(row), {}), **row} for row in fresh]
    place = {artwork_id: number for number, artwork_id in enumerate(artwork_ids)}
    rows = sorted(decided + kept, key=lambda row: place.get(row["artwork_id"], len(place)))  # stable: the decided come first
    again = sum(_pair(row) in open_before for row in fresh)
    merged = Proposals(before.columns, tuple(rows))
    return Merged(merged, len(decided), len(fresh) - again, len(open_before) - again)


def write_proposals(path: Path, proposals: Proposals) -> None:
    """Whole or not at all."""
    write_text(path, _csv(proposals.columns, proposals.rows))


def accept_proposals(catalog: Catalog, path: Path) -> Accepted:
    """Write the accepted tags of the file beside the catalog's tables, whole or not at all.

    What was accepted before stays unless it is refused now, so that several files can be accepted one after the other. Raises
    CatalogError where a decision is neither yes nor no, where there is no such file, and where another hand keeps the table.
    """
    if not path.is_file():
        raise CatalogError(
            f"no file of proposals at {str(path)!r}; scripts/tag_artwork.py CATALOG --store S --out {path} makes one"
        )
    target = _target(catalog.root)
    columns, rows = _read(target, ACCEPTED_TAG.names) if target.exists() else (tuple(ACCEPTED_TAG.names), ())
    decisions = [(row, _decision(path, number, row)) for number, row in enumerate(read_proposals(path).rows, start=1)]
    bare = _without_own_tags(catalog)
    yes = {_pair(row): row for row, decision in decisions if decision}
    no = {_pair(row) for row, decision in decisions if decision is False} - yes.keys()
    stay = {_pair(row): row for row in rows if _pair(row) not in no}
    new = {pair: _bare_row(row) for pair, row in yes.items() if pair not in stay and pair[0] in bare}
    if new or len(stay) < len(rows):
        write_text(target, _csv(columns, [*stay.values(), *new.values()]))
    return Accepted(
        path=target,
        tags=len(stay) + len(new),
        artworks=len({artwork_id for artwork_id, _ in [*stay, *new]}),
        added=len(new),
        removed=len(rows) - len(stay),
        passed_over=sum(pair[0] not in bare for pair in yes),
        undecided=sum(decision is None for _, decision in decisions),
    )


def _target(root: Path) -> Path:
    for ending in ENDINGS:
        if ending != ".csv" and (other := root / f"{ACCEPTED}{ending}").exists():
            raise CatalogError(f"{other} is there, and accepting writes {ACCEPTED}.csv; turn it into that and remove it")
    return root / f"{ACCEPTED}.csv"


def _without_own_tags(catalog: Catalog) -> set[str]:
    """Artwork whose tags, if any, are accepted ones."""
    accepted = set(catalog.accepted_tags["artwork_id"].to_pylist())
    rows = zip(catalog.artwork["artwork_id"].to_pylist(), catalog.artwork["tags"].to_pylist(), strict=True)
    return {artwork_id for artwork_id, tags in rows if not tags or artwork_id in accepted}


def _decision(path: Path, number: int, row: Row) -> bool | None:
    """Yes, no, or None where there is none."""
    word = row["decision"].strip().casefold()
    if word and word not in TRUTHS:
        raise CatalogError(
            f"{path}, row {number}, decision: {row['decision']!r} is neither yes nor no; write yes or no, or leave it empty"
        )
    return TRUTHS.get(word)


def _row(proposal: Proposal) -> Row:
    fields = {name: str(getattr(proposal, name)) for name in ("artwork_id", "title_id", "path", "tag")}
    return {**fields, "score": f"{proposal.score:.3f}", "decision": ""}


def _pair(row: Row) -> Pair:
    return row["artwork_id"].strip(), fold(row["tag"])


def _bare_row(row: Row) -> Row:
    return {name: row[name].strip() for name in ACCEPTED_TAG.names}


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
