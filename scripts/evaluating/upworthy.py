"""Upworthy's A/B tests as artwork: which image to show, by what some of its impressions taught, scored on others.

A title is a test's headline that had most images; its artwork are the images (eyecatcher_id) that stood beside it. Of each image half
of the impressions, drawn at random with their clicks, score; from the other half a budget is learned from. Weeks 2013-25 to 2014-01
are left out, as the archive advises (Matias, Munger, Le Quere & Ebersole, Scientific Data 2021): their randomisation was at fault.

Within a title all images had about as many impressions, so that shrinking them towards the title's own rate cannot reorder them: it
chooses as the plain rate does, whatever its strength. What shrinkage brings shows where something else is known (the same image
under other headlines and in other tests: the product's segment -> artwork -> catalog, a headline being the segment), and where
impressions are uneven, as they are when artwork joins late. Both stand beside the plain rate. Of four ways to pool clicks that were
tried on this archive this is the one the product has; the two within a test did worse than the plain rate at small budgets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from artwork_doors.evaluating.scores import Estimate, estimate
from artwork_doors.evaluating.verdicts import ClickMaterial, Line, Part, difference, figure
from embed.errors import ArtworkMatcherError
from match.clicks.posteriors import rate_of
from match.clicks.shrinkage import (
    Beliefs,
    Counts,
    Strengths,
    believe,
    believe_segments,
    estimate_factors,
    estimate_strength,
    estimate_strengths,
)

BUDGETS = (0.01, 0.05, 0.2, 0.5)  # of all impressions; the last is all that do not score
SPLITS = 100
FAULTY_WEEKS = (201325, 201401)
UNEVENNESS = 20.0  # of uneven budgets: how many times as often as its title's least shown image any other is shown, at most

PLAIN, SHRUNK, OWN, BEST = "plain rate", "shrunk prior", "shrunk, title's own clicks alone", "best in hindsight"

RUNS = 10  # of the bandits
STEPS = 100  # in which clicks come back: after each hundredth of a title's impressions
DRAWS = 40  # of Thompson sampling for a step's shares
COMMITS = (0.05, 0.1, 0.2, 0.5)  # of a title's impressions are shown evenly before the best is


@dataclass(frozen=True)
class Archive:
    """Packages, those alike in test, headline and image as one; and which of them are the artwork of titles."""

    images: np.ndarray  # (n,) int64 from 0, wherever an image appears
    headlines: np.ndarray  # (n,) int64 from 0, of one test each
    impressions: np.ndarray  # (n,) int64
    clicks: np.ndarray  # (n,) int64
    rows: np.ndarray  # (m,) int64, of the packages that are a title's artwork
    titles: np.ndarray  # (m,) int64 from 0, rising: whose


def measure(material: ClickMaterial) -> Part:
    """How much more is clicked than on a random image of the title, by what chose; and what Thompson sampling loses."""
    archive = read_archive(material.data)
    figures, differences = [*_in_sample(archive)], []
    for uneven in (False, True):
        for budget in BUDGETS:
            chosen = choose(archive, budget, material.seed, uneven=uneven)
            about = f"{budget:.0%} of the impressions{', unevenly' if uneven else ''}"
            found = {name: _lift(rates, chosen["random"], material) for name, rates in chosen.items() if name != "random"}
            figures += _lines(about, found, uneven=uneven)
            for name in (SHRUNK, OWN):
                gain = _lift(chosen[name], chosen["random"], material, chosen[PLAIN])
                differences.append(difference(about, f"{about}: {name} less {PLAIN}", gain))
    regret, against = _regrets(archive, material)
    count = f"{archive.titles[-1] + 1} tests with {len(archive.rows)} images"
    title = f"Upworthy: {count}; clicks over a random image's, as a share of these; mean of {SPLITS} splits"
    return Part("upworthy", title, [*figures, *regret], [*differences, *against])


def _lines(about: str, found: Mapping[str, Estimate], *, uneven: bool) -> list[Line]:
    notes = {
        PLAIN: "ties at random",
        SHRUNK: "with the same share of the image's impressions elsewhere",
        OWN: "alike impressions: the order is the plain rate's" if not uneven else "",
        BEST: "out of reach: chosen by the clicks that score",
    }
    targets = {SHRUNK: found[PLAIN].value}
    return [
        figure(about, f"{about}: {name}", one, chance=0.0, target=targets.get(name), note=notes[name])
        for name, one in found.items()
    ]


def read_archive(data: Path) -> Archive:
    """`upworthy/packages.parquet` of the data folder. Raises ArtworkMatcherError where it is not there."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = data / "upworthy" / "packages.parquet"
    if not path.is_file():
        raise ArtworkMatcherError(f"no research data at {str(path)!r}; give the folder that has it with --data")
    keys = ["clickability_test_id", "headline", "eyecatcher_id"]
    table = pq.read_table(path, columns=[*keys, "impressions", "clicks", "test_week"])
    week = table["test_week"]
    table = table.filter(pc.or_(pc.less(week, FAULTY_WEEKS[0]), pc.greater(week, FAULTY_WEEKS[1])))
    table = (
        table.group_by(keys)
        .aggregate([("impressions", "sum"), ("clicks", "sum")])
        .sort_by([(key, "ascending") for key in keys])
    )
    tests, images = (_codes(table[name].to_pylist()) for name in ("clickability_test_id", "eyecatcher_id"))
    headlines = _codes(list(zip(tests.tolist(), table["headline"].to_pylist(), strict=True)))
    sizes, of_test = np.bincount(headlines), np.full(headlines.max() + 1, -1)
    of_test[headlines] = tests
    most = np.lexsort((np.arange(len(sizes)), -sizes, of_test))  # of each test's headlines, the one with most images first
    firsts = most[np.flatnonzero(np.diff(of_test[most], prepend=-1))]
    rows = np.flatnonzero(np.isin(headlines, firsts[sizes[firsts] > 1]))
    counts = (table[name].to_numpy().astype(np.int64) for name in ("impressions_sum", "clicks_sum"))
    return Archive(images, headlines, *counts, rows, np.unique(headlines[rows], return_inverse=True)[1])


def _codes(values: list[object]) -> np.ndarray:
    known: dict[object, int] = {}
    return np.array([known.setdefault(value, len(known)) for value in values], np.int64)


def choose(
    archive: Archive, budget: float, seed: int, splits: int | None = None, *, uneven: bool = False
) -> dict[str, np.ndarray]:
    """By way, (splits, titles) float64: the rate, on the half that scores, of the image chosen; `random` is the images' mean."""
    found: dict[str, list[np.ndarray]] = {}
    for split in range(splits or SPLITS):
        rng = np.random.default_rng([seed, split])
        shown, clicks, scored = _split(archive, budget, rng, uneven=uneven)
        scores = {
            PLAIN: (clicks / shown)[archive.rows],
            SHRUNK: shrunk(archive, shown, clicks).mean[archive.rows],
            OWN: _by_own(archive, shown, clicks).mean,
            BEST: scored,
        }
        luck = rng.random(len(archive.rows))
        of_titles = np.bincount(archive.titles)
        found.setdefault("random", []).append(np.bincount(archive.titles, scored) / of_titles)
        for name, score in scores.items():
            found.setdefault(name, []).append(scored[best_of(score, archive.titles, luck)])
    return {name: np.array(rates) for name, rates in found.items()}


def _split(
    archive: Archive, budget: float, rng: np.random.Generator, *, uneven: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(impressions (n,) float64 to learn from, clicks on them, (m,) rates of the titles' artwork on the half that scores).

    Clicks fall to an impression as they would were the impressions dealt out one by one: hypergeometrically.
    """
    impressions, clicks = archive.impressions, archive.clicks
    half = impressions // 2
    of_half = rng.hypergeometric(clicks, impressions - clicks, half)
    share = np.full(len(half), budget)
    if uneven:
        share *= np.exp(rng.uniform(-np.log(UNEVENNESS), 0, len(half)))
        share *= (
            budget
            * np.bincount(archive.headlines)[archive.headlines]
            / np.bincount(archive.headlines, share)[archive.headlines]
        )
    shown = np.clip(np.round(impressions * share).astype(int), 1, half)
    seen = rng.hypergeometric(of_half, half - of_half, shown)
    scored = ((clicks - of_half) / (impressions - half))[archive.rows]
    return shown.astype(float), seen.astype(float), scored


def best_of(scores: np.ndarray, titles: np.ndarray, luck: np.ndarray) -> np.ndarray:
    """(titles,) int64: the row of the highest score of each title; of equal ones the one with most luck. All (m,), titles rising."""
    order = np.lexsort((luck, scores, titles))
    last: np.ndarray = order[np.append(np.flatnonzero(np.diff(titles)), len(titles) - 1)]
    return last


def shrunk(archive: Archive, shown: np.ndarray, clicks: np.ndarray) -> Beliefs:
    """(n,) of every image under every headline: what the image taught elsewhere, as far as headlines are alike to it."""
    rate = rate_of(clicks.sum(), shown.sum())
    factors = estimate_factors(archive.headlines, archive.images, shown, clicks, rate)[archive.headlines]
    exposed, clicked = np.bincount(archive.images, shown * factors), np.bincount(archive.images, clicks)
    counts, alike = Counts(exposed, clicked, exposed), np.zeros(len(exposed), int)
    strengths = Strengths(inf, estimate_strength(counts, alike, np.full(len(exposed), rate)))
    images, _ = believe(counts, alike, rate, strengths)
    return believe_segments(Counts(shown, clicks, shown), archive.images, images, factors)[0]


def _by_own(archive: Archive, shown: np.ndarray, clicks: np.ndarray) -> Beliefs:
    """(m,) of the titles' artwork by the titles' own clicks: artwork -> title -> catalog."""
    counts = Counts(shown[archive.rows], clicks[archive.rows], shown[archive.rows])
    rate = rate_of(counts.plays.sum(), counts.shown.sum())
    return believe(counts, archive.titles, rate, estimate_strengths(counts, archive.titles, rate))[0]


def _lift(chosen: np.ndarray, random: np.ndarray, material: ClickMaterial, less: np.ndarray | None = None) -> Estimate:
    """sum of rates chosen / sum of rates of a random image - 1, less the same of another way; tests and splits both drawn anew.

    All (splits, titles).
    """
    gained = chosen - (random if less is None else less)
    rng, (splits, titles) = np.random.default_rng(material.seed), gained.shape
    drawn = rng.multinomial(splits, np.full(splits, 1 / splits), material.resamples).astype(float)
    tests = rng.multinomial(titles, np.full(titles, 1 / titles), material.resamples)
    ratios = ((drawn @ gained) * tests).sum(1) / ((drawn @ random) * tests).sum(1)
    return estimate(gained.sum() / random.sum(), ratios)


def _in_sample(archive: Archive) -> list[Line]:
    """The trap: the best image of all clicks, scored by the same clicks."""
    rates = (archive.clicks / archive.impressions)[archive.rows]
    best = rates[best_of(rates, archive.titles, rates)]
    random = np.bincount(archive.titles, rates) / np.bincount(archive.titles)
    by_title = float(np.mean(best[random > 0] / random[random > 0]) - 1)
    note = "NOT what choosing brings: the clicks that chose also score"
    return [
        Line("in sample", "in sample: best of all clicks", float(best.sum() / random.sum() - 1), note=note),
        Line("in sample", "in sample: the same, mean of the titles' ratios", by_title, note=note),
    ]


def _regrets(archive: Archive, material: ClickMaterial) -> tuple[list[Line], list[Line]]:
    """What is lost to showing each title's best image always, as a share of its clicks; and Thompson sampling less each commit."""
    about = "clicks lost, of the best image's"
    lost = replay(archive, material.seed)
    best = lost.pop("best")
    tests = np.random.default_rng(material.seed).multinomial(len(best), np.full(len(best), 1 / len(best)), material.resamples)

    def share(values: np.ndarray) -> Estimate:
        return estimate(values.sum() / best.sum(), (tests @ values) / (tests @ best))

    note = f"each package's own rate held to be the truth; clicks come back {STEPS} times; {RUNS} runs; less is better"
    lines = [figure(about, f"{about}: {name}", share(values), note=note) for name, values in lost.items()]
    thompson = lost.pop("Thompson sampling")
    return lines, [
        difference(about, f"Thompson sampling over {name}", share(values - thompson)) for name, values in lost.items()
    ]


def replay(archive: Archive, seed: int, runs: int | None = None) -> dict[str, np.ndarray]:
    """By policy, (titles,) float64: clicks lost to always showing the title's best image, which `best` has; expected, mean of the runs.

    Each title has as many impressions as its packages had. Thompson sampling begins with what the whole archive says of an image
    that was never shown, and shows each image as often as its draws win.
    """
    truth = (archive.clicks / archive.impressions)[archive.rows]
    total = np.bincount(archive.titles, archive.impressions[archive.rows])
    best = np.maximum.reduceat(truth, np.flatnonzero(np.diff(archive.titles, prepend=-1)))
    short = best[archive.titles] - truth
    before = _never_shown(archive)
    found: dict[str, list[np.ndarray]] = {"best": [best * total]}
    for run in range(runs or RUNS):
        rng = np.random.default_rng([seed, run])
        shown = {"Thompson sampling": _thompson(truth, archive.titles, total, before, rng)}
        for commit in COMMITS:
            shown[f"A/B test of {commit:.0%}, then the best"] = _commit(truth, archive.titles, total, commit, rng)
        for name, impressions in shown.items():
            found.setdefault(name, []).append(np.bincount(archive.titles, short * impressions))
    return {name: np.mean(values, axis=0) for name, values in found.items()}


def _never_shown(archive: Archive) -> tuple[float, float]:
    """(mean, strength) of an image of a title that nobody has seen."""
    counts = Counts(
        *(column[archive.rows].astype(float) for column in (archive.impressions, archive.clicks, archive.impressions))
    )
    rate = rate_of(counts.plays.sum(), counts.shown.sum())
    strengths = estimate_strengths(counts, archive.titles, rate)
    return rate, 1 / (1 / strengths.of_titles + 1 / strengths.of_artworks)


def _thompson(
    truth: np.ndarray, titles: np.ndarray, total: np.ndarray, before: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """(m,) float64: how often each image was shown."""
    mean, strength = before
    shown, clicks = np.zeros(len(truth)), np.zeros(len(truth))
    for _ in range(STEPS):
        alpha, beta = mean * strength + clicks, (1 - mean) * strength + shown - clicks
        drawn = rng.beta(alpha, beta, (DRAWS, len(truth)))
        winners = np.array([best_of(draw, titles, draw) for draw in drawn])
        share = np.bincount(winners.ravel(), minlength=len(truth)) / DRAWS
        more = np.round(share * total[titles] / STEPS)
        shown, clicks = shown + more, clicks + rng.binomial(more.astype(int), truth)
    return shown


def _commit(truth: np.ndarray, titles: np.ndarray, total: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The same: evenly for a share of the impressions, then the image with the highest rate, of equal ones any."""
    each = np.round(share * total / np.bincount(titles)).astype(int)[titles]
    rates = rng.binomial(each, truth) / np.maximum(each, 1)
    shown = each.astype(float)
    shown[best_of(rates, titles, rng.random(len(truth)))] += total - np.bincount(titles, each)
    return shown
