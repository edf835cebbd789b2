"""The gap between CLIP's text and image regions (Liang et al. 2022, arXiv 2203.02053): what each correction is worth where the product
compares scores.

Words against pictures: recall in the whole catalog, choice within a title. Words beside a picture: a user with one interest of words
and one of a picture, and a search for a phrase and a picture at once. Each way beside the product's, on the same questions.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from artwork_doors.benching.figures import Figure
from artwork_doors.evaluating import scores, seen
from artwork_doors.evaluating.choosing import STRANGERS, Groups, draw, hits, users_of
from artwork_doors.evaluating.research import Photograph, read_photographs
from artwork_doors.evaluating.verdicts import Line, Material, Part, difference, figure
from embed.encoder import unit
from embed.errors import ArtworkMatcherError
from embed.tastes.audience import common_of
from match.blend import SHARPNESS, log_sum_exp

SIZE = 8  # pictures in a group
RANK = 5
LIKED = 3  # posters of a genre that a user liked

PRODUCT = "as the product does"
COSINES = "cosines as they are"
CENTRED = "centred per side"
STANDARDISED = ", standardised"
IN_CATALOG = "each in its mean and spread over the catalog"

Interests = tuple[np.ndarray, np.ndarray]  # a user's (shares (k,), queries (k, d))


class Report:
    """Lines, as questions are answered."""

    def __init__(self, material: Material) -> None:
        self.material, self.lines, self.deltas = material, list[Line](), list[Figure]()

    def add(self, about: str, right: Mapping[str, np.ndarray], units: np.ndarray, chance: float) -> None:
        """right: way to (n,) 1.0 where a question was answered right, the product's among them; units: (n,) a picture each."""

        def mean(values: np.ndarray) -> scores.Estimate:
            return scores.mean(values, units, self.material.resamples, self.material.seed)

        for way, found in right.items():
            self.lines.append(figure(about, f"{about}: {way}", mean(found), chance=chance))
            if way != PRODUCT:
                self.deltas.append(difference(about, f"{about}: {way} - {PRODUCT}", mean(found - right[PRODUCT])))


def measure(material: Material) -> Part:
    """Each correction's figure with its interval, and its paired difference to the product's way; intervals over pictures.

    Raises ArtworkMatcherError where there are too few photographs or posters.
    """
    photographs, report = read_photographs(material.data), Report(material)
    strangers, own = np.split(
        np.random.default_rng(material.seed).permutation(len(photographs)), [round(STRANGERS * len(photographs))]
    )
    if len(own) < SIZE + 2 or len(strangers) < 3:
        raise ArtworkMatcherError(f"{len(photographs)} photographs make no groups; give --data with 20 or more")
    vectors = material.encoder.encode_files([photograph.file for photograph in photographs])
    recall(report, photographs, vectors)
    words(report, photographs, vectors, own, strangers)
    words_and_picture(report, photographs, vectors, own)
    genres(report)
    search(report, photographs, vectors)
    return Part("gap", "(e) the gap between texts and pictures: with corrections and without", report.lines, report.deltas)


def recall(report: Report, photographs: Sequence[Photograph], pictures: np.ndarray) -> None:
    """Each caption a query, and each picture."""
    texts = report.material.encoder.encode_texts([caption for one in photographs for caption in one.captions])
    owner = np.repeat(np.arange(len(photographs)), [len(one.captions) for one in photographs])
    middle = centred(pictures, pictures)
    ways = {PRODUCT: (texts, pictures), "pictures centred": (texts, middle), CENTRED: (centred(texts, texts), middle)}
    chance = min(1.0, RANK / len(photographs))
    ranks = {way: scores.rank_of_own(some @ others.T, owner) for way, (some, others) in ways.items()}
    report.add(f"text to image recall@{RANK}", _within(ranks), owner, chance)
    ranks = {way: scores.rank_of_first_own(others @ some.T, owner) for way, (some, others) in ways.items()}
    report.add(f"image to text recall@{RANK}", _within(ranks), np.arange(len(photographs)), chance)


def words(
    report: Report, photographs: Sequence[Photograph], vectors: np.ndarray, own: np.ndarray, strangers: np.ndarray
) -> None:
    """Choice within a title by what a user states."""
    material, random = report.material, np.random.default_rng(report.material.seed)
    groups, others = draw(own, material.groups, SIZE, random), draw(strangers, 2 * len(strangers), 1, random)
    titles, middle = vectors[groups.shown], centred(vectors, vectors)[groups.shown]
    from_usual = titles - vectors.mean(axis=0)
    for interests in (1, 3):
        users = users_of(material.encoder, photographs, groups, others, interests)
        made, audience = [profile.interests for profile in users.profiles], users.audience
        side = np.concatenate([queries for _, queries in made])
        ways = {
            PRODUCT: chosen(_less(made, common_of(audience)), titles),
            COSINES: chosen(made, titles, standardised=False),
            f"{COSINES}{STANDARDISED}": chosen(made, titles),
            "less the audience, not standardised": chosen(_less(made, common_of(audience)), titles, standardised=False),
            f"less a neutral text{STANDARDISED}": chosen(_less(made, audience.neutral), titles),
            CENTRED: chosen([(s, centred(q, side)) for s, q in made], middle, standardised=False),
            f"{CENTRED}{STANDARDISED}": chosen([(s, centred(q, side)) for s, q in made], middle),
            IN_CATALOG: chosen(_in_catalog(_less(made, common_of(audience)), vectors), from_usual, standardised=False),
        }
        about = f"photographs, {interests} interest{'s' * (interests > 1)} of words, {SIZE} pictures"
        report.add(about, {way: hits(found, SIZE) for way, found in ways.items()}, groups.shown[:, 0], 1 / SIZE)


def words_and_picture(report: Report, photographs: Sequence[Photograph], vectors: np.ndarray, own: np.ndarray) -> None:
    """Choice within a title: the user states one photograph's caption, and likes a picture that is much like another one; every
    second title has what was stated, the others what is like the picture."""
    material, random = report.material, np.random.default_rng(report.material.seed)
    groups = draw(own, material.groups, SIZE, random)
    texts = _stated(material, photographs, groups)
    by_words = np.arange(len(groups.shown)) % 2 == 0
    other = groups.stated[:, 1, 0]  # in no group of its own
    likes = nearest_by_words(photographs)
    about = np.where(by_words, other, groups.shown[:, 0])  # what the liked picture is like
    texts = np.where(by_words[:, None], texts, texts[random.permutation(len(texts))])
    liked = likes[about]
    kept = (groups.shown != liked[:, None]).all(axis=1)  # else it would be found for itself
    sides = texts[kept], vectors[liked[kept]]
    _mixed(report, "photographs", sides, vectors, groups.shown[kept], by_words[kept])


def genres(report: Report) -> None:
    """The same with posters: the user names a genre; beside it, the user liked posters of another one."""
    material = report.material
    world = seen.posters(material)
    viewers = seen.draw(world, material.groups, np.random.default_rng(material.seed), SIZE)
    judge = seen.judge_of(world, viewers, material)
    named = np.array([judge.fans[world.tastes[taste]].vector for taste in viewers.taste])
    titles, middle = world.vectors[viewers.group], centred(world.vectors, world.vectors)[viewers.group]
    side = np.array([fan.vector for fan in judge.fans.values()])
    ways = {
        PRODUCT: chosen(_alone(named - common_of(judge.audience)), titles),
        COSINES: chosen(_alone(named), titles),
        "less a neutral text": chosen(_alone(named - judge.audience.neutral), titles),
        CENTRED: chosen(_alone(centred(named, side)), middle),
    }
    right = {way: hits(found, SIZE) for way, found in ways.items()}
    report.add(f"posters, a genre in words, {SIZE} pictures", right, viewers.group[:, 0], 1 / SIZE)
    random, by_words = np.random.default_rng(material.seed), np.arange(len(named)) % 2 == 0
    liked = np.where(by_words, viewers.another, viewers.taste)
    said = np.where(by_words, viewers.taste, viewers.another)
    texts = np.array([judge.fans[world.tastes[taste]].vector for taste in said])
    pictures = np.array(
        [
            world.vectors[random.choice(np.flatnonzero(world.bears[taste] & viewers.shows), LIKED)].mean(axis=0)
            for taste in liked
        ]
    )
    _mixed(report, "posters", (texts, unit(pictures)), world.vectors, viewers.group, by_words)


def _mixed(
    report: Report,
    name: str,
    sides: tuple[np.ndarray, np.ndarray],
    catalog: np.ndarray,
    shown: np.ndarray,
    by_words: np.ndarray,
) -> None:
    """sides: (groups, d) texts and pictures of each user; by_words: (groups,) whether the text is what finds the right one."""
    texts, pictures = sides
    titles, middle = catalog[shown], centred(catalog, catalog)[shown]
    apart = texts - texts.mean(axis=0), pictures - catalog.mean(axis=0)
    own = centred(texts, texts), unit(apart[1])
    ways = {
        PRODUCT: chosen(_both(*(_spread_alike(side, titles) for side in apart)), titles),
        COSINES: chosen(_both(texts, pictures), titles, standardised=False),
        f"{COSINES}{STANDARDISED} in one spread": chosen(_both(texts, pictures), titles),
        IN_CATALOG: chosen(_in_catalog(_both(*apart), catalog), titles - catalog.mean(axis=0), standardised=False),
        CENTRED: chosen(_both(*own), middle, standardised=False),
        f"{CENTRED}{STANDARDISED} in one spread": chosen(_both(*own), middle),
        "one vector of both": chosen(_alone(texts + pictures), titles),
        f"one vector of both, {CENTRED}": chosen(_alone(own[0] + own[1]), middle),
    }
    for what, some in (("either", by_words | True), ("the words' own", by_words), ("the picture's own", ~by_words)):
        right = {way: hits(found[some], SIZE) for way, found in ways.items()}
        report.add(f"{name}, words and a picture, {what} of {SIZE}", right, shown[some, 0], 1 / SIZE)


def search(report: Report, photographs: Sequence[Photograph], vectors: np.ndarray) -> None:
    """A phrase and a picture at once, both about the same photograph: is it among the first of the catalog? The picture asked with is
    much like it, and is not counted."""
    encoder = report.material.encoder
    texts = encoder.encode_texts([photograph.captions[0] for photograph in photographs])
    likes = nearest_by_words(photographs)
    numbers = np.arange(len(photographs))

    def rank(found: np.ndarray) -> np.ndarray:
        found = found.copy()
        found[numbers, likes] = -np.inf
        return scores.rank_of_own(found, numbers)

    words, pictures, middle = texts @ vectors.T, vectors[likes] @ vectors.T, centred(vectors, vectors)
    ranks = {
        PRODUCT: rank(_fit(words) + _fit(pictures)),
        COSINES: rank(words + pictures),
        CENTRED: rank(centred(texts, texts) @ middle.T + middle[likes] @ middle.T),
        "the words alone": rank(words),
        "the picture alone": rank(pictures),
    }
    about = f"search for a phrase and a picture, recall@{RANK}"
    report.add(about, _within(ranks), numbers, min(1.0, RANK / len(photographs)))


def centred(vectors: np.ndarray, side: np.ndarray) -> np.ndarray:
    """(n, d) unit: less what its side (m, d) has in common."""
    return unit(vectors - side.mean(axis=0))


def chosen(made: Sequence[Interests], titles: np.ndarray, *, standardised: bool = True) -> np.ndarray:
    """(groups, size) similarities as blend.similarity_of mixes interests; titles: (groups, size, d), a user each.

    Not standardised, a cosine is not compared with the title's others before interests are mixed.
    """
    cosines = [queries @ title.T for (_, queries), title in zip(made, titles, strict=True)]
    apart = [one - one.mean(axis=1, keepdims=True) for one in cosines]
    square = np.mean([shares @ (one**2).mean(axis=1) for (shares, _), one in zip(made, apart, strict=True)])
    compared = apart if standardised else cosines
    return np.array(
        [
            log_sum_exp(SHARPNESS * one / np.sqrt(square) + np.log(shares)[:, None], axis=0)
            for (shares, _), one in zip(made, compared, strict=True)
        ]
    )


def nearest_by_words(photographs: Sequence[Photograph]) -> np.ndarray:
    """(n,) another photograph whose captions have the most words in common with each one's: cosine of tf-idf, no CLIP."""
    counts: dict[str, list[tuple[int, int]]] = {}
    for number, photograph in enumerate(photographs):
        found = re.findall(r"\w+", " ".join(photograph.captions).lower())
        for word in set(found):
            counts.setdefault(word, []).append((number, found.count(word)))
    table = np.zeros((len(photographs), len(counts)))
    for column, places in enumerate(counts.values()):
        for number, count in places:
            table[number, column] = count * np.log(len(photographs) / len(places))
    table /= np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    alike = table @ table.T
    np.fill_diagonal(alike, -1)
    best: np.ndarray = alike.argmax(axis=1)
    return best


def _within(ranks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {way: (rank < RANK).astype(np.float64) for way, rank in ranks.items()}


def _less(made: Sequence[Interests], common: np.ndarray) -> list[Interests]:
    return [(shares, queries - common) for shares, queries in made]


def _alone(queries: np.ndarray) -> list[Interests]:
    return [(np.ones(1), query[None]) for query in queries]


def _both(texts: np.ndarray, pictures: np.ndarray) -> list[Interests]:
    return [(np.full(2, 0.5), np.stack(pair)) for pair in zip(texts, pictures, strict=True)]


def _in_catalog(made: Sequence[Interests], catalog: np.ndarray) -> list[Interests]:
    """As long as makes each one's cosines spread over the catalog by 1."""
    scatter = np.cov(catalog.T)
    spreads = (np.sqrt(np.einsum("kd,de,ke->k", queries, scatter, queries, optimize=True)) for _, queries in made)
    return [(shares, queries / spread[:, None]) for (shares, queries), spread in zip(made, spreads, strict=True)]


def _spread_alike(queries: np.ndarray, titles: np.ndarray) -> np.ndarray:
    """(groups, d): as long as makes each one's cosines spread within titles by 1 on average."""
    apart = (titles - titles.mean(axis=1, keepdims=True)).reshape(-1, titles.shape[-1])
    spreads = np.sqrt(np.einsum("nd,de,ne->n", queries, apart.T @ apart / len(apart), queries, optimize=True))
    return queries / spreads[:, None]


def _fit(cosines: np.ndarray) -> np.ndarray:
    """(q, n): as index.fits has it."""
    fit: np.ndarray = (cosines - cosines.mean(axis=1, keepdims=True)) / cosines.std(axis=1, keepdims=True)
    return fit


def _stated(material: Material, photographs: Sequence[Photograph], groups: Groups) -> np.ndarray:
    """(groups, d) of a caption of each group's first picture."""
    captions = [photographs[number].captions for number in groups.shown[:, 0]]
    return material.encoder.encode_texts(
        [some[which % len(some)] for some, which in zip(captions, groups.stated[:, 0, 1], strict=True)]
    )
