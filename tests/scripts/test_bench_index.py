"""Page lookups side by side: what follows from what was measured, how answers are judged, who is left out. No timing is asserted."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artwork_doors.benching import catalogs, children, lookup_figures, lookups, matcher_lookups, truth
from artwork_doors.benching.catalogs import DRAWN, UNIFORM, Catalog
from artwork_doors.benching.children import Unavailable
from artwork_doors.benching.figures import Figure, Series
from artwork_doors.benching.lookups import Known, Load, Lookups, MeasuredCatalog, Settings
from artwork_doors.benching.peers import CONTENDERS, OURS, Loaded, cores

ABSENT = "zvec"  # a peer that this environment has not


def lookup(contender: str, titles: int, p50: Sequence[float], interests: int = 1, **given: Any) -> Lookups:
    """Of two rounds, on a machine whose memory gave 20 GB/s in the first and 10 in the second."""
    rates = {"titles_per_second": Series((1e6, 1e6)), "bytes_per_second": Series((12e9, 6e9))}
    chosen = {"calls": 20, "p99": 9.0, "bandwidth": Series((20e9, 10e9)), "agreement": 1.0, **rates, **given}
    return Lookups(contender, titles, interests, given.pop("cores", cores()), Series(tuple(p50)), **chosen)


def measured(kind: str = UNIFORM, artworks: int = 1_000_000, **changes: Any) -> MeasuredCatalog:
    """Ours is four times as fast as the best peer, and half as fast with four interests as with one."""
    lookups = []
    for titles in (1000, 5000):
        lookups += [
            lookup(OURS, titles, (1.0, 2.0)),
            lookup(OURS, titles, (1.4, 2.8), interests=4, over_one=Series((1.4, 1.4))),
            lookup("faiss-array", titles, (4.0, 8.0)),
            lookup("numpy", titles, (9.0, 9.0)),
        ]
    one = MeasuredCatalog(kind, artworks, artworks // 20, tuple(lookups), (), half_precision=0.9995)
    return replace(one, **changes)


def changed(one: MeasuredCatalog, whose: str, **changes: Any) -> MeasuredCatalog:
    found = (replace(each, **changes) if each.contender == whose else each for each in one.lookups)
    return replace(one, lookups=tuple(found))


def by_name(lines: Sequence[Figure]) -> dict[str, Figure]:
    return {line.name: line for line in lines}


BEST, SHARE, FOUR = (
    "5,000 titles: p50 / best peer's",
    "5,000 titles: share of memory bandwidth",
    "5,000 titles: p50 of 4 interests / of 1",
)
HALF = "agreement of float16 vectors with float32"


# What follows from what was measured


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that halves its speed changes no ratio, nor the share of its own memory's."""
    lines = by_name(lookup_figures.figures_of([measured()]))
    for name, value in {BEST: 0.25, SHARE: 0.6, FOUR: 1.4}.items():
        line = lines[name]
        assert (line.value, line.low, line.high) == pytest.approx((value, value, value)), name
        assert line.met, name
    assert lines[BEST].note == "faiss-array; 0.17 x of numpy"
    assert (lines["memory bandwidth"].value, lines["memory bandwidth"].unit) == (15.0, "GB/s")


@pytest.mark.parametrize(
    ("contender", "changes", "figure", "met"),
    [
        ("faiss-array", {"p50": Series((3.9, 7.8))}, BEST, False),
        ("faiss-array", {"p50": Series((1.0, 2.0)), "agreement": 0.99}, BEST, True),  # who answers wrongly is no peer
        ("faiss-array", {"contender": "faiss-lists-fp16", "p50": Series((1.0, 2.0))}, BEST, True),  # nor who is not exact
        (OURS, {"agreement": 0.9999}, BEST, False),
        (OURS, {"agreement": 0.9999}, SHARE, False),
        (OURS, {"bytes_per_second": Series((10e9, 5e9))}, SHARE, True),
        (OURS, {"bytes_per_second": Series((9.9e9, 4.9e9))}, SHARE, False),
        (OURS, {"bandwidth": None}, SHARE, False),
    ],
)
def test_targets(contender: str, changes: dict[str, Any], figure: str, met: bool) -> None:
    assert by_name(lookup_figures.figures_of([changed(measured(), contender, **changes)]))[figure].met is met


@pytest.mark.parametrize(("four", "met"), [(1.5, True), (1.51, False)])
def test_four_interests_may_cost_half_more(four: float, met: bool) -> None:
    given = (lookup(OURS, 5000, (9.0, 9.0)), lookup(OURS, 5000, (9.0, 9.0), interests=4, over_one=Series((four, four))))
    assert by_name(lookup_figures.figures_of([measured(lookups=given)]))[FOUR].met is met


@pytest.mark.parametrize(("agreement", "met"), [(0.999, True), (0.9989, False)])
def test_half_precision_may_change_one_title_in_a_thousand(agreement: float, met: bool) -> None:
    assert by_name(lookup_figures.figures_of([measured(half_precision=agreement)]))[HALF].met is met


def test_who_cannot_hold_the_largest_catalog_is_held_against_ours_in_the_next() -> None:
    smaller = measured(artworks=100_000, lookups=(lookup(OURS, 5000, (1.0, 1.0)), lookup("lancedb", 5000, (3.0, 3.0))))
    lines = [line for line in lookup_figures.figures_of([measured(), smaller]) if line.name == BEST]
    assert [(line.about, line.value, line.note) for line in lines] == [
        ("1,000,000 artworks, 20 per title", 0.25, "faiss-array; 0.17 x of numpy"),
        ("100,000 artworks, 20 per title", pytest.approx(1 / 3), "lancedb"),
    ]


def test_a_line_without_a_value_says_why() -> None:
    wrong = changed(measured(), OURS, agreement=0.5)
    assert by_name(lookup_figures.figures_of([wrong]))[BEST].note == "answered wrongly: agreement 0.5000"
    small = measured(lookups=(), titles=500, left_out=(1000, 5000))
    assert by_name(lookup_figures.figures_of([small]))[BEST].note == "the catalog has 500 titles"
    absent = measured(lookups=(), notes={OURS: "does not run: no"})
    assert by_name(lookup_figures.figures_of([absent]))[BEST].note == "does not run: no"


def test_the_table_has_who_was_not_measured_and_what_was_left_out() -> None:
    one = measured(notes={ABSENT: "not installed"}, left_out=(9000,))
    one = changed(one, "faiss-array", agreement=0.75)
    rows = lookup_figures.rows_of(one)
    assert {len(row) for row in rows} == {len(lookup_figures.COLUMNS)}
    assert [row[-1] for row in rows if ABSENT in row] == ["not installed"]
    assert [row[-1] for row in rows if row[0] == "9,000"] == ["more than the catalog has"]
    assert {row[-1] for row in rows if "faiss-array" in row} == {"flat, IDSelectorArray" + lookup_figures.WRONG}


# The door


@pytest.mark.parametrize(("p50", "flags", "code"), [(4.0, ["--check"], 0), (3.0, ["--check"], 1), (3.0, [], 0)])
def test_check_ends_with_1_where_a_target_is_missed(
    invoke: Callable, monkeypatch: pytest.MonkeyPatch, p50: float, flags: list[str], code: int
) -> None:
    one = changed(measured(), "faiss-array", p50=Series((p50, 2 * p50)))
    monkeypatch.setattr(lookups, "measure_catalogs", lambda *_: [one])
    monkeypatch.setattr(
        matcher_lookups, "matcher_figures", lambda *_: [Figure("Matcher", "page", 0.2, target=0.3, at_most=True)]
    )
    result = invoke("bench_index", *flags)
    assert result.exit_code == code
    assert ("missed" in result.stdout) is (p50 == 3.0)


@pytest.mark.parametrize(
    "wrong", [["--only", "nunpy"], ["--only", ""], ["--artworks", "0"], ["--pages", "5k"], ["--seconds", "0"]]
)
def test_a_wrong_flag_is_refused_before_anything_is_measured(invoke: Callable, wrong: list[str]) -> None:
    result = invoke("bench_index", *wrong)
    assert result.exit_code == 2
    assert wrong[0] in result.stderr


SMALL = ("--artworks", "400,800", "--pages", "1,10,1000", "--rounds", 2, "--seconds", 0.001)


@pytest.fixture(scope="module")
def answered(invoke: Callable) -> dict[str, Any]:
    """The JSON of a small run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookups, "BUFFER", 1)
        patch.setattr(lookups, "HALVED", 100)
        patch.setattr(lookups, "settle", lambda: None)
        result = invoke("bench_index", *SMALL, "--only", f"{OURS},numpy,{ABSENT}", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_every_catalog_and_every_sort_of_page_was_asked(answered: dict[str, Any]) -> None:
    assert [(one["kind"], one["artworks"]) for one in answered["catalogs"]] == [
        (DRAWN, 400),
        (DRAWN, 800),
        (UNIFORM, 800),
    ]
    sorts = [(titles, interests) for titles in (1, 10) for interests in (1, 4)]
    for one in answered["catalogs"]:
        told = {(each["contender"], each["titles"], each["interests"]) for each in one["lookups"] if each["cores"] == cores()}
        assert told == {(name, *sort) for name in (OURS, "numpy") for sort in sorts}
        assert one["left_out"] == [1000]
        alone = {(each["contender"], each["titles"], each["interests"]) for each in one["lookups"] if each["cores"] == 1}
        assert {sort[1:] for sort in alone} >= {(1, 1), (10, 1)}


def test_answers_are_right_and_figures_derive_from_what_was_measured(answered: dict[str, Any]) -> None:
    for one in answered["catalogs"]:
        for each in one["lookups"]:
            assert each["agreement"] == 1.0, each
            assert min(each["p50"]["values"]) > 0, each
            assert len(each["p50"]["values"]) == (2 if each["cores"] == cores() else 1), each
    found = {(line["about"], line["name"]): line for line in answered["figures"]}
    line = found["800 artworks, 20 per title", BEST]
    assert (line["value"], line["met"], line["note"]) == (None, False, "not measured")
    assert answered["machine"].keys() >= {"processor", "cores", "versions"}


def test_a_peer_that_is_not_installed_is_named_with_what_would_help(answered: dict[str, Any]) -> None:
    for one in answered["catalogs"]:
        assert one["notes"] == {ABSENT: f"not installed: No module named '{ABSENT}'; give --peers-python"}


# Peers in another interpreter


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], Path]:
    """stand_in(the body of `def pages(question, titles)`) -> an interpreter that answers pages so instead of running our child."""

    def write(body: str) -> Path:
        path = tmp_path / "python"
        path.write_text(f"""#!{sys.executable}
import json, sys
sys.path.insert(0, {str(Path(lookups.__file__).parents[2])!r})
from artwork_doors.benching.catalogs import draw_page
def pages(question, titles):
    {body}
print(json.dumps({{"versions": {{"peer": "1.0"}}}}), flush=True)
for line in sys.stdin:
    ((name, question),) = json.loads(line).items()
    answer = {{"seconds": 20.0, "bytes": 0}}
    if name == "pages":
        found = pages(question, draw_page([*question["seed"], 1], 20, question["titles"]).tolist())
        answer = {{"calls": [{{"page": 1, "seconds": 1e-6, "artworks": 20 * question["titles"], "answer": found}}]}}
    print(json.dumps(answer), flush=True)
""")
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., MeasuredCatalog]:
    """measure(interpreter, pages=(5,)) -> a uniform catalog of 400, with numpy and the interpreter as a peer."""
    monkeypatch.setattr(lookups, "BUFFER", 1)
    monkeypatch.setattr(lookups, "HALVED", 20)
    vectors = catalogs.write_vectors(tmp_path / "vectors.npy", 400)

    def run(python: Path, pages: Sequence[int] = (5,)) -> MeasuredCatalog:
        settings = Settings(rounds=2, seconds=0.001, only=("numpy", ABSENT), peers_python=python)
        return lookups.measure_catalog(Catalog(UNIFORM, 400), vectors, pages, settings, Known())

    return run


def test_a_peer_that_answers_wrongly_is_reported_so(stand_in: Callable, measure: Callable) -> None:
    """It gives each title the row before its first: another title's."""
    one = measure(stand_in("return [titles, [20 * title - 1 for title in titles]]"))
    peer = [each for each in one.lookups if each.contender == ABSENT and each.cores == cores()]
    assert [each.agreement for each in peer] == [0.0]
    assert peer[0].p50.median < 0.01  # fast, but no peer to be compared with
    assert [row[-1] for row in lookup_figures.rows_of(one) if ABSENT in row] == [CONTENDERS[ABSENT].how + lookup_figures.WRONG]
    assert one.versions["peer"] == "1.0"


def test_what_a_peer_leaves_unanswered_is_wrong(stand_in: Callable, measure: Callable) -> None:
    one = measure(stand_in("return [[], []]"))
    assert {each.contender: each.agreement for each in one.lookups} == {"numpy": 1.0, ABSENT: 0.0}


def test_a_peer_that_dies_keeps_what_it_answered_before(stand_in: Callable, measure: Callable) -> None:
    one = measure(stand_in('return sys.exit("no space") if len(titles) > 5 else [titles, titles]'), pages=(5, 10))
    told = {(each.contender, each.titles) for each in one.lookups}
    assert told == {("numpy", 5), ("numpy", 10), (ABSENT, 5)}
    assert one.notes[ABSENT].startswith("10 titles: does not run: no space (with ")


def test_who_cannot_hold_the_largest_catalog_is_measured_with_the_next(
    stand_in: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that 400 took it 20 s: 800 would take it longer than its 30 s."""
    monkeypatch.setattr(lookups, "BUFFER", 1)
    monkeypatch.setattr(lookups, "HALVED", 20)
    python = stand_in("return [titles, titles]")
    settings = Settings(rounds=1, seconds=0.001, only=("numpy", ABSENT), peers_python=python)
    found = lookups.measure_catalogs([800, 400], [5], settings, tmp_path)
    told = {(one.kind, one.artworks): sorted({each.contender for each in one.lookups}) for one in found}
    both = ["numpy", ABSENT]
    assert told == {(DRAWN, 400): both, (DRAWN, 800): ["numpy"], (UNIFORM, 800): ["numpy"], (UNIFORM, 400): [ABSENT]}
    why = "loading 400 took 20.0 s: 800 would take more than its 30 s"
    assert [one.notes for one in found] == [{}, {ABSENT: why}, {ABSENT: why}, {}]


def test_an_interpreter_that_is_not_there_is_named_so(measure: Callable, tmp_path: Path) -> None:
    assert measure(tmp_path / "nowhere").notes == {ABSENT: f"{tmp_path / 'nowhere'}: No such file or directory"}


def test_an_error_is_an_answer(tmp_path: Path) -> None:
    program = """import sys; sys.stdin.readline(); print('{"error": "MemoryError: of it"}', flush=True); sys.stdin.readline()"""
    with (
        children.child([sys.executable, "-c", program], tmp_path / "log") as process,
        pytest.raises(Unavailable, match=r"^MemoryError: of it$"),
    ):
        process.ask({"pages": {}})


def test_who_takes_longer_than_it_may_is_ended(tmp_path: Path) -> None:
    with children.child([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log") as process:
        for reason in ("took longer than 0.1 s", "does not run: it ended without a word"):
            with pytest.raises(Unavailable) as caught:
                process.ask({"pages": {}}, 0.1 if "longer" in reason else None)
            assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        (Load(100_000, 2.9, 10**8), None),
        (Load(100_000, 3.1, 10**8), "loading 100,000 took 3.1 s: 1,000,000 would take more than its 30 s"),
        (Load(100_000, 2.9, 10**9), "loading 100,000 took 1.0 GB: 1,000,000 would take more than the 8.0 GB there are"),
        (None, None),
    ],
)
def test_who_would_not_load_in_time_or_memory_is_not_tried(load: Load | None, reason: str | None) -> None:
    known = Known({"duckdb": load} if load else {})
    if reason is None:
        known.refuse(CONTENDERS["duckdb"], 1_000_000, 30.0, 8e9)
        return
    with pytest.raises(Unavailable) as caught:
        known.refuse(CONTENDERS["duckdb"], 1_000_000, 30.0, 8e9)
    assert str(caught.value) == reason


def test_who_did_not_load_a_catalog_is_tried_again_with_smaller_ones_only() -> None:
    known = Known(failed={"duckdb": (1000, "loading 1,000: took longer than 30 s")})
    known.refuse(CONTENDERS["duckdb"], 999, 30.0, 8e9)
    with pytest.raises(Unavailable, match=r"^loading 1,000: took longer than 30 s$"):
        known.refuse(CONTENDERS["duckdb"], 1000, 30.0, 8e9)
    with pytest.raises(Unavailable, match="only up to 10,000 artworks"):
        known.refuse(CONTENDERS["milvus-lite"], 10_001, 30.0, 8e9)


# Whoever is installed answers as numpy does


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("kind", [DRAWN, UNIFORM])
def test_every_contender_finds_the_best_artwork_of_every_title(name: str, kind: str, tmp_path: Path) -> None:
    contender = CONTENDERS[name]
    for module, _ in contender.requires:
        pytest.importorskip(module)
    vectors = catalogs.read_vectors(catalogs.write_vectors(tmp_path / "vectors.npy", 500), 400)
    first_rows = Catalog(kind, 400).first_rows()
    answer = contender.open(Loaded(vectors, first_rows, tmp_path))
    for interests in (1, 4) if contender.interests else (1,):
        page = catalogs.draw_page([interests], len(first_rows) - 1, 10)
        queries = catalogs.draw_interests([interests], interests, 512)
        titles, rows = answer(queries, page)
        right = truth.right(truth.truth_of(vectors, first_rows, queries, page), titles.tolist(), rows.tolist())
        assert right >= (10 if contender.exact else 9)


# Its parts


def test_a_smaller_drawn_catalog_is_the_beginning_of_a_larger_one() -> None:
    large, small = catalogs.drawn_sizes(100_000), catalogs.drawn_sizes(10_000)
    assert (large.sum(), small.sum()) == (100_000, 10_000)
    assert small[:-1].tolist() == large[: len(small) - 1].tolist()
    assert (large.min(), large.max()) == (1, catalogs.MOST)
    assert 0.57 < (large <= 5).mean() < 0.63


def test_a_uniform_catalog_has_as_many_for_each_title_and_the_rest_for_the_last() -> None:
    assert catalogs.uniform_sizes(50).tolist() == [20, 20, 10]
    assert Catalog(UNIFORM, 40).first_rows().tolist() == [0, 20, 40]


def test_vectors_are_of_unit_length_and_nearer_within_a_title(tmp_path: Path) -> None:
    vectors = catalogs.read_vectors(catalogs.write_vectors(tmp_path / "vectors.npy", 1000), 900)
    assert (vectors.shape, vectors.dtype) == ((900, 512), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
    first = Catalog(DRAWN, 900).first_rows()
    title = int(np.argmax(np.diff(first)))
    inside = vectors[first[title] : first[title + 1]]
    assert (inside @ inside.T).min() > (inside @ vectors[first[title - 1]]).max()


def test_a_page_has_no_title_twice_and_is_the_same_for_a_seed_alone() -> None:
    page = catalogs.draw_page([1, 2], 50, 40)
    assert len(set(page.tolist())) == 40
    assert page.tolist() == catalogs.draw_page([1, 2], 50, 40).tolist() != catalogs.draw_page([1, 3], 50, 40).tolist()


def test_rows_and_bests_of_a_page() -> None:
    first_rows = np.array([0, 2, 3, 6])
    rows, starts = catalogs.rows_of(first_rows, np.array([2, 0]))
    assert (rows.tolist(), starts.tolist()) == ([3, 4, 5, 0, 1], [0, 3])
    assert catalogs.best_of_runs(np.array([0.1, 0.9, 0.9, 0.2, 0.3]), rows, starts).tolist() == [4, 1]


@pytest.fixture
def page_truth() -> truth.Truth:
    """Title 0 has rows 0 to 2, of which 1 is the best and 2 almost; title 1 has row 3. Asked in the other order."""
    vectors = np.array([[0.0, 1.0], [1.0, 0.0], [1.0 - 5e-7, 0.0], [0.6, 0.8]], np.float32)
    return truth.truth_of(vectors, np.array([0, 3, 4]), np.array([[1.0, 0.0]], np.float32), np.array([1, 0]))


@pytest.mark.parametrize(
    ("titles", "rows", "count"),
    [
        ([0, 1], [1, 3], 2),
        ([1, 0], [3, 2], 2),  # as near as float32 can tell
        ([0, 1], [0, 3], 1),  # not the best
        ([0, 1], [3, 3], 1),  # another title's
        ([1], [3], 1),  # incomplete
        ([0, 1], [1, 9], 1),  # no row at all
        ([], [], 0),
    ],
)
def test_an_answer_is_right_where_it_is_the_title_s_own_and_nearest(
    page_truth: truth.Truth, titles: list[int], rows: list[int], count: int
) -> None:
    assert page_truth.best.tolist() == [3, 1]
    assert truth.right(page_truth, titles, rows) == count


def test_with_several_interests_the_nearest_to_any_of_them_is_the_best() -> None:
    vectors = np.array([[0.6, 0.8], [0.0, 1.0], [0.8, 0.6]], np.float32)
    found = truth.truth_of(vectors, np.array([0, 3]), np.eye(2, dtype=np.float32), np.array([0]))
    assert found.best.tolist() == [1]


def test_half_precision_cannot_tell_what_differs_by_less_than_its_steps() -> None:
    """Around 0.6 float16 has steps of 0.0005: title 0's artworks become equal, and the lowest row is not the best."""
    cosines = np.array([0.6, 0.6001, 0.6, 0.7])
    vectors = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1).astype(np.float32)
    query = np.array([[1.0, 0.0]], np.float32)
    assert truth.half_precision_agreement(vectors, np.array([0, 2, 4]), query, np.array([0, 1])) == 0.5


WITHOUT_US = """
import runpy, sys
from importlib.abc import MetaPathFinder

class Without(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "artwork_doors":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Without())
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_the_child_runs_where_this_project_is_not_installed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_US, str(lookups.CHILD), "numpy", "1", str(tmp_path)]
    vectors = catalogs.write_vectors(tmp_path / "vectors.npy", 40)
    with children.child(command, tmp_path / "log") as process:
        assert process.answer(30.0)["versions"] == {"numpy": np.__version__}
        process.ask({"load": {"vectors": str(vectors), "kind": UNIFORM, "artworks": 40}}, 30.0)
        limits = {"seconds": 1.0, "most": 3, "checked": 4, "beside_one": False}
        calls = process.ask({"pages": {"seed": [7], "titles": 2, "interests": 1, **limits}}, 30.0)["calls"]
        four = process.ask({"pages": {"seed": [7], "titles": 2, "interests": 4, **limits, "beside_one": True}}, 30.0)["calls"]
    assert [call["one"] > 0 for call in four] == [True] * 3
    assert [(call["page"], call["artworks"], "answer" in call) for call in calls] == [
        (1, 40, True),
        (2, 40, True),
        (3, 40, False),
    ]
