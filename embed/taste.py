"""Taste: from what people watched and what they say of themselves to phrases a person can read, and from them to vectors.

History gives genres, people and keywords of the titles, each watch weighted by how much was watched, how long ago, and how
rare the phrase is among titles; what people say gives phrases of their own. Half of the weight is history's, half is theirs.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from embed.catalog import Catalog
from embed.interests import interests_of
from embed.locks import only_writer
from embed.profiles import PhraseKey, read_phrase_vectors, write_audience, write_profiles
from embed.records import Audience, Phrase, Profile, fold, phrase_schema
from embed.store import Store, append_rows, check_fingerprint, has_table, mend_table, tidy_table, vector_array

if TYPE_CHECKING:
    from embed.encoder import Encoder

Progress = Callable[[int, int], None]  # (phrases done, of how many)

HALF_LIFE_DAYS = 180.0  # a watch this much older than the newest one counts half
CHUNK = 256  # phrases encoded between two reports of progress
PHRASES = 12  # per profile: more is no taste but a list
SHARES = {
    "genre": 1.0,
    "person": 0.7,
    "keyword": 0.5,
}  # of a watch's weight: what a title is, before who and what is in it
NEUTRAL_USERS = 1.0  # the audience's mean is taken with this many users of no taste, so that a store of one user has one too

FILMS = " films"
# Words in which a genre describes what people like; the others read well as "{genre} films".
ADJECTIVES = {
    "romance": "romantic", "comedy": "funny", "drama": "dramatic", "animation": "animated", "adventure": "adventure",
    "mystery": "mystery", "history": "historical", "music": "music", "family": "family",
}  # fmt: skip

# Averaged per phrase (Radford et al. 2021, section 3.1.4); worded for posters and stills rather than for objects.
# A genre's phrase goes in without its "films".
PROMPTS = {
    "genre": ("a poster of a {} movie", "a still from a {} film", "{} films"),
    "person": ("a photo of {}", "a portrait of {}", "{}"),
    "keyword": ("a picture of {}", "a still from a film about {}", "{}"),
    "stated": ("a picture of {}", "a still from a film with {}", "{}"),
}
NEUTRAL = ("a picture", "a poster of a movie", "a still from a film", "a photo")


@dataclass(frozen=True)
class TasteReport:
    """What a run of `embed_users` did."""

    users: int
    phrases: int  # distinct, over all users
    encoded: int  # of them, those that were new to the store
    split: tuple[str, ...]  # stated texts and keywords that were longer than the text tower reads and so were divided


def embed_users(
    catalog: Catalog, store: Store, encoder: "Encoder", progress: Progress = lambda done, total: None
) -> TasteReport:
    """Write every user's profile, the vectors of phrases not met before, and the audience; replaces what was there.

    `progress` is told of phrases encoded. Raises FingerprintError where the encoder is not the store's.
    """
    check_fingerprint(store, encoder.choice, encoder.fingerprint)
    with only_writer(store.lock(f"{store.folder}-users"), "embed_users"):
        for table in ("phrases", "profiles", "audience"):
            mend_table(store, table)
        report = _embed_users(catalog, store, encoder, progress)
        for table in ("phrases", "profiles", "audience"):
            tidy_table(store, table)
    return report


def _embed_users(catalog: Catalog, store: Store, encoder: "Encoder", progress: Progress) -> TasteReport:
    phrases_of, split = _phrases_by_user(catalog, encoder)
    known = read_phrase_vectors(store) if has_table(store, "phrases") else {}
    wanted = {(p.kind, p.text) for phrases in phrases_of.values() for p in phrases}
    new = sorted(wanted - known.keys())
    for start in range(0, len(new), CHUNK):
        known |= _encode_phrases(new[start : start + CHUNK], encoder)
        progress(min(start + CHUNK, len(new)), len(new))
    if new or not has_table(store, "phrases"):
        _append_phrases(store, new, known)
    common = _neutral(encoder)
    profiles = [_profile(user_id, phrases, known, common, encoder) for user_id, phrases in sorted(phrases_of.items())]
    write_profiles(store, profiles)
    write_audience(store, audience_of(profiles, encoder))
    return TasteReport(len(profiles), len(wanted), len(new), split)


def profile_from_text(user_id: str, text: str, encoder: "Encoder", *, people: Iterable[str] = ()) -> Profile:
    """A profile made of words alone, for a user the store does not know: "dark forests, monsters".

    Phrases that name one of `people` are matched to artwork by identity, too.
    """
    known = {fold(name): ("person", name) for name in people}
    phrases, _ = _stated([{"text": text, "weight": 1.0}], known, encoder)
    phrases = _strongest(phrases)
    vectors = _encode_phrases([(p.kind, p.text) for p in phrases], encoder)
    return _profile(user_id, phrases, vectors, _neutral(encoder), encoder)


def audience_of(profiles: Sequence[Profile], encoder: "Encoder") -> Audience:
    """What `profiles` have in common: the mean of their interests, and how they spread around it."""
    neutral = _neutral(encoder)
    interests = [p.interests for p in profiles if p.phrases]
    shares = np.concatenate([shares for shares, _ in interests]) if interests else np.empty(0)
    vectors = (
        np.concatenate([vectors for _, vectors in interests]) if interests else np.empty((0, encoder.dimension), np.float32)
    )
    mean = (shares @ vectors + NEUTRAL_USERS * neutral) / (len(interests) + NEUTRAL_USERS)
    apart = vectors - mean  # (interests, d)
    moment = (apart * shares[:, None]).T @ apart / max(len(interests), 1)  # (d, d)
    return Audience(encoder.fingerprint, len(interests), neutral, mean.astype(np.float32), moment.astype(np.float32))


def _neutral(encoder: "Encoder") -> np.ndarray:
    """(d,) float32: what texts have in common that say nothing in particular."""
    return _mean_unit(encoder.encode_texts(NEUTRAL))


def _phrases_by_user(catalog: Catalog, encoder: "Encoder") -> tuple[dict[str, list[Phrase]], tuple[str, ...]]:
    people = _people(catalog)
    known = _genres(catalog) | {folded: ("person", name) for folded, name in people.items()}
    watches, tastes = _by_user(catalog.history), _by_user(catalog.tastes)
    watched = _History(catalog, people, encoder)
    split = set(watched.divided)
    found = {}
    for user_id in watches.keys() | tastes.keys():
        stated, divided = _stated(tastes.get(user_id, []), known, encoder)
        split.update(divided)
        found[user_id] = _strongest(_share(watched.phrases(watches.get(user_id, []))) + _share(stated))
    return found, tuple(sorted(split))


def _by_user(table: pa.Table) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in table.to_pylist():
        rows[row["user_id"]].append(row)
    return rows


def _people(catalog: Catalog) -> dict[str, str]:
    """Folded name to name as the catalog first spells it, of all whom it knows."""
    columns = (catalog.titles["people"], catalog.artwork["people"])
    found: dict[str, str] = {}
    for name in (name for column in columns for names in column.to_pylist() for name in names):
        found.setdefault(fold(name), name)
    return found


def _genres(catalog: Catalog) -> dict[str, PhraseKey]:
    """Folded word for a genre to its phrase: who says "comedy" or "funny films" means what a comedy in the history means."""
    genres = {genre for genres in catalog.titles["genres"].to_pylist() for genre in genres}
    return {fold(word): ("genre", _genre(genre)) for genre in genres for word in (genre, _genre(genre))}


class _History:
    """Watches to phrases, by what the catalog says of the titles; `divided` are the keywords too long to be read whole."""

    def __init__(self, catalog: Catalog, people: dict[str, str], encoder: "Encoder") -> None:
        keywords = {keyword for keywords in catalog.titles["keywords"].to_pylist() for keyword in keywords}
        pieces = {keyword: _pieces(keyword, encoder) for keyword in keywords}
        self.divided = [keyword for keyword in keywords if len(pieces[keyword]) > 1]
        self.titles: dict[str, list[PhraseKey]] = {}
        for row in catalog.titles.to_pylist():
            genres = [("genre", _genre(genre)) for genre in row["genres"]]
            persons = [("person", people[fold(person)]) for person in row["people"]]
            about = [("keyword", piece) for keyword in row["keywords"] for piece in pieces[keyword]]
            self.titles[row["title_id"]] = list(dict.fromkeys(genres + persons + about))  # each once
        bearers: dict[PhraseKey, int] = defaultdict(int)
        for keys in self.titles.values():
            for key in keys:
                bearers[key] += 1
        # Smoothed inverse document frequency (Salton & Buckley 1988): what every title bears says little.
        self.rarity = {key: math.log(1 + len(self.titles) / count) for key, count in bearers.items()}
        times = catalog.history["watched_at"].to_pylist()
        self.newest: datetime | None = max(times) if times else None

    def phrases(self, watches: list[dict[str, Any]]) -> list[Phrase]:
        weights: dict[PhraseKey, float] = defaultdict(float)
        titles: dict[PhraseKey, list[str]] = defaultdict(list)
        for watch in watches:
            age = (self.newest - watch["watched_at"]).total_seconds() / 86400 if self.newest else 0.0
            worth = watch["fraction"] * 0.5 ** (age / HALF_LIFE_DAYS)
            for key in self.titles[watch["title_id"]]:
                weights[key] += worth * SHARES[key[0]] * self.rarity[key]
                titles[key].append(watch["title_id"])
        return [
            Phrase(text, kind, weight, tuple(dict.fromkeys(titles[kind, text])))
            for (kind, text), weight in weights.items()
            if weight > 0
        ]


def _genre(genre: str) -> str:
    folded = fold(genre)
    return ADJECTIVES.get(folded, folded) + FILMS


def _stated(tastes: list[dict[str, Any]], known: dict[str, PhraseKey], encoder: "Encoder") -> tuple[list[Phrase], list[str]]:
    """(phrases, texts that had to be divided): what users say, in phrases that the text tower reads whole.

    known: folded words to the person or the genre that they name.
    """
    phrases, divided = [], []
    for taste in tastes:
        weight = 1.0 if taste["weight"] is None else taste["weight"]
        for text in split_phrases(taste["text"]):
            pieces = _pieces(text, encoder)
            divided += [text] if len(pieces) > 1 else []
            for piece in pieces:
                kind, words = known.get(fold(piece), ("stated", piece))
                phrases.append(Phrase(words, kind, weight / len(pieces)))
    return phrases, divided


def split_phrases(text: str) -> list[str]:
    """ "dark forests, monsters" to its phrases; with a semicolon anywhere, commas belong to the phrases."""
    parts = re.split(r"[;\n]" if re.search(r"[;\n]", text) else ",", text)
    return [phrase for part in parts if (phrase := " ".join(part.split()).strip(" ,"))]


def _pieces(text: str, encoder: "Encoder") -> list[str]:
    """`text` in pieces that the text tower reads whole, whatever their kind."""
    return in_pieces(text, [template for templates in PROMPTS.values() for template in templates], encoder)


def in_pieces(text: str, templates: Sequence[str], encoder: "Encoder") -> list[str]:
    """`text`, halved until every piece fits the tower's context in the longest of the templates; never cut in silence.

    At a space where there is one (not every script writes them).
    """
    if len(text) < 2 or encoder.fits(max((template.format(text) for template in templates), key=len)):
        return [text]
    words, joint = (text.split(), " ") if " " in text else (list(text), "")
    halves = joint.join(words[: len(words) // 2]), joint.join(words[len(words) // 2 :])
    return [piece for half in halves for piece in in_pieces(half, templates, encoder)]


def _share(phrases: list[Phrase]) -> list[Phrase]:
    """Weights that sum to 1 in size, so that history and words count alike however much there is of each."""
    total = sum(abs(phrase.weight) for phrase in phrases)
    return [replace(phrase, weight=phrase.weight / total) for phrase in phrases] if total else []


def _strongest(phrases: list[Phrase]) -> list[Phrase]:
    """The same words once, the strongest PHRASES of them, in order of weight, sizes summing to 1."""
    merged: dict[str, Phrase] = {}
    for phrase in phrases:
        before = merged.get(fold(phrase.text), replace(phrase, weight=0.0, titles=()))
        weight, titles = before.weight + phrase.weight, before.titles + phrase.titles
        merged[fold(phrase.text)] = replace(before, weight=weight, titles=titles)
    ordered = sorted(merged.values(), key=lambda phrase: (-abs(phrase.weight), phrase.kind, phrase.text))
    return _share([phrase for phrase in ordered if phrase.weight][:PHRASES])


def _profile(
    user_id: str, phrases: list[Phrase], vectors: dict[PhraseKey, np.ndarray], common: np.ndarray, encoder: "Encoder"
) -> Profile:
    stacked = np.array([vectors[p.kind, p.text] for p in phrases], np.float32).reshape(-1, encoder.dimension)
    numbers = interests_of(np.array([p.weight for p in phrases]), stacked, common)
    told = tuple(replace(phrase, interest=number) for phrase, number in zip(phrases, numbers.tolist(), strict=True))
    return Profile(user_id, told, stacked, encoder.fingerprint)


def _encode_phrases(keys: Sequence[PhraseKey], encoder: "Encoder") -> dict[PhraseKey, np.ndarray]:
    """Each phrase's prompts, averaged on the unit sphere."""
    return dict(zip(keys, encode_prompts([_prompts(kind, text) for kind, text in keys], encoder), strict=True))


def encode_prompts(groups: Sequence[Sequence[str]], encoder: "Encoder") -> list[np.ndarray]:
    """(d,) float32 of each group of texts that say the same: their unit vectors, averaged on the unit sphere."""
    vectors = iter(encoder.encode_texts([text for group in groups for text in group]))
    return [_mean_unit(np.stack([next(vectors) for _ in group])) for group in groups]


def _prompts(kind: str, text: str) -> list[str]:
    subject = text.removesuffix(FILMS) if kind == "genre" else text
    return [template.format(subject) for template in PROMPTS[kind]]


def _mean_unit(vectors: np.ndarray) -> np.ndarray:
    mean = vectors.mean(axis=0)
    unit: np.ndarray = mean / np.linalg.norm(mean)
    return unit


def _append_phrases(store: Store, keys: Sequence[PhraseKey], vectors: dict[PhraseKey, np.ndarray]) -> None:
    stacked = np.array([vectors[key] for key in keys], np.float32).reshape(-1, store.dimension)
    columns = [
        pa.array([kind for kind, _ in keys], pa.string()),
        pa.array([text for _, text in keys], pa.string()),
        pa.array([store.fingerprint] * len(keys), pa.string()),
        vector_array(stacked),
    ]
    append_rows(store, "phrases", pa.Table.from_arrays(columns, schema=phrase_schema(store.dimension)))
