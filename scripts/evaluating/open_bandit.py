"""The off-policy judge on Open Bandit Dataset (Saito et al. 2021, arXiv 2008.07146): clicks on fashion items at three positions, logged
under an even random policy and under Thompson sampling ("BTS"), for three campaigns.

Each policy is judged on the other's log, whose own mean is the truth, give or take its noise. Where Open Bandit Pipeline published its
estimates, ours are held against them. On logs of this size most estimates are far off: does the judge refuse? And on clicks drawn from
known rates, where it needn't: does it answer, and is it right?
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from artwork_doors.benching.figures import Figure
from artwork_doors.evaluating import scores
from artwork_doors.evaluating.verdicts import ClickMaterial, Line, Part, figure
from embed.errors import ArtworkMatcherError
from match.judging.estimators import direct, doubly_robust, logged
from match.judging.intervals import Estimate, estimates_of
from match.judging.log import Log
from match.judging.ranked import ranked_propensities
from match.judging.rewards import cross_fit, logistic
from match.judging.verdict import Judgement, judge

CAMPAIGNS = ("all", "men", "women")
POSITIONS = 3
RANDOM, BTS = "random", "bts"
NAMES = {RANDOM: "random", BTS: "BTS"}
DIRECTIONS = ((RANDOM, BTS), (BTS, RANDOM))  # whose log, and which policy is judged on it

# Open Bandit Pipeline's quickstart, campaign "all", random log, BTS judged, by 100,000 draws of BTS: clicks per 1,000 impressions, and
# how far ours may be off, as a share. Its folds, with which the reward model is cross-fitted, come of this seed.
PUBLISHED = {"IPS": (4.553, 0.01), "DM": (3.545, 0.05), "DR": (4.727, 0.01), "SNIPS": (4.776, 0.01)}
FOLDS, FOLDING = 3, 12345
TRUSTING = ("DM", "Switch-DR")  # estimators that take a model at its word
OTHER_FOLDINGS = 10

USER = tuple(f"user_feature_{number}" for number in range(4))
ITEM = tuple(f"item_feature_{number}" for number in (1, 2, 3))
PER = 1000.0  # clicks are told per so many impressions
UNIT = "per 1,000"

SIZES = ((10_000, 200), (100_000, 40), (1_000_000, 10))  # impressions of a drawn log, and how many are drawn
DRAWN_RESAMPLES = 200


@dataclass(frozen=True)
class Campaign:
    """Both logs of a campaign, and BTS as it was when the campaign began."""

    name: str
    logs: dict[str, "Rows"]  # by policy
    bts: np.ndarray  # (items, POSITIONS): the probability of each item at each position
    rates: np.ndarray  # (items,): clicks per impression, as BTS then believed of each item

    def policy(self, name: str) -> np.ndarray:
        """(items, POSITIONS) of a policy: what would have been shown where."""
        return self.bts if name == BTS else np.full_like(self.bts, 1 / len(self.bts))


@dataclass(frozen=True)
class Rows:
    """A log as it was read, in order of time."""

    item: np.ndarray  # (n,) int64
    position: np.ndarray  # (n,) int64 from 0
    click: np.ndarray  # (n,) float64
    propensity: np.ndarray  # (n,) float64
    context: np.ndarray  # (n, c) float64: the user's features, one-hot, the first value of each left out
    items: np.ndarray  # (items, 4) float64: three features as numbers in their order, and one that is a number


def measure(material: ClickMaterial) -> Part:
    """Ours beside the published; each policy on the other's log, with the judge's words; logs whose propensities are not true; drawn
    clicks. Raises ArtworkMatcherError where the data is not there or not in its form."""
    campaigns = [read_campaign(material.data, name) for name in CAMPAIGNS]
    lines, differences, refused = list[Line](), list[Figure](), list[bool]()
    worst = 0.0
    for campaign in campaigns:
        for log, policy in DIRECTIONS:
            judged = judged_on(campaign, log, policy, material)
            truth = truth_of(campaign.logs[policy], material)
            about = f"{campaign.name}, {NAMES[log]} log, {NAMES[policy]} judged"
            lines += [truth_line(about, policy, truth), *estimate_lines(about, judged, truth)]
            differences.append(difference_line(about, judged, truth))
            refused.append(judged.answer == "refused")
            off = abs(judged.estimates[judged.by].value / truth.value - 1)
            worst = max(worst, off) if refused[-1] else worst
            if (campaign.name, log) == ("all", RANDOM):
                lines += beside_published(about, judged)
                lines += other_foldings(about, campaign, material)
    lines += refusal_lines(refused, worst, [judged_on(one, BTS, RANDOM, material, untrue=True) for one in campaigns])
    lines += drawn_lines(campaigns[0], material)
    impressions = sum(len(rows.item) for campaign in campaigns for rows in campaign.logs.values())
    title = f"(a) Open Bandit Dataset, {impressions:,} impressions: each policy judged on the other's log; clicks {UNIT}"
    return Part("open_bandit", title, lines, differences)


# The data.


def read_campaign(data: Path, name: str) -> Campaign:
    """`open_bandit` of the data folder. Raises ArtworkMatcherError where a file or a column is not there."""
    folder = data / "open_bandit"
    alpha, beta = read_beta(folder / "prior_bts.yaml", name)
    logs = {log: read_rows(folder / log / name, name) for log in (RANDOM, BTS)}
    return Campaign(name, logs, ranked_propensities(alpha, beta, POSITIONS), alpha / (alpha + beta))


def read_rows(folder: Path, name: str) -> Rows:
    """The log and the items of a campaign under one policy."""
    table, items = (_read(folder / file) for file in (f"{name}.csv", "item_context.csv"))
    try:
        table = table.take(np.argsort(table["timestamp"].to_numpy(zero_copy_only=False).astype(str), kind="stable"))
        columns = [np.unique(items[feature].to_numpy(), return_inverse=True)[1] for feature in ITEM]
        return Rows(
            table["item_id"].to_numpy().astype(np.int64),
            table["position"].to_numpy().astype(np.int64) - 1,
            table["click"].to_numpy().astype(np.float64),
            table["propensity_score"].to_numpy().astype(np.float64),
            np.column_stack([_one_hot(table[feature].to_numpy()) for feature in USER]),
            np.column_stack([*columns, items["item_feature_0"].to_numpy()]).astype(np.float64),
        )
    except KeyError as error:
        raise ArtworkMatcherError(f"{folder}: {error.args[0]}; give Open Bandit Dataset as it is published") from error


def _read(file: Path) -> pa.Table:
    if not file.is_file():
        raise ArtworkMatcherError(f"no research data at {str(file)!r}; give the folder that has open_bandit with --data")
    return csv.read_csv(file, convert_options=csv.ConvertOptions(column_types={"timestamp": pa.string()}))


def _one_hot(values: np.ndarray) -> np.ndarray:
    known, which = np.unique(values.astype(str), return_inverse=True)
    return np.eye(len(known))[which][:, 1:]


def read_beta(file: Path, campaign: str) -> tuple[np.ndarray, np.ndarray]:
    """(alpha, beta) of a campaign's items, each (items,). The file is YAML, of which it uses names and lists of numbers only."""
    if not file.is_file():
        raise ArtworkMatcherError(f"no research data at {str(file)!r}; give the folder that has open_bandit with --data")
    found: dict[tuple[str, str], list[float]] = {}
    names = ["", ""]
    for line in file.read_text(encoding="utf-8").splitlines():
        said = line.strip()
        if said.endswith(":"):
            names = [said[:-1], ""] if not line.startswith(" ") else [names[0], said[:-1]]
        elif said.startswith("- "):
            found.setdefault((names[0], names[1]), []).append(float(said[2:]))
    try:
        return np.array(found[campaign, "alpha"]), np.array(found[campaign, "beta"])
    except KeyError as error:
        raise ArtworkMatcherError(f"{file}: no alpha and beta of campaign {campaign!r}") from error


# The judge.


def log_of(campaign: Campaign, log: str, policy: str, *, untrue: bool = False) -> Log:
    """One policy's log beside what the other would have done.

    BTS learned while it served: its log has the propensity of what was shown, not of every item. untrue: those that it began with
    are taken for logged ones, a mistake that is easily made.
    """
    rows, judged, own = campaign.logs[log], campaign.policy(policy), campaign.policy(log)
    known = log == RANDOM or untrue
    return Log(
        shown=rows.item,
        propensity=own[rows.item, rows.position] if known else rows.propensity,
        reward=rows.click,
        policy=judged[rows.item, rows.position],
        propensities=own.T[rows.position] if known else None,
        policies=judged.T[rows.position],
        group=rows.position,
    )


def judged_on(campaign: Campaign, log: str, policy: str, material: ClickMaterial, *, untrue: bool = False) -> Judgement:
    """The judge's answer, with the pipeline's reward model and its folds."""
    rows, view = campaign.logs[log], log_of(campaign, log, policy, untrue=untrue)
    predicted = cross_fit(logistic(view, rows.context, rows.items), folds(len(view)))
    return judge(view, predicted, resamples=material.resamples, seed=material.seed)


def folds(impressions: int, seed: int = FOLDING) -> np.ndarray:
    """(impressions,) int64: as scikit-learn's KFold(FOLDS, shuffle=True) deals them by this seed."""
    order, found = np.arange(impressions), np.empty(impressions, np.int64)
    np.random.RandomState(seed).shuffle(order)
    for fold, rows in enumerate(np.array_split(order, FOLDS)):
        found[rows] = fold
    return found


def truth_of(rows: Rows, material: ClickMaterial) -> Estimate:
    """What a policy's own log earned, with its own noise."""
    n = len(rows.click)
    log = Log(rows.item, rows.propensity, rows.click, rows.propensity)
    (found,), _ = estimates_of([logged(log)], np.arange(n), material.resamples, material.seed)
    return found


# The lines.


def truth_line(about: str, policy: str, truth: Estimate) -> Line:
    """The policy's own log."""
    return _line(about, f"truth: the {NAMES[policy]} log's own", truth, None, note="")


def estimate_lines(about: str, judged: Judgement, truth: Estimate) -> Iterator[Line]:
    """Every estimator, with how far it is off."""
    for estimate in judged.estimates.values():
        note = f"{100 * (estimate.value / truth.value - 1):+.0f} % off the truth"
        if estimate.name in TRUSTING:
            note += "; the model's own error is not in the interval"
        elif estimate.sure is not None:
            note += f"; by empirical Bernstein {PER * estimate.sure[0]:.1f} to {PER * estimate.sure[1]:.1f}"
        yield _line(about, estimate.name, estimate, truth, note)


def _line(about: str, name: str, found: Estimate, truth: Estimate | None, note: str) -> Line:
    value, low, high = (PER * edge for edge in (found.value, found.low, found.high))
    return Line(
        about, f"{about}: {name}", value, UNIT, low, high, note=note, truth=None if truth is None else PER * truth.value
    )


def difference_line(about: str, judged: Judgement, truth: Estimate) -> Figure:
    """The judge's own words on whether the policy is better than the log's."""
    assert judged.difference is not None
    assert judged.logged is not None
    d, actual = judged.difference, truth.value - judged.logged.value
    note = f"{judged.words} (truth: {PER * actual:+.1f} {UNIT})"
    return Figure(about, f"{about}: {d.name}", PER * d.value, UNIT, PER * d.low, PER * d.high, note=note)


def beside_published(about: str, judged: Judgement) -> Iterator[Line]:
    """How far ours is off the pipeline's own estimate."""
    for name, (published, most) in PUBLISHED.items():
        ours = PER * judged.estimates[name].value
        off = 100 * abs(ours / published - 1)
        note = f"{ours:.3f}, published {published:.3f} {UNIT}"
        yield Line(
            f"{about}: beside the published",
            f"{about}: {name} off the published",
            off,
            "%",
            target=100 * most,
            at_most=True,
            note=note,
        )


def other_foldings(about: str, campaign: Campaign, material: ClickMaterial) -> Iterator[Line]:
    """What DM and DR would have been by other folds: how much of the published value is the luck of one seed."""
    rows, view = campaign.logs[RANDOM], log_of(campaign, RANDOM, BTS)
    model = logistic(view, rows.context, rows.items)
    found: dict[str, list[float]] = {"DM": [], "DR": []}
    for seed in range(material.seed, material.seed + OTHER_FOLDINGS):
        predicted = cross_fit(model, folds(len(view), seed))
        found["DM"].append(PER * direct(view, predicted).value)
        found["DR"].append(PER * doubly_robust(view, predicted).value)
    for name, values in found.items():
        note = f"median, least and most of {OTHER_FOLDINGS}"
        yield Line(
            f"{about}: other folds",
            f"{about}: {name} by other folds",
            float(np.median(values)),
            UNIT,
            min(values),
            max(values),
            note=note,
        )


def refusal_lines(refused: Sequence[bool], worst: float, untrue: Sequence[Judgement]) -> Iterator[Line]:
    """Whether the refusal spoke where it should."""
    about = "refusals"
    note = f"of {len(refused)}; the worst refused estimate was {100 * worst:.0f} % off"
    yield Line(about, "campaigns and directions refused", float(sum(refused)), "", note=note)
    caught = [any("propensities" in reason for reason in one.reasons) for one in untrue]
    note = "BTS' first propensities taken for the logged ones; refused for being untrue"
    yield Line(
        about, "logs with untrue propensities refused as such", float(sum(caught)), "", target=float(len(untrue)), note=note
    )


def drawn_lines(campaign: Campaign, material: ClickMaterial) -> Iterator[Line]:
    """Clicks drawn from what BTS believed of the items, which the even policy shows: how often the judge refuses to say whether BTS is
    better, says what is wrong, and has the truth within its intervals, by the length of the log."""
    random = np.random.default_rng(material.seed)
    truth, even = (
        float(campaign.rates @ policy.sum(axis=1)) / POSITIONS for policy in (campaign.policy(BTS), campaign.policy(RANDOM))
    )
    about = f"{campaign.name}, random log with clicks drawn, BTS {100 * (truth / even - 1):+.0f} %"
    for impressions, logs in SIZES:
        found = [judge(drawn_log(campaign, impressions, random), resamples=DRAWN_RESAMPLES, seed=seed) for seed in range(logs)]
        answers = [one.answer for one in found]
        held = [one.estimates["SNIPS"].low <= truth <= one.estimates["SNIPS"].high for one in found]
        sure = [one.estimates["IPS"].sure for one in found]
        known = [edges is not None and edges[0] <= truth <= edges[1] for edges in sure]
        right = "better" if truth > even else "worse"
        wrong = [answer not in (right, "refused") for answer in answers]
        for name, happened in (
            ("refused", [answer == "refused" for answer in answers]),
            ("answered wrongly", wrong),
            ("SNIPS' interval holds the truth", held),
            ("IPS' empirical Bernstein interval holds the truth", known),
        ):
            share = scores.share(sum(happened), logs)
            yield figure(about, f"{about}: {impressions:,} impressions, {name}", share, note=f"of {logs} logs")


def drawn_log(campaign: Campaign, impressions: int, random: np.random.Generator) -> Log:
    """An even random log with clicks at the rates that BTS believed in, BTS judged."""
    items = len(campaign.rates)
    item, position = random.integers(0, items, impressions), random.integers(0, POSITIONS, impressions)
    return Log(
        shown=item,
        propensity=np.full(impressions, 1 / items),
        reward=(random.random(impressions) < campaign.rates[item]).astype(np.float64),
        policy=campaign.bts[item, position],
        group=position,
        largest_weight=float(campaign.bts.max() * items),
    )
