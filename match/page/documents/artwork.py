"""An artwork: what is known of it, who gets it, how it does in every segment, and what looks like it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.compute as pc

from embed.errors import QueryError
from index.duplicates import THRESHOLD
from match.clicks.catalog_priors import SEGMENTS_HELD
from match.matcher import Matcher
from match.page.alike import MOST_ALIKE, NEAREST, alike
from match.page.intervals import credible
from match.page.parameters import Parameters
from match.page.reach import reach
from match.page.rows import linked, row_of_artwork, rows_of_title
from match.page.site import Document, Site

SEGMENTS = SEGMENTS_HELD - 1  # whose priors are told, beside everyone's

_FACTS = ("people", "tags", "caption", "copy", "locale", "prominence", "maturity", "spoiler", "width", "height", "sha256")


def answer(site: Site, parameters: Parameters) -> Document:
    """artwork; similarity, people, words and copy: the blend."""
    artwork_id, matcher = parameters.text("artwork"), site.matcher_of(parameters)
    snapshot = matcher.snapshot
    row = row_of_artwork(snapshot, artwork_id)
    if row is None:
        raise QueryError(
            f"no artwork {artwork_id!r} in snapshot {snapshot.manifest.name}; it may have been set aside (see Rejected)"
        )
    facts: dict[str, Any] = snapshot.artwork.slice(row, 1).to_pylist()[0]
    title_id = facts["title_id"]
    return {
        **_named(site, row),
        "name": site.names[title_id],
        "artworks": len(rows_of_title(snapshot, title_id)),
        "facts": {name: facts[name] for name in _FACTS} | _window(facts),
        "reach": _reach(site, matcher, title_id, artwork_id),
        "segments": _performance(matcher, artwork_id, row),
        "more_segments": max(len(matcher.catalog_priors.segments) - SEGMENTS, 0),
        **_alike(site, row),
    }


def _window(facts: dict[str, Any]) -> Document:
    times = ((name, facts[name]) for name in ("shown_from", "shown_until"))
    return {name: time and time.isoformat(timespec="minutes") for name, time in times}


def _named(site: Site, row: int) -> Document:
    """An artwork as a link to it needs it."""
    return linked(site.matcher.snapshot, np.array([row]))[0]


def _reach(site: Site, matcher: Matcher, title_id: str, artwork_id: str) -> Document:
    found = reach(site, matcher, title_id)
    counts = found.counts.get(artwork_id, Counter())
    by_segment = [
        {"segment": segment, "users": size, "count": counts.get(segment, 0)}
        for segment, size in found.sizes.items()
        if segment is not None
    ]
    return {
        "users": found.users,
        "total": found.total,
        "count": sum(counts.values()),
        "segments": by_segment[:SEGMENTS],
        "examples": found.examples.get(artwork_id, []),
    }


def _performance(matcher: Matcher, artwork_id: str, row: int) -> list[Document]:
    """Everyone's prior of it and those of segments, the ones with most impressions there first."""
    priors = matcher.catalog_priors
    table = matcher.priors.segments
    here = table.filter(pc.equal(table["artwork_id"], artwork_id))
    shown = dict(zip(here["segment"].to_pylist(), here["impressions"].to_pylist(), strict=True))
    names = sorted(priors.segments, key=lambda name: (-shown.get(name.casefold(), 0), name))
    columns = [priors.of(segment) for segment in (None, *names[:SEGMENTS])]
    mean, strength = (np.array([getattr(one, name)[row] for one in columns]) for name in ("mean", "strength"))
    low, high = credible(mean, strength)
    return [
        {
            "segment": segment,
            "impressions": int(one.impressions[row]),
            "plays": int(one.plays[row]),
            "strength": round(float(one.strength[row])),
            "mean": round(float(one.mean[row]), 6),
            "interval": [round(float(low[at]), 6), round(float(high[at]), 6)],
        }
        for at, (segment, one) in enumerate(zip((None, *names), columns, strict=False))
    ]


def _alike(site: Site, row: int) -> Document:
    """What looks like it: duplicates, then what is nearest to it of the rest."""
    found = alike(site, row)
    close = sum(cosine >= THRESHOLD for _, cosine in found.near)
    same = [_near(site, one, 1.0, same_file=True) for one in found.same_file[:MOST_ALIKE]]
    duplicates = [_near(site, *one) for one in found.near[: min(close, MOST_ALIKE)]]
    told = {"duplicates": [*same, *duplicates], "nearest": [_near(site, *one) for one in found.near[close:][:NEAREST]]}
    return {**told, "threshold": THRESHOLD, "among": found.among, "how": found.how}


def _near(site: Site, row: int, cosine: float, *, same_file: bool = False) -> Document:
    return {**_named(site, row), "cosine": round(cosine, 4), "same_file": same_file}


def written(site: Site) -> Iterator[Parameters]:
    """Every artwork of the titles that are shown."""
    for title_id in site.title_ids:
        for artwork_id in rows_of_title(site.matcher.snapshot, title_id):
            yield Parameters(artwork=artwork_id)
