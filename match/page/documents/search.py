"""Artwork of the whole catalog that fits phrases, or looks like a picture, among what bears the names that are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import QueryError
from index.fits import Question
from index.wanted import Wanted
from match.clicks.priors import Priors
from match.page.documents.artworks import told_artworks
from match.page.parameters import Parameters
from match.page.rows import row_of_artwork
from match.page.site import Document, Site
from match.page.told import told_prior
from match.search import Answer, Search, search

COUNT, MOST = 60, 500  # artworks that are answered: where nothing is said, and at most


def answer(site: Site, parameters: Parameters) -> Document:
    """phrases, like (an artwork_id), person, tag, title, segment, count: as scripts/find_artwork.py has them; one at least.

    Raises QueryError where nothing is asked, a name is unknown, or phrases are asked of a page that has no encoder.
    """
    questions = [*_phrases(site, parameters.get("phrases", "")), *_picture(site, parameters.get("like", ""))]
    people, tags, titles = (_names(parameters.get(name, "")) for name in ("person", "tag", "title"))
    wanted = Wanted(people, tags, titles)
    segment = parameters.get("segment") or None
    if not questions and segment is None and wanted == Wanted():
        raise QueryError("nothing is asked: give phrases, a picture to look like, a person, a tag, a title or a segment")
    asked = Search(questions, wanted, segment, _clicked(site, segment) if segment else None)
    count = parameters.count("count", COUNT, MOST)
    try:
        found = search(site.matcher.snapshot, site.matcher.priors, asked, max(count, 1))
    except QueryError as error:  # it speaks to who typed a command
        raise QueryError(str(error).removeprefix("--")) from error
    return {"how": found.how, "recall": found.recall, "passing": found.passing, **_told(site, found), **_conditions(found)}


def _phrases(site: Site, phrases: str) -> Sequence[Question]:
    if not phrases.strip(" ,;"):
        return []
    if site.reading is None:
        raise QueryError("a page in a file cannot read a phrase; serve it (inspect_matches --serve)")
    return site.reading.questions(site.matcher, phrases)


def _picture(site: Site, artwork_id: str) -> Sequence[Question]:
    """The artwork's own vector, which needs no encoder."""
    if not artwork_id:
        return []
    snapshot = site.matcher.snapshot
    row = row_of_artwork(snapshot, artwork_id)
    if row is None:
        raise QueryError(f"parameter 'like': snapshot {snapshot.manifest.name} has no artwork {artwork_id!r}")
    return [Question(f"like {artwork_id}", snapshot.index.vectors_of(np.array([row]))[0])]


def _names(text: str) -> tuple[str, ...]:
    """Divided by commas; with a semicolon anywhere, by semicolons."""
    parts = (part.strip() for part in text.split(";" if ";" in text else ","))
    return tuple(part for part in parts if part)


def _clicked(site: Site, segment: str) -> Priors:
    """What was shown in the segment, and how it was played there, as the store's priors have it."""
    matcher = site.matcher
    if segment not in matcher.catalog_priors.segments:
        there = (
            ", ".join(map(repr, matcher.catalog_priors.segments))
            or "none: run scripts/learn_priors.py with impressions of segments"
        )
        raise QueryError(f"parameter 'segment': {segment!r} is none that the priors know; there are {there}")
    priors = matcher.priors.in_segment(segment)
    return replace(priors, table=priors.table.filter(pc.greater(priors.table["impressions"], 0)))


def _told(site: Site, found: Answer) -> Document:
    rows = _rows(site, found)
    told = zip(told_artworks(site, rows), found.hits, strict=True)
    return {
        "hits": [
            {
                **artwork,
                "fit": hit.fit,
                "met": [asdict(met) for met in hit.met],
                "named": {"people": list(hit.people), "tags": list(hit.tags)},
                "prior": told_prior(hit.prior),
                "segment": hit.segment and told_prior(hit.segment),
            }
            for artwork, hit in told
        ]
    }


def _rows(site: Site, found: Answer) -> np.ndarray:
    ids = pa.array([hit.artwork_id for hit in found.hits], pa.string())
    rows: np.ndarray = pc.index_in(ids, site.matcher.snapshot.artwork["artwork_id"]).to_numpy(zero_copy_only=False)
    return rows.astype(np.int64)


def _conditions(found: Answer) -> Document:
    return {"conditions": [{"words": words, "artworks": artworks} for words, artworks in found.conditions]}


def written(site: Site) -> Iterator[Parameters]:
    """None: a page in a file looks for letters alone."""
    yield from ()
