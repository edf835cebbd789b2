"""A comparison as plain values, as JSON has them: the same in the page, in a terminal and for a machine."""

from collections.abc import Sequence
from dataclasses import asdict
from math import isnan
from typing import Any

import numpy as np
import pyarrow as pa

from index.titles import ABSENT
from match.comparing import counts
from match.comparing.flow import Compared
from match.comparing.outcome import Comparison, Opened
from match.comparing.reasons import NEW, PARTS, REASONS, RETIRED

LISTS = ("gained", "lost", "new", "retired")  # of artwork
NAMED = 50  # titles that only one side has

Told = dict[str, Any]


def told_outcome(made: Comparison, serving: str | None) -> Told:
    """What it comes to, without the lists behind it; serving: the name of the snapshot that serves in the store."""
    compared, population = made.compared, made.compared.population
    former, latter = made.sides
    gained = counts.gained(compared)
    only = [int(compared.there[side].sum() - compared.there.all(axis=0).sum()) for side in range(2)]
    return {
        "from": _told_side(former, serving),
        "to": _told_side(latter, serving),
        "differ": {
            "encoder": former.manifest.fingerprint != latter.manifest.fingerprint,
            "weights": former.weights != latter.weights,
            "snapshot": (former.side.store, former.manifest.name) != (latter.side.store, latter.manifest.name),
            "store": former.side.store != latter.side.store,
        },
        "users": {"compared": len(population.user_ids), "known": population.known, "apart": list(population.users_apart)},
        "titles": {
            "compared": len(population.title_ids),
            "changed": int((counts.by_title(compared) > 0).sum()),
            "apart": [{"count": len(ids), "first": ids[:NAMED]} for ids in population.titles_apart],
        },
        "changed": {**asdict(made.whole), "users_changed": len(np.unique(compared.changes.users))},
        "lines": compared.lines,
        "segments": [{"name": name, **asdict(share)} for name, share in made.segments],
        "artwork": {
            "gained": int((gained > 0).sum()),
            "lost": int((gained < 0).sum()),
            REASONS[RETIRED]: only[0],
            REASONS[NEW]: only[1],
            "repainted": int(compared.repainted.sum()),
        },
        "leads": [
            {**asdict(leads), "median": _known(leads.median), "ninety": _known(leads.ninety)}
            for leads in counts.leads(compared)
        ],
        "edges": list(counts.EDGES),
        "agreement": {"tau": _known(compared.agreement.tau), "pairs": compared.agreement.pairs},
    }


def _told_side(opened: Opened, serving: str | None) -> Told:
    manifest = opened.manifest
    return {
        "text": str(opened.side),
        "store": opened.side.store,
        "serves": opened.side.store is None and manifest.name == serving,
        "snapshot": {"name": manifest.name, "published_at": manifest.published_at, "artworks": manifest.artworks},
        "encoder": {"name": opened.encoder, "bundled": opened.bundled, "fingerprint": manifest.fingerprint},
        "weights": opened.weights,
        "given": dict(opened.side.weights),
    }


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def titles_changed(compared: Compared, *, by_name: bool = False) -> list[int]:
    """Places of the titles where a choice changed, those with the most users first."""
    users, names = counts.by_title(compared), compared.population.names
    order: list[int] = np.flatnonzero(users).tolist()
    return sorted(order, key=lambda title: (names[title].casefold(),) if by_name else (-users[title], names[title].casefold()))


def told_titles(compared: Compared, titles: Sequence[int]) -> list[Told]:
    """Of the titles at these places. users: those compared; artworks: how many each side may choose."""
    population, reasons = compared.population, counts.reasons_by_title(compared)
    artworks = [np.bincount(compared.titles_of[there], minlength=len(population.title_ids)) for there in compared.there]
    return [
        {
            "id": population.title_ids[title],
            "name": population.names[title],
            "users": len(population.user_ids),
            "changed": int(reasons[title].sum()),
            "reasons": counts.reasons_that_occur(reasons[title]),
            "artworks": [int(of_side[title]) for of_side in artworks],
        }
        for title in titles
    ]


def artwork_listed(compared: Compared, name: str) -> list[int]:
    """Numbers of the artwork of a list, those with the most users first; name: of LISTS. Artwork that more users get on the latter
    side, that fewer get, that only one side has."""
    gained, (former, latter) = counts.gained(compared), compared.there
    worth = {"gained": gained, "lost": -gained, "new": compared.chosen[1], "retired": compared.chosen[0]}[name]
    there = {"new": latter & ~former, "retired": former & ~latter}.get(name, worth > 0)
    numbers = np.flatnonzero(there)
    order: list[int] = numbers[np.argsort(-worth[numbers], kind="stable")].tolist()
    return order


def told_artworks(compared: Compared, numbers: Sequence[int]) -> list[Told]:
    """Of the artwork of these numbers. users, there: on the former side and on the latter."""
    population, some = compared.population, np.asarray(numbers, np.int64)
    columns = compared.titles_of[some], compared.chosen[:, some].T, compared.there[:, some].T, compared.repainted[some]
    rows = zip(_named(compared, some), *(column.tolist() for column in columns), strict=True)
    return [
        {**named, "title": population.title_ids[title], "name": population.names[title]}
        | {"users": users, "there": there, "repainted": repainted}
        for named, title, users, there, repainted in rows
    ]


def _named(compared: Compared, numbers: np.ndarray) -> list[Told]:
    """As a thumbnail wants them; picture: the sha256."""
    rows: list[Told] = compared.artwork.take(pa.array(numbers)).rename_columns(["id", "path", "picture"]).to_pylist()
    return rows


def told_change(compared: Compared, place: int) -> Told:
    """`was` and `now`: both artworks, each with its parts on both sides, null where it may not be chosen there."""
    population, changes = compared.population, compared.changes
    user, title = int(changes.users[place]), int(changes.titles[place])
    was, now = (_told_side_of_change(compared, place, which) for which in range(2))
    return {
        "user": population.user_ids[user],
        "segment": population.segments[user],
        "title": population.title_ids[title],
        "name": population.names[title],
        "reason": REASONS[int(changes.reasons[place])],
        "was": was,
        "now": now,
    }


def _told_side_of_change(compared: Compared, place: int, which: int) -> Told | None:
    number = int(compared.changes.artwork[place, which])
    if number == ABSENT:
        return None
    parts = compared.changes.parts[place, :, which]  # (sides, parts)
    told = [None if np.isnan(own).any() else dict(zip(PARTS, map(float, own), strict=True)) for own in parts]
    return {**_named(compared, np.array([number]))[0], "parts": told}


def changes_table(compared: Compared) -> pa.Table:
    """Every choice that changed, a row each: user_id, segment, title_id, from_artwork_id and to_artwork_id (null where the title had
    none), reason, from_lead and to_lead (float64, log-odds by which each side's choice leads the other's there; null where that may
    not be chosen)."""
    population, changes = compared.population, compared.changes
    ids = compared.artwork["artwork_id"].combine_chunks()
    chosen = (ids.take(pa.array(own, mask=own == ABSENT)) for own in changes.artwork.T)
    leads = (pa.array(own, from_pandas=True) for own in changes.leads.T)  # null where it is nan
    columns = {
        "user_id": pa.array(population.user_ids, pa.string()).take(pa.array(changes.users)),
        "segment": pa.array(population.segments, pa.string()).take(pa.array(changes.users)),
        "title_id": pa.array(population.title_ids, pa.string()).take(pa.array(changes.titles)),
        **dict(zip(("from_artwork_id", "to_artwork_id"), chosen, strict=True)),
        "reason": pa.array(REASONS, pa.string()).take(pa.array(changes.reasons)),
        **dict(zip(("from_lead", "to_lead"), leads, strict=True)),
    }
    return pa.table(columns)
