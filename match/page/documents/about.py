"""What is said of a title whoever looks: its words, its artwork, and which artwork the average user of every segment meets."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from embed.records import Profile
from index.filters import Context
from index.snapshot import Snapshot
from match.clicks.catalog_priors import SEGMENTS_HELD
from match.guards import Guards
from match.matcher import Matcher
from match.page.intervals import credible
from match.page.parameters import Parameters
from match.page.rows import rows_of_title
from match.page.site import Document, Site
from match.page.told import shortened, told_prior

SEGMENTS = SEGMENTS_HELD - 1  # that are told, beside everyone: more would be made anew for every title


def answer(site: Site, parameters: Parameters) -> Document:
    """title; similarity, people, words and copy: the blend."""
    title_id, matcher = parameters.text("title"), site.matcher_of(parameters)
    place, snapshot = site.places.get(title_id), matcher.snapshot
    number = snapshot.title_numbers.get(title_id)
    facts = snapshot.titles.slice(number, 1).to_pylist()[0] if number is not None else {"name": title_id}
    segments = matcher.catalog_priors.segments
    rows = rows_of_title(snapshot, title_id)
    return {
        "id": title_id,
        **{name: facts.get(name) for name in ("name", "genres", "people", "keywords", "moods", "synopsis", "fallback")},
        "previous": _beside(site, place, -1),
        "next": _beside(site, place, 1),
        "of": {"place": None if place is None else place + 1, "titles": len(site.title_ids)},
        "artworks": _artworks(snapshot, rows),
        "least_prominence": Guards().least_prominence,
        "segments": [shortened(_meets(matcher, title_id, segment, rows)) for segment in (None, *segments[:SEGMENTS])],
        "more_segments": max(len(segments) - SEGMENTS, 0),
    }


def _artworks(snapshot: Snapshot, rows: dict[str, int]) -> list[Document]:
    """What a card shows beside the scores."""
    names = ("path", "sha256", "people", "tags", "prominence")
    some = snapshot.artwork.select(names).take(pa.array(rows.values(), pa.int64())).to_pylist()
    return [
        {"id": artwork_id, "path": one["path"], "picture": one["sha256"], "people": one["people"], "tags": one["tags"]}
        | {"prominence": one["prominence"] and round(one["prominence"], 3)}
        for artwork_id, one in zip(rows, some, strict=True)
    ]


def _beside(site: Site, place: int | None, step: int) -> str | None:
    there = None if place is None else place + step
    return site.title_ids[there] if there is not None and 0 <= there < len(site.title_ids) else None


def _meets(matcher: Matcher, title_id: str, segment: str | None, rows: dict[str, int]) -> Document:
    """Of a user of whom nothing is known but the segment."""
    nobody = Profile("", (), np.empty((0, matcher.snapshot.index.dimension), np.float32), matcher.audience.fingerprint)
    [choice] = matcher.choose(nobody, [title_id], Context(segment=segment), with_others=True)
    met = choice.artwork
    if met is None:
        return {"segment": segment, "artwork": None, "reason": choice.reason}
    priors, row = matcher.catalog_priors.of(matcher.catalog_priors.speaking(segment)), rows[met.artwork_id]
    low, high = credible(priors.mean[[row]], priors.strength[[row]])
    return {
        "segment": segment,
        "artwork": met.artwork_id,
        "reason": choice.reason,
        "prior": told_prior(met.prior),
        "interval": [float(low[0]), float(high[0])],
        "margin": met.score - choice.others[0].score if choice.others else None,
    }


def written(site: Site) -> Iterator[Parameters]:
    """Every title."""
    return (Parameters(title=title_id) for title_id in site.title_ids)
