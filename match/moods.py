"""The interests of a block of users in one matrix product, and what each user's make together.

A column of a matrix is what sets an artwork or a line apart from its title's, and its log-odds as one more number.
"""

from dataclasses import dataclass

import numpy as np

from match.blend import SHARPNESS, TIE_DIGITS, log_sum_exp
from match.crowd import Queries

ROUNDING = 2.0**-22  # of a score's size: twice the most that scores of a matrix product and of FAISS were apart in millions


@dataclass(frozen=True)
class Several:
    """Users of a block with equally many interests, more than one."""

    users: np.ndarray  # (u,) int64
    begin: int  # the first of their queries: all users' first interests, all users' second, ...
    shares: np.ndarray  # (interests, u) float64


def laid_out(asked: Queries, scale: float) -> tuple[np.ndarray, list[Several]]:
    """((d + 1, queries) float32, such that a matrix times it is the score of each interest; and who has how many of them).

    Each user's first interest stands at the user's place; after them those of all who have two, of all who have three, ...
    """
    counts = np.bincount(asked.users)
    firsts = np.cumsum(counts) - counts
    places, several = [firsts], []
    for count in np.unique(counts[counts > 1]).tolist():
        users = np.flatnonzero(counts == count)
        numbers = firsts[users] + np.arange(count)[:, None]  # (count, users)
        several.append(Several(users, sum(map(len, places)), asked.shares[numbers]))
        places.append(numbers.reshape(-1))
    order = np.concatenate(places)
    queries = np.ones((len(order), asked.vectors.shape[1] + 1), np.float32)
    queries[:, :-1] = asked.vectors[order] * np.float32(scale)
    return queries.T, several


def mix(scores: np.ndarray, several: list[Several], unit: float) -> None:
    """Put `blend.similarity_of` in the place of the first interest's, for users who have more than one.

    scores: (columns, queries), log-odds + w s of each interest alone; unit: w. S is divided by w, and the log-odds stay.
    """
    for some in several if unit else ():
        sharpness = np.float32(SHARPNESS / unit)
        each = scores[:, some.begin : some.begin + some.shares.size].reshape(len(scores), len(some.shares), -1)
        worth = sharpness * each + np.log(some.shares).astype(np.float32)
        scores[:, some.users] = log_sum_exp(worth, axis=1) / sharpness


def tolerance(queries: np.ndarray, columns: float, more: float) -> np.float32:
    """How far the best must be ahead to be the Matcher's best, too: what rounding for ties and what float32 may take.

    queries: as `laid_out` has them; columns: how many unit vectors a column is made of; more: the size of what else is in a score.
    """
    lengths = np.sqrt(np.einsum("du,du->u", queries[:-1], queries[:-1]).max(initial=0.0))
    return np.float32(2 * 10.0**-TIE_DIGITS + ROUNDING * (lengths * columns + more))
