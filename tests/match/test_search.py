"""Phrases, people, a segment at once, on vectors whose right answer is known by construction."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.records import PRIOR
from index.fits import Question
from index.snapshot import open_snapshot
from index.wanted import Wanted
from match.blend import Prior
from match.clicks.priors import Priors
from match.search import Search, search

UNKNOWN = Priors(PRIOR.empty_table(), Prior(0.05, 0, 0))
ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


def clicked(**means: float) -> Priors:
    rows = [
        {"title_id": "-", "artwork_id": artwork_id, "impressions": 10, "plays": 1, "mean": mean}
        for artwork_id, mean in means.items()
    ]
    return Priors(pa.Table.from_pylist(rows, schema=PRIOR), Prior(0.05, 0, 0))


@pytest.fixture
def find(shared_store: Any) -> Callable[..., list[str]]:
    """find(asked, priors, count) -> artwork_ids, the best first."""
    snapshot = open_snapshot(shared_store)

    def run(asked: Search, priors: Priors = UNKNOWN, count: int = 10) -> list[str]:
        return [hit.artwork_id for hit in search(snapshot, priors, asked, count).hits]

    return run


def test_words_alone_look_through_everything(find: Callable[..., list[str]]) -> None:
    assert find(Search([Question("clown", COMEDY)]), count=1) == ["clown"]
    assert set(find(Search([Question("fear", HORROR)]), count=2)) == {"ghost", "only"}
    assert len(find(Search([Question("fear", HORROR)]))) == 6


def test_names_and_words_combine(find: Callable[..., list[str]]) -> None:
    fear = [Question("fear", HORROR)]
    assert find(Search(fear, Wanted(titles=("harbour",))))[0] == "ghost"
    assert find(Search(fear, Wanted(titles=("harbour",)), "teens", clicked(clown=0.1, kiss=0.2))) == ["clown", "kiss"]
    assert find(Search(fear, Wanted(people=("cleo vance",)))) == ["caper-cleo"]


def test_without_words_the_most_played_come_first_then_the_catalog_s_order(find: Callable[..., list[str]]) -> None:
    harbour = Wanted(titles=("harbour",))
    assert find(Search(wanted=harbour)) == ["clown", "ghost", "kiss"]
    assert find(Search(wanted=harbour), clicked(kiss=0.2, clown=0.01)) == ["kiss", "ghost", "clown"]
    assert find(Search(wanted=harbour), clicked(kiss=0.2, clown=0.01), 2) == ["kiss", "ghost"]
    teens = Search(segment="teens", in_segment=clicked(ghost=0.1, only=0.3))
    assert find(teens, clicked(ghost=0.9)) == ["only", "ghost"]


def test_an_answer_says_why(shared_store: Any) -> None:
    asked = Search([Question("fear", HORROR), Question("", COMEDY, 0.5)], Wanted(people=("CLEO vance",)), "teens", None)
    asked = replace(asked, in_segment=clicked(**{"caper-cleo": 0.25, "kiss": 0.5}))
    answer = search(open_snapshot(shared_store), clicked(**{"caper-cleo": 0.125}), asked, 5)
    (hit,) = answer.hits
    assert answer.conditions == (("shows CLEO vance", 1), ("shown to teens", 2))
    assert (answer.passing, answer.how, answer.recall) == (1, "exact", 1.0)
    assert (hit.title_id, hit.path, hit.people, hit.tags) == ("caper", "caper-cleo.png", ("Cleo  VANCE",), ())
    assert (hit.prior, hit.segment) == (Prior(0.125, 10, 1), Prior(0.25, 10, 1))
    (met,) = hit.met  # the question without a name has a say, and is not told of
    assert (met.question, met.similarity) == ("fear", 0)
    assert met.fit < 0
    assert hit.fit is not None
    assert hit.fit < 0


def test_what_nothing_meets_says_what_each_condition_leaves(shared_store: Any) -> None:
    asked = Search(wanted=Wanted(people=("Ben Marsh", "Cleo Vance"), titles=("caper",)))
    answer = search(open_snapshot(shared_store), UNKNOWN, asked, 5)
    assert (answer.hits, answer.passing) == ((), 0)
    assert answer.conditions == (("shows Ben Marsh", 1), ("shows Cleo Vance", 1), ("of caper", 2))


def test_an_empty_catalog(make_store: Callable[..., Any], tmp_path: Path) -> None:
    snapshot = open_snapshot(make_store(tmp_path / "store", {"bare": []}))
    assert search(snapshot, UNKNOWN, Search([Question("fear", HORROR)]), 5).hits == ()
    assert search(snapshot, UNKNOWN, Search(wanted=Wanted(titles=("bare",))), 5).hits == ()
