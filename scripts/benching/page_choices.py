"""The whole choice of a page measured, exploring and logging included, beside other libraries' policies on the same page."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artwork_doors.benching.crowds import Size, make_store
from artwork_doors.benching.figures import Figure, records

if TYPE_CHECKING:
    from match.exploring.log import PageLog
    from match.exploring.serving import Exploring
    from match.matcher import Matcher

CHILD = Path(__file__).with_name("policy_child.py")
PEERS = {"vowpalwabbit": "Vowpal Wabbit", "obp": "Open Bandit Pipeline"}
SECONDS = 300  # that a peer may take altogether
ASKED_BY_ONE = 10  # pages that a user asks for one after the other, as a home page is filled row by row
ROUNDS = 3
ALONE, WHOLE, SOFTMAX = "the best artwork alone", "Thompson sampling, guards and log", "softmax, guards and log"

# Of the issue that asked for this benchmark, in ms on one core; never lowered: what is missed stands as missed.
P50, P99 = 2.0, 5.0


@dataclass(frozen=True)
class MeasuredPages:
    """Milliseconds of each page: ours, and each peer's by what it did."""

    size: Size
    titles: int  # of a page
    ours: dict[str, list[float]]
    firsts: list[float]  # of `ours[WHOLE]`, each user's first page
    cpu: list[
        float
    ]  # of `ours[WHOLE]`, what the processor spent on each: on a machine that does other things, less than passed
    peers: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)  # by peer: its version, or why it was not measured


def measure(
    size: Size, titles: int, pages: int, work: Path, peers_python: Path | None, say: Callable[[str], None]
) -> MeasuredPages:
    """Makes a store in `work`, and asks for so many pages in each round; this process keeps to one core from here on."""
    from match.matcher import Matcher

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    matcher = Matcher.open(make_store(work / "store", size))
    say(f"store: {size.users:,} users, {size.titles:,} titles, {size.artworks} artworks each")
    ours, firsts, cpu = _ours(matcher, titles, ROUNDS * pages)
    say(", ".join(f"{name}: {np.median(ms):.2f} ms" for name, ms in ours.items()))
    peers, notes = {}, {}
    if hasattr(os, "sched_setaffinity"):
        _write_pages(matcher, titles, min(pages, 30), work / "pages.npz")
    for name in PEERS:
        try:
            peers[name], notes[name] = _peer(name, work / "pages.npz", peers_python)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            notes[name] = str(error)
        say(f"{PEERS[name]}: {notes[name]}")
    return MeasuredPages(size, titles, ours, firsts, cpu, peers, notes)


def _ours(matcher: "Matcher", titles: int, pages: int) -> tuple[dict[str, list[float]], list[float], list[float]]:
    """In turn, page after page, in an order that turns, too; each asked for a page of its own."""
    from match.exploring.policies import Exploration
    from match.exploring.serving import Exploring

    kept: list[PageLog] = []
    ways: dict[str, Exploring | None] = {
        ALONE: None,
        WHOLE: Exploring(log=kept.append),
        SOFTMAX: Exploring(Exploration("softmax"), log=kept.append),
    }
    rng, users, all_titles = np.random.default_rng(5), matcher.user_ids, np.array(matcher.title_ids)
    found: dict[str, list[float]] = {name: [] for name in ways}
    firsts, cpu = [], []
    for number in range(-ASKED_BY_ONE, pages):  # the first are for the machine to get warm
        names = list(ways)
        for name in names[number % 3 :] + names[: number % 3]:
            page = all_titles[rng.choice(len(all_titles), titles, replace=False)].tolist()
            user = users[(number // ASKED_BY_ONE * len(ways) + names.index(name)) % len(users)]
            start, busy = time.perf_counter(), time.thread_time()
            _ask(matcher, user, page, ways[name], kept)
            spent, worked = 1000 * (time.perf_counter() - start), 1000 * (time.thread_time() - busy)
            if number >= 0:
                found[name].append(spent)
                firsts += [spent] if name == WHOLE and number % ASKED_BY_ONE == 0 else []
                cpu += [worked] if name == WHOLE else []
    return found, firsts, cpu


def _ask(matcher: "Matcher", user: str, page: list[str], exploring: "Exploring | None", kept: "list[PageLog]") -> None:
    """The choices, and where they are explored the rows of their log."""
    matcher.choose(user, page, explore=exploring)
    for log in kept:
        _ = log.table
    kept.clear()


def _write_pages(matcher: "Matcher", titles: int, pages: int, file: Path) -> None:
    """What peers are asked: posteriors and parts of the scores, as the log of such pages has them."""
    from match.exploring.log import lines_of
    from match.exploring.policies import Exploration
    from match.exploring.serving import Exploring

    kept: list[PageLog] = []
    rng, all_titles = np.random.default_rng(7), np.array(matcher.title_ids)
    for user in matcher.user_ids[:pages]:
        page = all_titles[rng.choice(len(all_titles), titles, replace=False)].tolist()
        matcher.choose(user, page, explore=Exploring(Exploration("softmax"), guards=None, log=kept.append))
    lines = [[line.considered for line in lines_of(log.table)] for log in kept]
    columns = {
        name: np.array([[[getattr(one, name) for one in of] for of in page] for page in lines])
        for name in ("plays", "failures")
    }
    parts = [[[(one.prior, one.similarity, one.people) for one in of] for of in page] for page in lines]
    np.savez(file, **columns, parts=np.array(parts))


def _peer(name: str, file: Path, python: Path | None) -> tuple[dict[str, list[float]], str]:
    """(ms of each page by what was done, its version). Raises ValueError, with the reason, where it is not there."""
    command = [str(python or sys.executable), str(CHILD), name, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise ValueError(f"does not run: {why}" + ("" if python else "; give --peers-python"))
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["ms"], answer["version"]


def figures_of(measured: MeasuredPages) -> list[Figure]:
    """All lines; ours first."""
    size = measured.size
    about = f"a page of {measured.titles} titles x {size.artworks} artworks on one core"
    lines = [_median(about, ALONE, measured.ours[ALONE])]
    whole = measured.ours[WHOLE]
    lines += [
        _median(about, f"{WHOLE}: p50", whole, P50, f"{np.median(measured.firsts):.2f} ms for a user's first page"),
        Figure(
            about,
            f"{WHOLE}: p99",
            float(np.percentile(whole, 99)),
            "ms",
            target=P99,
            at_most=True,
            note=f"{len(whole):,} pages",
        ),
        _median(about, f"{WHOLE}: p50 of the processor's time", measured.cpu),
        _median(about, SOFTMAX, measured.ours[SOFTMAX]),
    ]
    for name, title in PEERS.items():
        if name not in measured.peers:
            lines.append(Figure(about, title, None, "ms", note=measured.notes[name]))
        for how, ms in measured.peers.get(name, {}).items():
            times = (
                f"{np.median(ms) / np.median(whole):.1f} times ours; scores given, no guards, no log; {measured.notes[name]}"
            )
            lines.append(_median(about, f"{title}, {how}", ms, note=times))
    return lines


def _median(about: str, name: str, ms: Sequence[float], target: float | None = None, note: str = "") -> Figure:
    rounds = [float(np.median(part)) for part in np.array_split(np.array(ms), min(ROUNDS, len(ms)))]
    return Figure(about, name, float(np.median(ms)), "ms", min(rounds), max(rounds), target, True, note)


def as_json(machine: dict[str, Any], measured: MeasuredPages) -> dict[str, Any]:
    """Everything, for --json."""
    return {"machine": machine, "measured": asdict(measured), "figures": records(figures_of(measured))}
