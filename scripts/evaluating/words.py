"""Words: an artwork's tags are content words of a caption that its user did not state, and a title's lines are such captions.

How often is the picture that the user described chosen by its vector alone, by its tags alone, and by both as the product has it; and
how often is the line that speaks of it?
"""

import re
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np

from artwork_doors.benching.figures import Figure
from artwork_doors.evaluating import scores
from artwork_doors.evaluating.choosing import INTERESTS, SIZES, STATED, STRANGERS, Users, draw, hits, users_of
from artwork_doors.evaluating.research import Photograph, read_photographs
from artwork_doors.evaluating.verdicts import Line, Material, Part, difference, figure
from embed.encoder import Encoder
from embed.errors import ArtworkMatcherError
from embed.words import encode_words
from match.blend import Weights, of_interests, personal_queries, similarity_of, standardised, usual_spread
from match.words import with_words

SETUPS = {"5 tags": (5, 1), "2 tags": (2, 1), "5 tags on every second": (5, 2)}  # how many, and on which of the pictures
PRODUCT, PICTURES, WORDS, LINES = "pictures and words", "pictures alone", "words alone", "lines of copy"
# Words of captions that say nothing of what is to be seen.
IDLE = frozenset(
    [
        "and",
        "are",
        "around",
        "away",
        "back",
        "behind",
        "being",
        "down",
        "for",
        "from",
        "front",
        "has",
        "have",
        "her",
        "him",
        "his",
        "into",
        "its",
        "near",
        "next",
        "off",
        "onto",
        "other",
        "out",
        "over",
        "she",
        "some",
        "that",
        "the",
        "their",
        "them",
        "there",
        "they",
        "this",
        "three",
        "through",
        "two",
        "under",
        "very",
        "which",
        "while",
        "who",
        "with",
    ]
)

Borne = list[np.ndarray | None]  # per picture the mean vector (d,) of its tags


def measure(material: Material) -> Part:
    """Per number of interests, size of the group and setup: each way's figure, and its difference to the product's.

    Raises ArtworkMatcherError where there are too few photographs for any group.
    """
    photographs, encoder = read_photographs(material.data), material.encoder
    vectors = encoder.encode_files([photograph.file for photograph in photographs])
    random = np.random.default_rng(material.seed)
    strangers, own = np.split(random.permutation(len(photographs)), [round(STRANGERS * len(photographs))])
    sizes = [size for size in SIZES if size + max(INTERESTS) - 1 <= len(own)]
    if not sizes or len(strangers) < max(INTERESTS):
        raise ArtworkMatcherError(f"{len(photographs)} photographs make no groups; give --data with 20 or more")
    groups, others = draw(own, material.groups, max(sizes), random), draw(strangers, STATED * len(strangers), 1, random)
    said = [_other_caption(photograph) for photograph in photographs]
    _, lines = encode_words([("copy", caption) for caption in said], encoder)
    borne = {name: tagged(said, encoder, *setup) for name, setup in SETUPS.items()}
    figures, deltas = list[Line](), list[Figure]()
    for interests in INTERESTS:
        users = users_of(encoder, photographs, groups, others, interests)
        for size in sizes:
            shown = groups.shown[:, :size]
            about = f"{interests} interest{'s' * (interests > 1)}, {size} artworks"
            right = {f"{LINES}": hits(lines_chosen(users, lines[shown]), size)}
            for name, means in borne.items():
                right |= {f"{way}, {name}": hits(found, size) for way, found in chosen(users, vectors, means, shown).items()}
            found = {way: scores.mean(values, shown[:, 0], material.resamples, material.seed) for way, values in right.items()}
            figures += [figure(about, f"{about}: {way}", one, chance=1 / size) for way, one in found.items()]
            for name in borne:
                gain = right[f"{PRODUCT}, {name}"] - right[f"{PICTURES}, {name}"]
                estimate = scores.mean(gain, shown[:, 0], material.resamples, material.seed)
                deltas.append(difference(about, f"{about}, {name}: {PRODUCT} - {PICTURES}", estimate))
    title = f"(g) {material.groups:,} groups, tags and lines out of captions that nobody stated, words at {Weights().words:g}"
    return Part("words", title, figures, deltas)


def _other_caption(photograph: Photograph) -> str:
    """One that no user states, where it has that many."""
    return photograph.captions[min(STATED, len(photograph.captions) - 1)]


def tagged(captions: Sequence[str], encoder: Encoder, most: int, every: int) -> Borne:
    """The first `most` content words of the captions, of every `every`-th one; None without any."""
    tags = [_tags(caption)[:most] if row % every == 0 else [] for row, caption in enumerate(captions)]
    known = sorted(set(chain.from_iterable(tags)))
    _, vectors = encode_words([("tag", tag) for tag in known], encoder)
    place = {tag: number for number, tag in enumerate(known)}
    return [vectors[[place[tag] for tag in some]].mean(axis=0) if some else None for some in tags]


def _tags(caption: str) -> list[str]:
    words = re.findall(r"[a-z]+", caption.lower())
    return list(dict.fromkeys(word for word in words if len(word) > 2 and word not in IDLE))


def chosen(users: Users, vectors: np.ndarray, borne: Borne, shown: np.ndarray) -> Mapping[str, np.ndarray]:
    """(groups, size) scores of each way. shown: (groups, size) pictures."""
    pictures = vectors[shown]
    bearing = [[place for place, picture in enumerate(row) if borne[picture] is not None] for row in shown.tolist()]
    words = [np.array([borne[row[place]] for place in some]) for row, some in zip(shown.tolist(), bearing, strict=True)]
    spreads = [_spread(users, list(pictures)), _spread(users, [some for some in words if len(some)])]
    found: dict[str, list[np.ndarray]] = {PRODUCT: [], PICTURES: [], WORDS: []}
    for profile, title, some, places in zip(users.profiles, pictures, words, bearing, strict=True):
        shares, queries = personal_queries(profile, users.audience)
        similar = standardised(queries @ title.T, np.array([0, len(title)]), spreads[0])
        worded = np.zeros_like(similar)
        if places:
            worded[:, places] = standardised(queries @ some.T, np.array([0, len(some)]), spreads[1])
        part, more, _ = with_words(similar, worded, shares, Weights())
        found[PRODUCT].append(part + more)
        found[PICTURES].append(part)
        found[WORDS].append(of_interests(worded, shares)[0])
    return {way: np.array(rows) for way, rows in found.items()}


def lines_chosen(users: Users, lines: np.ndarray) -> np.ndarray:
    """(groups, size) scores of lines (groups, size, d)."""
    spread, begins = _spread(users, list(lines)), np.array([0, lines.shape[1]])
    found = []
    for profile, title in zip(users.profiles, lines, strict=True):
        shares, queries = personal_queries(profile, users.audience)
        found.append(similarity_of(queries @ title.T, shares, begins, spread)[0])
    return np.array(found)


def _spread(users: Users, titles: Sequence[np.ndarray]) -> float:
    """As a snapshot of these titles has it; each (n, d)."""
    apart = np.concatenate([title - title.mean(axis=0) for title in titles if len(title)])
    return usual_spread(users.audience, apart.T @ apart / len(apart))
