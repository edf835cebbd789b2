"""The files that were set aside, a block at a time; `find`: those whose artwork, title, path or reason has these letters."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from embed.records import REJECTED, fold
from embed.store import has_table, read_table, table_version
from match.page.documents.blocks import block, starts
from match.page.parameters import Parameters
from match.page.site import Document, Site

MOST_WRITTEN = 2000  # rows that a page in a file holds, the latest

Row = dict[str, Any]


def answer(site: Site, parameters: Parameters) -> Document:
    """start, find, why: one of `kinds`."""
    rows = _rows(site)
    asked, why = fold(parameters.get("find", "")), parameters.get("why", "")
    matching = [row for row in rows if asked in row["letters"]] if asked else rows
    found = [row for row in matching if row["why"] == why] if why else matching
    return {
        "total": len(found),
        "of": len(rows),
        "held": min(len(rows), MOST_WRITTEN),
        "kinds": [{"why": kind, "count": count} for kind, count in Counter(row["why"] for row in matching).most_common()],
        "rejected": [{name: row[name] for name in row if name != "letters"} for row in block(found, parameters)],
    }


def count(site: Site) -> int:
    """How many there are, as the table is at the moment; read once for each of its versions."""
    if not (version := table_version(site.store, "rejected")):
        return 0
    return site.remembered(("rejected", "count", version), lambda: len(read_table(site.store, "rejected", ["artwork_id"])))


def _rows(site: Site) -> list[Row]:
    """All of them, the latest first, as the table is at the moment: the job writes it while the page is open."""
    if not has_table(site.store, "rejected"):
        return []
    return site.remembered(("rejected", table_version(site.store, "rejected")), lambda: _read(site))


def _read(site: Site) -> list[Row]:
    rows = read_table(site.store, "rejected", REJECTED.names).to_pylist()
    return sorted((_told(row, site.names) for row in rows), key=lambda row: (row["since"], row["id"]), reverse=True)


def _told(row: Row, names: dict[str, str]) -> Row:
    reason, _, remedy = row["reason"].rpartition("; ")
    title = {"id": row["title_id"], "name": names.get(row["title_id"], row["title_id"])}
    return {
        "id": row["artwork_id"],
        "title": title,
        "path": row["path"],
        "sha256": row["sha256"],
        "reason": reason or remedy,
        "remedy": remedy if reason else "",
        "why": kind_of(row["reason"]),
        "since": row["rejected_at"].isoformat(timespec="seconds"),
        "letters": fold(" ".join((row["artwork_id"], title["name"], row["title_id"], row["path"], row["reason"]))),
    }


def kind_of(reason: str) -> str:
    """What reasons of many files have in common: without the remedy, what stands in brackets, names in quotes and sizes."""
    said = reason.rpartition("; ")[0] or reason
    said = re.sub(r"\s*\(.*\)", "", said, flags=re.DOTALL)
    said = re.sub(r"'[^']*'|\"[^\"]*\"", "…", said.partition(": ")[0])
    return re.sub(r"\d[\d,.]*", "…", re.sub(r"^\d+ x \d+ ", "", said))


def written(site: Site) -> Iterator[Parameters]:
    """The blocks of the first MOST_WRITTEN."""
    return (Parameters(start=start) for start in starts(min(len(_rows(site)), MOST_WRITTEN)))
