"""A log of choices, simulated: viewers come and see a page, the product explores it, and what they play is drawn from their tastes.

What is believed of viewers and artwork is near the truth, and not the truth, as in a service that has run for a while. A page's
choices are those of match.exploring, kept for a day; the log is the one that a Matcher would have written.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa

from embed.records import PLAY
from match.blend import Weights, expit, logit
from match.exploring.keeping import Shown
from match.exploring.log import PageLog, Where, log_of
from match.exploring.page import Beliefs, explore
from match.exploring.policies import Exploration
from match.exploring.thompson import Posteriors
from match.judging.candidates import Candidate
from match.judging.draws import Draws

LIKING = 0.5  # standard deviation of a segment's liking of an artwork, in log-odds
UNKNOWN = 0.25  # of what is believed of liking and appeal, less the truth
STRENGTH = 400.0  # impressions that what is believed of an artwork is worth
A_PAGE = 8  # titles


@dataclass(frozen=True)
class Truth:
    """What nobody knows of the artwork, n of them, and what is believed."""

    titles: list[str]
    starts: np.ndarray  # (titles + 1,) int64
    artworks: list[str]  # (n,) by title
    chances: np.ndarray  # (segments, n): of a play
    quality: np.ndarray  # (n,): the share of plays that are watched
    prior: np.ndarray  # (n,) log-odds as they are believed
    similarity: np.ndarray  # (segments, n) likewise, of what is personal

    def earned(self, draws: Draws, segments: np.ndarray, candidate: Candidate) -> float:
        """What a candidate would have brought on draws: the mean chance of a quality play at one of a draw's impressions or more.

        segments: (draws,) of the users.
        """
        places = {name: place for place, name in enumerate(self.artworks)}
        at = np.array([places[name] for name in draws.considered.field("artwork_id").to_pylist()], np.int64)
        owners = np.repeat(np.arange(len(draws.choices)), np.diff(draws.starts))
        once = self.chances[segments[owners], at] * self.quality[at]
        ever = 1 - (1 - once) ** draws.choices["impressions"].to_numpy()[owners]
        return float((candidate.propensities(draws.considered, draws.starts) * ever).sum() / len(draws.choices))


def make_truth(titles: list[str], artworks: list[str], rate: float, appeal: float, segments: int, seed: int) -> Truth:
    """titles: (n,) of each artwork."""
    rng = np.random.default_rng([seed, 4])
    order = sorted(range(len(titles)), key=lambda row: (titles[row], artworks[row]))
    names, counts = np.unique([titles[row] for row in order], return_counts=True)
    count = len(order)
    liking = rng.normal(0, LIKING, (segments, count))
    own = logit(rate) + rng.normal(0, appeal, count)
    quality = rng.uniform(0.65, 0.85, count)
    believed = own + np.log(quality) + rng.normal(0, UNKNOWN, count)
    similarity = liking + rng.normal(0, UNKNOWN, liking.shape)
    starts = np.append(0, np.cumsum(counts))
    return Truth(names.tolist(), starts, [artworks[row] for row in order], expit(own + liking), quality, believed, similarity)


def simulate_choices(
    truth: Truth, how: Exploration, viewers: np.ndarray, pages: int, first: datetime, days: int, seed: int
) -> tuple[pa.Table, pa.Table]:
    """Choices as CHOICE_LOG has them, and plays. viewers: (v,) segment of each."""
    rng = np.random.default_rng([seed, 5])
    history: dict[tuple[str, str], Shown] = {}
    tables, whose = [], []
    for second in np.sort(rng.integers(0, days * 86400, pages)).tolist():
        viewer, at = int(rng.integers(len(viewers))), first + timedelta(seconds=second)
        shown = rng.permutation(len(truth.titles))[:A_PAGE]
        page = _page(truth, how, viewer, int(viewers[viewer]), np.sort(shown), at, history)
        history |= {
            (page.user_id, title): Shown(artwork, at) for title, artwork in zip(page.title_ids, page.artwork_ids, strict=True)
        }
        tables.append(page.table)
        whose += [viewers[viewer]] * len(page.title_ids)
    choices = pa.concat_tables(tables)
    return choices, _plays(truth, choices, np.array(whose, np.int64), rng)


def _page(
    truth: Truth,
    how: Exploration,
    viewer: int,
    segment: int,
    titles: np.ndarray,
    at: datetime,
    history: dict[tuple[str, str], Shown],
) -> PageLog:
    places = np.concatenate([np.arange(*truth.starts[title : title + 2]) for title in titles.tolist()])
    starts = np.append(0, np.cumsum(truth.starts[titles + 1] - truth.starts[titles]))
    prior, similarity = truth.prior[places], truth.similarity[segment, places]
    posteriors = Posteriors(STRENGTH * expit(prior), STRENGTH * expit(-prior), similarity)
    user, names, none = f"viewer-{viewer:03}", [truth.titles[title] for title in titles.tolist()], np.zeros(len(places))

    def ids(some: np.ndarray) -> pa.Array:
        return pa.array([truth.artworks[place] for place in places[some].tolist()])

    scores, turns = prior + similarity, np.arange(len(titles))
    beliefs = Beliefs(
        user,
        names,
        turns,
        starts,
        np.ones(len(places), bool),
        scores,
        posteriors,
        lambda: ids(np.arange(len(places))).to_pylist(),
    )
    explored = explore(how, beliefs, at, None, history)
    parts = {"score": scores, "prior": prior, "similarity": similarity, "people": none, "words": none}
    shown = ids(explored.places).to_pylist()
    where, of_page = Where(segment=f"segment-{segment}"), (names, starts, turns)
    return log_of(
        how, explored, user, "simulated", at, where, of_page, ids, shown, [None] * len(names), parts, posteriors, Weights()
    )


def _plays(truth: Truth, choices: pa.Table, segments: np.ndarray, rng: np.random.Generator) -> pa.Table:
    places = {name: place for place, name in enumerate(truth.artworks)}
    at = np.array([places[name] for name in choices["artwork_id"].to_pylist()], np.int64)
    played = np.flatnonzero(rng.random(len(at)) < truth.chances[segments, at])
    watched = rng.random(len(played)) < truth.quality[at[played]]
    fractions = np.where(watched, rng.uniform(0.25, 1, len(played)), rng.uniform(0.005, 0.08, len(played)))
    rows = choices.select(["impression_id", "shown_at"]).take(played).to_pylist()
    return pa.Table.from_pylist(
        [
            {
                "impression_id": row["impression_id"],
                "played_at": row["shown_at"] + timedelta(seconds=20),
                "seconds": 5400 * fraction,
                "fraction": fraction,
            }
            for row, fraction in zip(rows, fractions.tolist(), strict=True)
        ],
        schema=PLAY,
    )
