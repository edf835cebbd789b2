"""Two sides beside each other: what can be compared, and what a comparison comes to. The lists behind it are in `changes`."""

from collections.abc import Iterator

from embed.store import open_store
from index.manifest import Manifest
from match.comparing.outcome import Comparison
from match.comparing.told import told_outcome
from match.page.parameters import Parameters
from match.page.site import Document, Site

SECONDS = 1.0  # that an answer waits for a comparison
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
    outcome = told_outcome(made, site.matcher.snapshot.manifest.name)
    return {"state": "there", **outcome, "written": None if site.is_live else TITLES_WRITTEN}


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
