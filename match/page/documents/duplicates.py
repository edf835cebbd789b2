"""Artwork that looks alike, within a title and across titles: compared once for a snapshot, and kept in store/duplicates."""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc

from index.duplicates import THRESHOLD, Duplicates, near_duplicates
from match.page.background import Progress
from match.page.documents.artworks import told_artworks
from match.page.once import Once, made_once
from match.page.parameters import Parameters
from match.page.site import Document, Site

MOST = 3000  # pairs on the page: the most alike
METHOD = f"pairs-1 {THRESHOLD} {MOST}"
FILES = ("vectors.npy", "changes.npy", "first_rows.npy", "first_vectors.npy", "artwork.arrow")  # what it follows from


def answer(site: Site, parameters: Parameters) -> Document:
    """No parameters. {"state": "working", done, total} until all is compared, then

    pairs: [place, other place, cosine, whether of the same file, whether of one title], the most alike first, places in `artworks`;
    found: of the whole snapshot, also those that are too many to be shown; how, recall: as index.duplicates has them.
    """
    made = _compared(site)
    if isinstance(made, tuple):
        return {"state": "working", "done": made[0], "total": made[1]}
    shown = set(site.catalog.rows.tolist())
    pairs = [pair for pair in made["pairs"] if pair[0] in shown and pair[1] in shown]
    rows = sorted({row for pair in pairs for row in pair[:2]})
    places = {row: place for place, row in enumerate(rows)}
    told = [[places[row], places[other], *rest] for row, other, *rest in pairs]
    artworks = told_artworks(site, np.array(rows, np.int64))
    return {"state": "there", **made, "threshold": THRESHOLD, "most": MOST, "pairs": told, "artworks": artworks}


def _compared(site: Site) -> Document | tuple[int, int]:
    """Its pairs are of rows."""

    def make(progress: Progress) -> Document:
        return _told(site, near_duplicates(site.matcher.snapshot, THRESHOLD, most=MOST, progress=progress))

    return made_once(site, Once("duplicates", ".json", FILES, (METHOD,), make, _packed, json.loads))


def _packed(made: Document) -> bytes:
    return json.dumps(made).encode("utf-8")


def _told(site: Site, found: Duplicates) -> Document:
    ids = site.matcher.snapshot.artwork["artwork_id"]
    ends = [pc.index_in(found.pairs[name], ids).to_pylist() for name in ("artwork_id", "other_artwork_id")]
    similarities = [round(similarity, 4) for similarity in found.pairs["similarity"].to_pylist()]
    marks = [found.pairs[name].to_pylist() for name in ("same_file", "within_title")]
    counts = {name: getattr(found, name) for name in ("found", "same_file", "within_title", "groups", "how", "recall")}
    return {**counts, "pairs": [list(pair) for pair in zip(*ends, similarities, *marks, strict=True)]}


def written(site: Site) -> Iterator[Parameters]:
    """The only one."""
    yield Parameters()
