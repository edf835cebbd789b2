"""Candidates judged on logs that the Matcher wrote, where it is known what each would truly have brought."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from embed.errors import LogError
from embed.records import PLAY
from index.filters import Context
from match.clicks.rules import Rules
from match.exploring.keeping import Shown
from match.exploring.log import as_json, lines_of
from match.exploring.policies import Exploration
from match.exploring.serving import Exploring
from match.judging.candidates import Candidate, universal
from match.judging.comparison import Comparison, Question, compare
from match.judging.draws import read_draws
from match.matcher import Matcher

COMEDY, HORROR, ROMANCE, PLAIN = np.eye(4, dtype=np.float32)
TASTES = {"comedy": COMEDY, "horror": HORROR, "romance": ROMANCE}  # each likes the picture that is called so
TITLES, USERS, LOOKS = 5, 360, 2
MORNING = datetime(2026, 10, 5, 9, tzinfo=UTC)
NO_WAIT = Rules(wait=0)
POLICIES = (Candidate("best"), universal(), Candidate("random", floor=1.0), Candidate("softmax", "softmax", floor=0.1))
ASKED = Question(POLICIES, rules=NO_WAIT, resamples=200)


def liking(user: str, artwork: str) -> float:
    """The probability of a quality play at one look."""
    return 0.2 if user.partition("-")[0] == artwork.partition("-")[0] else 0.06


def truth(logs: Path, candidate: Candidate) -> float:
    """What a candidate would have brought on the draws of a log: the chance that one look or more leads to a quality play."""
    draws = read_draws(logs, NO_WAIT)
    users = np.repeat(draws.choices["user_id"].to_numpy(), np.diff(draws.starts))
    artworks = draws.considered.field("artwork_id").to_pylist()
    missed = np.array([1 - liking(user, artwork) for user, artwork in zip(users, artworks, strict=True)])
    looks = np.repeat(draws.choices["impressions"].to_numpy(), np.diff(draws.starts))
    return float(candidate.propensities(draws.considered, draws.starts) @ (1 - missed**looks) / len(draws.played))


@dataclass(frozen=True)
class World:
    """A store whose users each like one kind of picture, of which every title has one."""

    matcher: Matcher
    users: list[str]

    def choices(self, how: Exploration) -> pa.Table:
        """A day on which everyone looks in the morning, and in the evening, when what was drawn is kept."""
        pages: list[Any] = []
        history: dict[tuple[str, str], Shown] = {}
        for look in range(LOOKS):
            at = MORNING + timedelta(hours=10 * look)
            exploring = Exploring(how, guards=None, log=pages.append, history=history)
            self.matcher.choose_many(self.users, None, Context(at=at), explore=exploring)
            for page in pages:
                history |= {(page.user_id, t): Shown(a, at) for t, a in zip(page.title_ids, page.artwork_ids, strict=True)}
        return pa.concat_tables([page.table for page in pages])


def write(folder: Path, choices: pa.Table, seed: int = 0) -> Path:
    """A folder of logs, with the plays that come of the choices."""
    folder.mkdir()
    pq.write_table(choices, folder / "impressions.parquet")
    rows = choices.select(["impression_id", "user_id", "artwork_id", "shown_at"]).to_pylist()
    luck = np.random.default_rng(seed).random(len(rows))
    plays = [
        {"impression_id": row["impression_id"], "played_at": row["shown_at"], "seconds": 900.0, "fraction": 0.5}
        for row, number in zip(rows, luck.tolist(), strict=True)
        if number < liking(row["user_id"], row["artwork_id"])
    ]
    pq.write_table(pa.Table.from_pylist(plays, schema=PLAY), folder / "plays.parquet")
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, make_store: Callable[..., Any]) -> World:
    titles = {
        f"t{number}": [{"artwork_id": f"{name}-{number}", "vector": vector} for name, vector in TASTES.items()]
        for number in range(TITLES)
    }
    users = [f"{list(TASTES)[number % 3]}-{number}" for number in range(USERS)]
    phrases = {user: [(user.partition("-")[0], "genre", 1.0, TASTES[user.partition("-")[0]])] for user in users}
    return World(Matcher.open(make_store(tmp_path_factory.mktemp("judged") / "store", titles, phrases)), users)


@pytest.fixture(scope="module")
def choices(world: World) -> pa.Table:
    return world.choices(Exploration("thompson", floor=0.4))


@pytest.fixture(scope="module")
def found(logs: Path) -> Comparison:
    return compare(logs, ASKED)


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory, choices: pa.Table) -> Path:
    return write(tmp_path_factory.mktemp("logs") / "logs", choices)


def considered(choices: pa.Table, change: Callable[[np.ndarray], np.ndarray]) -> pa.Table:
    """The same choices with the propensities of each, (n, 3), changed; that of what was shown, too."""
    rows = choices.to_pylist()
    for row in (row for row in rows if row["kept"] is None):
        changed = change(np.array([one["propensity"] for one in row["considered"]])).tolist()
        for one, propensity in zip(row["considered"], changed, strict=True):
            one["propensity"] = propensity
            row["propensity"] = propensity if one["artwork_id"] == row["artwork_id"] else row["propensity"]
    return pa.Table.from_pylist(rows, schema=choices.schema)


def test_what_each_policy_would_truly_have_brought_lies_in_its_intervals(logs: Path, found: Comparison) -> None:
    assert found.policies == ("thompson",)
    for one in POLICIES:
        judged, brought = found.judged[one.name], truth(logs, one)
        for name in ("replay", "IPS", "SNIPS", "DR"):
            estimate = judged.estimates[name]
            assert estimate.low < brought < estimate.high, (one.name, name)
            assert estimate.sure is not None
            assert estimate.sure[0] <= brought <= estimate.sure[1]
    answers = {name: one.answer for name, one in found.judged.items()}
    assert answers == {"best": "better", "prior": "refused", "random": "worse", "softmax": "better"}
    assert "it speaks of this policy as" in found.judged["prior"].words  # whose artwork the log seldom shows to most
    assert found.model == "the score as it was logged"  # which artwork alone is worth nothing here


def test_what_was_kept_counts_with_the_draw_that_it_kept(
    logs: Path, choices: pa.Table, found: Comparison, tmp_path: Path
) -> None:
    """Those who leave out what was kept, and with it what it earned, are told what one look brings."""
    draws = read_draws(logs, NO_WAIT)
    assert (draws.left.draws, draws.left.impressions, draws.left.lost) == (USERS * TITLES, LOOKS * USERS * TITLES, 0)
    own = found.logged
    assert own is not None
    users, artworks = (draws.choices[name].to_pylist() for name in ("user_id", "artwork_id"))
    missed = np.array([1 - liking(user, artwork) for user, artwork in zip(users, artworks, strict=True)])
    assert own.low < (1 - missed**LOOKS).mean() < own.high
    once = compare(write(tmp_path / "once", choices.filter(pc.is_null(choices["kept"]))), ASKED).logged
    assert once is not None
    assert once.high < own.low


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p**2 / (p**2).sum(), "its propensities say"),
        (lambda p: np.full(len(p), 1 / len(p)), "weights average 2."),  # per artwork and per propensity all is well
        (lambda p: np.roll(p, 1), "its propensities say"),
    ],
    ids=["of another temperature", "of another policy", "of other artwork"],
)
def test_propensities_that_lie_are_noticed(
    choices: pa.Table, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], said: str
) -> None:
    found = compare(write(tmp_path / "logs", considered(choices, change)), replace(ASKED, candidates=POLICIES[:1]))
    (judged,) = found.judged.values()
    assert judged.answer == "refused"
    assert any(said in reason for reason in judged.reasons), judged.reasons
    assert "No number of such draws would do" in judged.words


def test_a_log_without_exploration_is_refused(world: World, tmp_path: Path) -> None:
    users = World(world.matcher, world.users[:30])
    found = compare(write(tmp_path / "logs", users.choices(Exploration("best", floor=0))), ASKED)
    for judged in found.judged.values():
        assert judged.answer == "refused"
        assert "show the best artwork, without a floor" in judged.reasons[0]
        assert judged.takes == "No number of such draws would do"


def table_of(logs: Path, candidate: Candidate) -> pa.Table:
    """Its propensities as a file has them."""
    draws = read_draws(logs, NO_WAIT)
    owners = np.repeat(np.arange(len(draws.played)), np.diff(draws.starts))
    columns = {
        "impression_id": draws.choices["impression_id"].take(pa.array(owners)),
        "artwork_id": draws.considered.field("artwork_id"),
        "propensity": candidate.propensities(draws.considered, draws.starts),
    }
    return pa.table(columns)


def test_a_table_of_propensities_is_judged_as_the_policy_that_made_it(logs: Path, tmp_path: Path) -> None:
    (softmax,) = POLICIES[3:]
    shuffled = table_of(logs, softmax).take(np.random.default_rng(0).permutation(USERS * TITLES * 3))
    pq.write_table(shuffled, tmp_path / "own.parquet")
    found = compare(logs, replace(ASKED, candidates=(softmax,), tables={"own": tmp_path / "own.parquet"}))
    for name in ("IPS", "SNIPS", "DM", "DR"):
        own, softmax_s = (found.judged[which].estimates[name].value for which in ("own", "softmax"))
        assert own == pytest.approx(softmax_s, rel=1e-9)


def test_what_was_not_considered_is_no_part_of_an_answer(logs: Path, tmp_path: Path) -> None:
    table = table_of(logs, POLICIES[0])
    lost = pc.equal(table["artwork_id"], "comedy-0")
    names = pc.if_else(lost, "never seen", table["artwork_id"])
    pq.write_table(table.set_column(1, "artwork_id", names), tmp_path / "own.parquet")
    (judged,) = compare(logs, replace(ASKED, candidates=(), tables={"own": tmp_path / "own.parquet"})).judged.values()
    assert judged.diagnosis.overlap == pytest.approx(1 - 1 / 3 / TITLES)
    assert "it could have shown 93.3 %" in judged.words


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda table: table.slice(3), "has no propensities, and so 0 more"),
        (lambda table: table.set_column(2, "propensity", pc.multiply(table["propensity"], 0.5)), "add up to 0.5, and so 1,799"),
        (lambda table: pa.concat_tables([table.slice(0, 1).set_column(2, "propensity", [[0.0]]), table]), "artwork .* twice"),
    ],
    ids=["a draw missing", "half", "twice"],
)
def test_a_table_that_is_none_is_named(logs: Path, tmp_path: Path, spoil: Callable[[pa.Table], pa.Table], said: str) -> None:
    pq.write_table(spoil(table_of(logs, POLICIES[3])), tmp_path / "own.parquet")
    with pytest.raises(LogError, match=said):
        compare(logs, replace(ASKED, candidates=(), tables={"own": tmp_path / "own.parquet"}))


def test_lines_of_text_are_read_as_parquet_is(choices: pa.Table, tmp_path: Path) -> None:
    logs, texts = write(tmp_path / "logs", choices.slice(0, 300)), tmp_path / "texts"
    texts.mkdir()
    (texts / "plays.parquet").write_bytes((logs / "plays.parquet").read_bytes())
    lines = map(as_json, lines_of(choices.slice(0, 300)))
    (texts / "impressions.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    of_lines, of_table = (read_draws(folder, NO_WAIT) for folder in (texts, logs))
    assert of_lines.considered.equals(of_table.considered)
    assert of_lines.left == of_table.left
    assert of_lines.played.tolist() == of_table.played.tolist()


def test_a_log_that_is_too_long_is_judged_by_some_users(logs: Path) -> None:
    left = read_draws(logs, NO_WAIT, most=1200).left
    assert left.shares == LOOKS * USERS * TITLES // 1200
    assert left.draws == TITLES * left.users
    assert left.users == pytest.approx(USERS / left.shares, abs=4 * np.sqrt(USERS * 2 / 9))


def test_a_log_without_scores_has_policies_that_need_none(choices: pa.Table, found: Comparison, tmp_path: Path) -> None:
    slim = [
        [{"artwork_id": one["artwork_id"], "propensity": one["propensity"]} for one in row]
        for row in choices["considered"].to_pylist()
    ]
    place = choices.column_names.index("considered")
    folder = write(tmp_path / "logs", choices.set_column(place, "considered", pa.array(slim)))
    without = compare(folder, replace(ASKED, candidates=POLICIES[2:3]))
    assert without.model == "each artwork's rate"
    assert without.judged["random"].estimates["SNIPS"] == found.judged["random"].estimates["SNIPS"]
    with pytest.raises(LogError, match="best: of the artwork considered, 5,400 of 5,400 have no prior"):
        compare(folder, ASKED)


def test_places_of_the_page_are_groups_of_their_own(logs: Path, found: Comparison) -> None:
    placed = compare(logs, replace(ASKED, candidates=POLICIES[2:3], by_place=True))
    assert placed.judged["random"].estimates["IPS"] == found.judged["random"].estimates["IPS"]
    with pytest.raises(LogError, match=r"none of 1,800 draws was made by the policy 'softmax'"):
        compare(logs, replace(ASKED, policy="softmax"))
