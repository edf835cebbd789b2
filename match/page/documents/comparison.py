"""Two sides beside each other: what can be compared, and what a comparison comes to. The lists behind it are in `changes`."""

from collections.abc import Iterator
from dataclasses import asdict
from math import isnan

import numpy as np

from embed.store import open_store
from index.manifest import Manifest
from match.comparing import counts
from match.comparing.reasons import NEW, REASONS, RETIRED
from match.page.comparisons import Comparison, Opened
from match.page.parameters import Parameters
from match.page.site import Document, Site

SECONDS = 1.0  # that an answer waits for a comparison
NAMED = 50  # titles that only one side has
TITLES_WRITTEN = 40  # whose changed choices a page in a file holds, the most changed


def sides(site: Site, parameters: Parameters) -> Document:
    """What can be compared. No parameters."""
    stores = [
        {"name": name, "snapshots": [_told_snapshot(site, name, manifest) for manifest in manifests]}
        for name, manifests in site.comparisons.snapshots(site.store).items()
    ]
    offered = [dict(zip(("from", "to"), pair, strict=True)) for pair in offered_pairs(site)]
    return {"serving": site.matcher.snapshot.manifest.name, "stores": stores, "offered": offered}


def answer(site: Site, parameters: Parameters) -> Document:
    """from, to: sides as `side_of` has them, nothing is what serves. {"state": "working", done, total} until it is made."""
    made = comparison_of(site, parameters, SECONDS if site.is_live else None)
    if isinstance(made, tuple):
        return {"state": "working", "done": made[0], "total": made[1]}
    return _told(site, made)


def comparison_of(site: Site, parameters: Parameters, patience: float | None) -> Comparison | tuple[int, int]:
    """The one that `from` and `to` name, or (done, of how many) choices after so many seconds. Raises as `Comparisons.ask` does."""
    texts = parameters.get("from", ""), parameters.get("to", "")
    return site.comparisons.ask(site.store, site.matcher, texts, patience)


def offered_pairs(site: Site) -> list[tuple[str, str]]:
    """What serves and each side that whoever started the page named: from the former to the latter, where one was published before the
    other."""
    serving, pairs = site.matcher.snapshot.manifest, []
    for side in site.comparisons.offered:
        earlier = side.store is None and side.snapshot is not None and side.snapshot < serving.name
        pairs.append((str(side), "") if earlier else ("", str(side)))
    return pairs


def written(site: Site) -> Iterator[Parameters]:
    """Those that were named."""
    return (Parameters({name: text for name, text in (("from", a), ("to", b)) if text}) for a, b in offered_pairs(site))


def written_sides(site: Site) -> Iterator[Parameters]:
    """The only one."""
    yield Parameters()


def _told_snapshot(site: Site, name: str | None, manifest: Manifest) -> Document:
    store = open_store(site.store.root if name is None else site.comparisons.stores[name])
    choice = open_store(store.root, manifest.fingerprint).choice
    told = {
        "name": manifest.name,
        "published_at": manifest.published_at,
        "artworks": manifest.artworks,
        "titles": manifest.titles,
    }
    return {**told, "encoder": str(choice), "fingerprint": manifest.fingerprint}


def _told(site: Site, made: Comparison) -> Document:
    compared, population = made.compared, made.compared.population
    former, latter = made.sides
    gained = counts.gained(compared)
    only = [int(compared.there[side].sum() - compared.there.all(axis=0).sum()) for side in range(2)]
    return {
        "state": "there",
        "from": _told_side(site, former),
        "to": _told_side(site, latter),
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
        "written": None if site.is_live else TITLES_WRITTEN,
    }


def _told_side(site: Site, opened: Opened) -> Document:
    manifest = opened.manifest
    return {
        "text": str(opened.side),
        "store": opened.side.store,
        "serves": opened.side.store is None and manifest.name == site.matcher.snapshot.manifest.name,
        "snapshot": {"name": manifest.name, "published_at": manifest.published_at, "artworks": manifest.artworks},
        "encoder": {"name": opened.encoder, "bundled": opened.bundled, "fingerprint": manifest.fingerprint},
        "weights": opened.weights,
        "given": dict(opened.side.weights),
    }


def _known(value: float) -> float | None:
    return None if isnan(value) else value
