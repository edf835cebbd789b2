"""Calibration: from how much a picture resembles a tag to the probability that a person would give it that tag.

P = 1 / (1 + exp(-(slope * z + trust * prior + bias))): Platt scaling (Platt 1999) of the standardised similarity z, with one more
input, the log-odds with which persons give the tag to any picture. What persons did not write counts as not given.

How true it is, is measured on titles that it was not fitted to. There a picture is offered what an artwork without tags is offered
in earnest: the words of the other titles' artwork, and those that stand elsewhere.
"""

import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

FOLDS = 5
SMOOTHING = 5.0  # pictures: a tag's rate is taken with so many more, in which it is as frequent as the average tag
TAGS_PER_PICTURE = 2.0  # where nobody tagged anything; measured: 2.0 to 3.4, and a vocabulary has words that nobody will use
COMMONEST = 0.1  # ... and no tag is taken to be on more than every tenth picture, however few tags there are
PULL = 1.0  # the Gaussian prior (of this precision, around DEFAULT) that keeps a fit to a few pictures sane
BINS = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
STEPS = 50  # Newton's; it takes about ten
FEWEST = (50, 5)  # pictures and titles: with fewer, a fit follows chance


@dataclass(frozen=True)
class Calibration:
    """The three numbers of the formula above."""

    slope: float  # of z; never below 0: more alike is never less probable
    trust: float  # of the prior
    bias: float

    def probabilities(self, z: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """(…) float64 in 0..1 of z (…) and log-odds prior (…), which broadcast."""
        return _sigmoid(self.slope * z.astype(np.float64) + (self.trust * prior + self.bias))


# Fitted once to assets/catalog with the bundled checkpoint: 49 artworks of 10 titles, 101 tags, given 165 times. Resampling the
# titles moves the slope between 1.09 and 1.41 (5 % and 95 %). Of 1,000 photographs of Flickr8k and 113 nouns that three of five
# people used for them, the fit is 1.24, 1.09, -0.47; of 20 genres on 1,478 film posters, which are harder to see, 0.74, 1.08, -0.01.
DEFAULT = Calibration(slope=1.25, trust=1.0, bias=-0.72)
DEFAULT_ORIGIN = "the 49 tagged artworks of the bundled catalog and its checkpoint"


@dataclass(frozen=True)
class Judged:
    """Pictures that persons tagged, beside every tag of the vocabulary."""

    z: np.ndarray  # (pictures, tags) float32: standardised similarity
    given: np.ndarray  # (pictures, tags) bool: a person gave it
    title: Sequence[str]  # (pictures,) ids
    listed: np.ndarray  # (tags,) bool: the team asked for it, so that nobody having used it says nothing
    always: np.ndarray  # (tags,) bool: offered also where no other title's artwork bears it

    @property
    def titles(self) -> int:
        return len(set(self.title))

    @property
    def suffices(self) -> bool:
        """Whether a calibration can be fitted to it."""
        return len(self.given) >= FEWEST[0] and self.titles >= FEWEST[1]


@dataclass(frozen=True)
class Bin:
    """Pairs of a picture and a tag whose predicted probability lies in low..high."""

    low: float
    high: float
    pairs: int
    predicted: float  # mean
    observed: float  # share that persons gave


@dataclass(frozen=True)
class Reliability:
    """How true the probabilities are, on pictures of titles that they were not fitted to."""

    pictures: int
    titles: int
    pairs: int
    given: int  # tags that persons gave to these pictures
    outside: int  # of them, those that the picture was not offered: no other title's artwork bears them
    log_loss: float  # nats per pair
    log_loss_blind: float  # of the tags' rates alone, without a look at the picture
    bins: tuple[Bin, ...]
    threshold: float
    proposed: int  # pairs that reach the threshold
    precision: float | None  # share of them that persons gave; None where nothing reaches it
    recall: float | None  # share of what persons gave that reaches it, of all, also of what is outside


def calibrate(judged: Judged, threshold: float) -> tuple[Calibration, bool, Reliability | None]:
    """(the calibration, whether it was fitted here, how true it is); DEFAULT where too little is tagged to fit one."""
    fitted = judged.suffices
    calibration = fit_calibration(*_flat(_pairs(judged, range(FOLDS)))) if fitted else DEFAULT
    return calibration, fitted, _reliability(judged, fitted, threshold) if len(judged.given) else None


def fit_calibration(z: np.ndarray, prior: np.ndarray, given: np.ndarray) -> Calibration:
    """The most probable calibration of pairs (n,): z, prior log-odds, and whether it was given; by Newton's method."""
    design = np.stack([z, prior, np.ones(len(z))], axis=1).astype(np.float64)  # (n, 3)
    slope, trust, bias = _newton(design, given, np.array([DEFAULT.slope, DEFAULT.trust, DEFAULT.bias]))
    if slope < 0:  # pictures that are less alike bear the tag more often: chance, or a tower that sees nothing
        slope, (trust, bias) = 0.0, _newton(design[:, 1:], given, np.array([DEFAULT.trust, DEFAULT.bias]))
    return Calibration(float(slope), float(trust), float(bias))


def _newton(design: np.ndarray, given: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Minimises the log loss plus PULL / 2 times the squared distance from `start`; the step is halved where it overshoots."""
    weights, loss = start.copy(), _penalised(design, given, start, start)
    for _ in range(STEPS):
        probability = _sigmoid(design @ weights)
        gradient = design.T @ (probability - given) + PULL * (weights - start)
        curvature = (design.T * (probability * (1 - probability))) @ design + PULL * np.eye(len(start))
        step = np.linalg.solve(curvature, gradient)
        while (after := _penalised(design, given, weights - step, start)) > loss and np.abs(step).max() > 1e-9:
            step = step / 2
        weights, loss = weights - step, after
        if np.abs(step).max() < 1e-9:
            break
    return weights


def _penalised(design: np.ndarray, given: np.ndarray, weights: np.ndarray, start: np.ndarray) -> float:
    odds = design @ weights
    return float(np.logaddexp(0, odds).sum() - odds[given].sum() + PULL / 2 * ((weights - start) ** 2).sum())


def priors(counts: np.ndarray, pictures: int, listed: np.ndarray) -> np.ndarray:
    """(tags,) float64: log-odds with which persons give each tag, who gave it to `counts` (tags,) of so many pictures.

    What nobody uses grows less probable with every picture that was tagged without it; unless it is `listed` (tags,) bool, and so
    is wanted and new: then it counts as the average tag in use.
    """
    used = counts > 0
    average = counts.sum() / (pictures * used.sum()) if used.any() else min(COMMONEST, TAGS_PER_PICTURE / len(listed))
    rate = (counts + SMOOTHING * average) / (pictures + SMOOTHING)
    rate = np.minimum(np.where(listed & ~used, average, rate), 0.99)
    return np.asarray(np.log(rate / (1 - rate)))


def folds_of(titles: Sequence[str]) -> np.ndarray:
    """(pictures,) int: the fold of each picture's title; pictures of one title share a fold, and the folds are of like size."""
    ordered = sorted(set(titles), key=lambda title: (zlib.crc32(title.encode("utf-8", "surrogatepass")), title))
    fold = {title: number % FOLDS for number, title in enumerate(ordered)}
    return np.array([fold[title] for title in titles], np.int64)


Part = tuple[np.ndarray, np.ndarray, np.ndarray]  # pairs (n,): z float32, prior float64, given bool


def _pairs(judged: Judged, folds: Collection[int], without: Collection[int] = ()) -> Iterator[Part]:
    """The pairs of each of `folds`, by what is known from pictures neither of that fold nor of `without`."""
    fold_of = folds_of(judged.title)
    for fold in folds:
        others = judged.given[~np.isin(fold_of, [fold, *without])]
        counts, mine = others.sum(axis=0), fold_of == fold
        offered = judged.always | (counts > 0)
        z, given = judged.z[mine][:, offered], judged.given[mine][:, offered]
        prior = priors(counts, len(others), judged.listed)[offered]
        yield z.ravel(), np.broadcast_to(prior, z.shape).ravel(), given.ravel()


def _flat(parts: Iterator[Part]) -> Part:
    z, prior, given = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return z, prior, given


def _reliability(judged: Judged, fitted: bool, threshold: float) -> Reliability:
    predicted, blind, given = [], [], []
    for fold in range(FOLDS):
        rest = [other for other in range(FOLDS) if other != fold]
        calibration = fit_calibration(*_flat(_pairs(judged, rest, without=[fold]))) if fitted else DEFAULT
        z, prior, truth = _flat(_pairs(judged, [fold]))
        predicted.append(calibration.probabilities(z, prior))
        blind.append(_sigmoid(prior))
        given.append(truth)
    chances, truth = np.concatenate(predicted), np.concatenate(given)
    hits, total = truth[chances >= threshold], int(judged.given.sum())
    return Reliability(
        pictures=len(judged.given),
        titles=judged.titles,
        pairs=len(truth),
        given=total,
        outside=total - int(truth.sum()),
        log_loss=log_loss(chances, truth),
        log_loss_blind=log_loss(np.concatenate(blind), truth),
        bins=tuple(reliability_bins(chances, truth)),
        threshold=threshold,
        proposed=len(hits),
        precision=float(hits.mean()) if len(hits) else None,
        recall=float(hits.sum() / total) if total else None,
    )


def log_loss(predicted: np.ndarray, given: np.ndarray) -> float:
    """Mean of -log P of what was the case, in nats, of pairs (n,); 0 where there are none."""
    if not len(given):
        return 0.0
    chances = np.clip(np.where(given, predicted, 1 - predicted), 1e-12, 1.0)
    return float(-np.log(chances).mean())


def reliability_bins(predicted: np.ndarray, given: np.ndarray) -> Iterator[Bin]:
    """Predicted beside observed, of pairs (n,), in the BINS that hold any."""
    place = np.minimum(np.searchsorted(BINS, predicted, side="right") - 1, len(BINS) - 2)
    for number, (low, high) in enumerate(pairwise(BINS)):
        mine = place == number
        if mine.any():
            yield Bin(low, high, int(mine.sum()), float(predicted[mine].mean()), float(given[mine].mean()))


def _sigmoid(odds: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-np.logaddexp(0, -odds)))
