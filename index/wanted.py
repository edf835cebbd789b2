"""Which artwork of the catalog bears what is asked for: people and tags by name, titles, a locale. Names meet as they are folded.

Nothing here looks at a picture, and nothing is hidden either: artwork whose campaign is over is found like any other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import QueryError
from embed.records import fold
from index.snapshot import Snapshot

NEAR = 5  # spellings suggested


@dataclass(frozen=True)
class Wanted:
    """What artwork must bear. Left out, a field asks nothing."""

    people: tuple[str, ...] = ()  # every one of them is on it
    tags: tuple[str, ...] = ()  # it has every one of them, of its own or accepted
    titles: tuple[str, ...] = ()  # it stands for one of these, by title_id or name
    locale: str | None = None  # it is made for this one, or for all; see index.filters.Context


@dataclass(frozen=True)
class Condition:
    """One of the things asked for, and what meets it by itself."""

    words: str  # as a person reads it, such as "shows Uma Thurman"
    meets: np.ndarray  # (artworks,) bool


def conditions(snapshot: Snapshot, wanted: Wanted) -> list[Condition]:
    """Each thing that is asked for; artwork passes that meets all of them.

    Raises QueryError for a person, tag or title that no artwork has, with the nearest spellings.
    """
    found = [Condition(f"shows {person}", _shows(snapshot, person)) for person in wanted.people]
    found += [Condition(f"tagged {tag}", _tagged(snapshot, tag)) for tag in wanted.tags]
    if wanted.titles:
        found.append(Condition(f"of {' or '.join(wanted.titles)}", _of_titles(snapshot, wanted.titles)))
    if wanted.locale is not None:
        every = np.arange(snapshot.index.artworks)
        found.append(Condition(f"for {wanted.locale}", snapshot.flags.in_locale(wanted.locale, every)))
    return found


def passing(snapshot: Snapshot, asked: Iterable[Condition]) -> np.ndarray:
    """(n,) int64, rising: the rows that meet all conditions."""
    meets = np.ones(snapshot.index.artworks, bool)
    for condition in asked:
        meets &= condition.meets
    return np.flatnonzero(meets)


def near_spellings(name: str, known: Iterable[str]) -> list[str]:
    """At most NEAR of the known names that `name` may stand for: those that have all of its words, then those spelled alike."""
    folded = {fold(one): one for one in known}
    words = set(fold(name).split())
    holding = sorted(one for one in folded if words and words <= set(one.split()))
    alike = [one for one in get_close_matches(fold(name), folded, NEAR) if one not in holding]
    return [folded[one] for one in (holding + alike)[:NEAR]]


def suggestion(name: str, known: Iterable[str], remedy: str) -> str:
    """The end of a message about a name that nobody knows: near spellings, or where there is none the remedy."""
    near = near_spellings(name, known)
    return f"near it: {', '.join(map(repr, near))}" if near else remedy


def _shows(snapshot: Snapshot, person: str) -> np.ndarray:
    number = snapshot.people.get(fold(person))
    if number is None:
        remedy = "look into the people of the catalog's artwork table; a photograph alone names nobody"
        near = suggestion(person, _distinct(snapshot, "people"), remedy)
        raise QueryError(f"--person {person!r}: is on no artwork of snapshot {snapshot.manifest.name}; {near}")
    begins, people = snapshot.shown
    return _rows_of(begins, np.flatnonzero(people == number))


def _tagged(snapshot: Snapshot, tag: str) -> np.ndarray:
    lists = _lists(snapshot, "tags")
    encoded = lists.flatten().dictionary_encode()
    same = [number for number, known in enumerate(encoded.dictionary.to_pylist()) if fold(known) == fold(tag)]
    if not same:
        remedy = "the tags are those of the artwork table, and what scripts/tag_artwork.py --accept took over"
        near = suggestion(tag, encoded.dictionary.to_pylist(), remedy)
        raise QueryError(f"--tag {tag!r}: no artwork of snapshot {snapshot.manifest.name} has it; {near}")
    offsets = lists.offsets.to_numpy()
    return _rows_of(offsets - offsets[0], np.flatnonzero(np.isin(encoded.indices.to_numpy(), same)))


def _of_titles(snapshot: Snapshot, titles: Iterable[str]) -> np.ndarray:
    names = snapshot.titles["name"].to_pylist()
    numbers: set[int] = set()
    for title in titles:
        if (known := snapshot.title_numbers.get(title)) is not None:
            numbers.add(known)
            continue
        same = [number for number, name in enumerate(names) if fold(name) == fold(title)]
        if not same:
            near = suggestion(title, [*snapshot.title_numbers, *names], "give a title_id or a name of the catalog's titles")
            raise QueryError(f"--title {title!r}: is neither a title_id nor a name in {snapshot.manifest.name}; {near}")
        numbers.update(same)
    of_rows = snapshot.index.titles_of(np.arange(snapshot.index.artworks))
    return np.isin(of_rows, sorted(numbers))


def _rows_of(begins: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n,) bool: which rows have one of these places; row i's are begins[i]:begins[i + 1]."""
    meets = np.zeros(len(begins) - 1, bool)
    meets[np.searchsorted(begins, places, side="right") - 1] = True
    return meets


def _lists(snapshot: Snapshot, column: str) -> pa.ListArray:
    values = snapshot.artwork[column]
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def _distinct(snapshot: Snapshot, column: str) -> list[str]:
    names: list[str] = pc.unique(_lists(snapshot, column).flatten()).to_pylist()
    return names
