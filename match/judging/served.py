"""A log of choices as it was served, to arrays that can be judged: every artwork that could have been shown, with its propensity."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import LogError
from match.judging.log import ROUNDING, Log


@dataclass(frozen=True)
class Placed:
    """Where n choices and everything they considered, m in all, lie in a Log: a title's artwork in columns of their own."""

    titles: np.ndarray  # (n,) int, from 0
    owners: np.ndarray  # (m,) int64 rows
    columns: np.ndarray  # (m,) int64, the same artwork's in all rows of its title
    shown: np.ndarray  # (n,) int64 columns of what was shown, -1 where never considered

    @property
    def width(self) -> int:
        """How many columns there are."""
        return int(self.columns.max(initial=0)) + 1


def log_of(choices: pa.Table, reward: np.ndarray, policy: np.ndarray, most: float = 1.0, placed: Placed | None = None) -> Log:
    """The log of n choices beside a policy, a title's artwork in columns of their own.

    choices: rows of one artwork shown each, with title_id, user_id, artwork_id, propensity, and `considered`, a list of (artwork_id,
    propensity ...) that could have been shown; reward: (n,) in 0..most of each, such as 1 for a quality play; policy: (m,) the judged
    policy's propensity of everything considered, row after row; what it lacks of 1 in a row is of artwork that was not considered, for
    which the log has a column of its own; placed: what `place` makes of the same choices, where many policies are judged on them.
    Choices that were kept from before were not drawn: leave them out, and give what they earned to the choice that they kept
    (match.judging.draws does so). Memory is n times the artwork of the largest title.

    Raises LogError where a row lacks what it needs, or shows what it did not consider; ValueError for a policy of another length.
    """
    placed = placed or place(choices)
    propensity = considered_of(choices).flatten().field("propensity")
    if policy.shape != (len(propensity),):
        raise ValueError(f"policy {policy.shape}: give ({len(propensity)},), one for each artwork that was considered")
    owners, columns, shown = placed.owners, placed.columns, placed.shown
    lacking = 1 - np.bincount(owners, policy, len(choices))
    beyond = int((lacking > ROUNDING).any())  # a column for what was not considered
    every = np.zeros((2, len(choices), placed.width + beyond))
    every[0, owners, columns], every[1, owners, columns] = propensity.to_numpy(zero_copy_only=False), policy
    if beyond:
        every[1, :, -1] = np.where(lacking > ROUNDING, lacking, 0.0)
    served, rows = choices["propensity"].to_numpy(), np.arange(len(choices))
    strange = (shown < 0) | (abs(every[0, rows, shown] - served) > ROUNDING)
    if strange.any():
        row = int(strange.argmax())
        raise LogError(
            f"choice {row} shows {choices['artwork_id'][row].as_py()!r} with propensity {served[row]:g}, which is not what it "
            "considered; leave out fallbacks and choices kept from before"
        )
    users = choices["user_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    return Log(shown, served, reward, every[1, rows, shown], every[0], every[1], placed.titles, users, most)


def considered_of(choices: pa.Table) -> pa.ListArray:
    """(n,) lists of the artwork considered; not copied where they are in one piece."""
    column = choices["considered"]
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def in_columns(placed: Placed, values: np.ndarray) -> np.ndarray:
    """(n, k) float64: values (m,) of what was considered where `log_of` has it, 0 elsewhere."""
    every = np.zeros((len(placed.shown), placed.width))
    every[placed.owners, placed.columns] = values
    return every


def place(choices: pa.Table) -> Placed:
    """Raises LogError where a row lacks what `log_of` needs."""
    names = ("title_id", "user_id", "artwork_id", "propensity", "considered")
    if missing := [name for name in names if name not in choices.column_names]:
        raise LogError(f"a log of choices has no {', '.join(missing)}; write it as the choices are served")
    if nameless := [name for name in names if choices[name].null_count]:
        raise LogError(f"a log of choices has rows without {', '.join(nameless)}; leave them out whole days at a time")
    considered, titles = considered_of(choices), choices["title_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    owners = np.repeat(np.arange(len(choices)), pc.list_value_length(considered).to_numpy())
    artwork = considered.flatten().field("artwork_id")
    return Placed(titles, owners, *_columns(titles, owners, artwork, choices["artwork_id"].combine_chunks()))


def _columns(titles: np.ndarray, owners: np.ndarray, artwork: pa.Array, shown: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """((m,), (n,) int64): the column of each artwork considered, and of those shown, -1 where never considered; a title's artwork are
    numbered from 0, the same in all its rows."""
    known = pc.unique(artwork)
    keys = titles[owners].astype(np.int64) * len(known) + pc.index_in(artwork, known).to_numpy()
    every, which = np.unique(keys, return_inverse=True)
    first = np.searchsorted(every, np.arange(titles.max() + 1, dtype=np.int64) * len(known))
    of_shown = pc.fill_null(pc.index_in(shown, known), -1).to_numpy().astype(np.int64)
    key = titles.astype(np.int64) * len(known) + of_shown
    at = np.searchsorted(every, key).clip(max=len(every) - 1)
    found = (of_shown >= 0) & (every[at] == key)
    return which - first[titles[owners]], np.where(found, at - first[titles], -1)
