"""The door that compares two sides: its words, its JSON, its table and its gate."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from embed.store import Store
from index.publish import publish_snapshot
from match.matcher import Matcher

OTHERWISE = "similarity=0,people=0,words=0"  # what clicks alone would choose


def changed(store: Store, **weights: float) -> set[tuple[str, str]]:
    """(user, title) of each choice that these weights change, asked for one by one."""
    from dataclasses import replace

    former = Matcher.open(store)
    latter = former.with_weights(replace(former.weights, **weights))
    return {
        (user_id, before.title_id)
        for user_id in former.user_ids
        for before, now in zip(former.choose(user_id), latter.choose(user_id), strict=True)
        if (before.artwork and before.artwork.artwork_id) != (now.artwork and now.artwork.artwork_id)
    }


def test_json_and_table_have_the_choices_that_change(invoke: Callable, tmp_path: Path, served: Store) -> None:
    out = tmp_path / "new" / "changes.parquet"
    result = invoke("compare_matches", "--store", served.root, "--to", OTHERWISE, "--json", "--out", out, "--most-changed", 1)
    told, expected = json.loads(result.stdout), changed(served, similarity=0.0, people=0.0, words=0.0)
    assert (result.exit_code, told["most_changed"], told["exceeded"]) == (0, 1.0, False)
    assert told["changed"]["changed"] == len(expected) > 0
    assert sum(title["changed"] for title in told["lists"]["titles"]) == len(expected)
    assert {(row["user_id"], row["title_id"]) for row in pq.read_table(out).to_pylist()} == expected
    assert told["to"]["given"] == {"similarity": 0.0, "people": 0.0, "words": 0.0}
    gained, lost = (sum(abs(a - b) for a, b in (one["users"] for one in told["lists"][name])) for name in ("gained", "lost"))
    assert gained == lost > 0


def test_more_than_may_change_is_exit_code_1(invoke: Callable, served: Store) -> None:
    result = invoke("compare_matches", "--store", served.root, "--to", OTHERWISE, "--most-changed", 0)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("From snapshot 000001, which serves; ")
    assert "similarity 0, people 0, words 0" in lines[1]
    assert "of choices change (" in lines[2]
    assert lines[3].startswith("Why: ")
    assert lines[-1] == "More than the 0.0% that may change (--most-changed)."
    assert "Titles that change for most users" in result.stdout
    assert "Artwork that gains or loses most users" in result.stdout


def test_a_night_in_which_nothing_changed(invoke: Callable, served: Store) -> None:
    publish_snapshot(served)
    result = invoke("compare_matches", "--store", served.root, "--from", "snapshot=000001", "--most-changed", 0)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("From snapshot 000001; ")
    assert lines[1].startswith("To   snapshot 000002, which serves; ")
    assert lines[2].startswith("0.0% of choices change (0.0% to ")
    assert lines[-1] == "No more than the 0.0% that may change (--most-changed)."
    assert "Titles that change" not in result.stdout


def test_words_say_what_else_is_to_be_known() -> None:
    from artwork_doors.compare_matches import words

    side = {
        "store": None,
        "serves": False,
        "snapshot": {"name": "1"},
        "encoder": {"name": "a", "fingerprint": "b"},
        "weights": {},
    }
    told = {
        "from": {**side, "store": "OTHER"},
        "to": side,
        "differ": {"encoder": True},
        "users": {"compared": 2000, "known": 5000, "apart": [3, 4]},
        "titles": {"compared": 10, "changed": 1, "apart": [{"count": 0}, {"count": 2}]},
        "changed": {"changed": 2000, "choices": 20000, "users_changed": 2000, "value": 0.1, "low": 0.09, "high": 0.12}
        | {"reasons": {"retired": 1500, "people": 500}},
        "lines": 5,
        "artwork": {"retired": 1, "new": 0, "repainted": 6},
        "leads": [{"median": None, "ninety": None}, {"median": 0.5, "ninety": 0.75}],
        "agreement": {"tau": 0.875, "pairs": 3},
    }
    assert words(told) == [
        "From OTHER, snapshot 1; a b; ",
        "To   snapshot 1; a b; ",
        "10.0% of choices change (9.0% to 12.0% for users like these): 2,000 of 20,000 choices; 2,000 of 2,000 users, 1 of 10 titles.",
        "Why: gone 1,500, people 500.",
        "A sample: 2,000 users of 5,000, evenly spread.",
        "Not compared, since one side alone has them: 7 users, 2 titles.",
        "Artworks gone: 1, new: 0.",
        "Artworks with another picture under the same id: 6.",
        "Choices that keep their artwork and get another line of copy: 5.",
        "Orders within titles agree with Kendall's tau 0.88 (1: the same order).",
        "Two encoders: scores of one do not compare with scores of the other.",
    ]


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("snapshot=000009", "keeps no snapshot '000009'; it keeps 000001"),
        ("yesterday", "side 'yesterday': give some of store=…, snapshot=…"),
        ("store=nowhere", "no store at 'nowhere'"),
    ],
)
def test_what_is_no_side_is_one_line(invoke: Callable, refused: Callable, served: Store, side: str, message: str) -> None:
    assert message in refused(invoke("compare_matches", "--store", served.root, "--from", side))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "give --from SIDE or --to SIDE"), (["--to", "people=0", "--out", "changes.txt"], "must end in .csv or .parquet")],
)
def test_what_cannot_be_asked(invoke: Callable, served: Store, arguments: list[str], message: str) -> None:
    result = invoke("compare_matches", "--store", served.root, *arguments)
    assert (result.exit_code, message in result.stderr.replace("\n", " ")) == (2, True)
