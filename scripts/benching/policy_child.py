"""A peer's policies over the same pages, in whichever interpreter they are installed: run by page_choices.py, never imported.

Arguments: the peer's name, and an .npz file with plays, failures (pages, titles, artworks) and parts (pages, titles, artworks, 3), what
the prior, similarity and people add to each score. Says a line of JSON: the version, and milliseconds of each page by what was done.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

if hasattr(os, "sched_setaffinity"):  # before any library counts cores
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])

import numpy as np

LEARNED = 1000  # examples that Vowpal Wabbit learns from before it is asked: an empty model is no model
DRAWS = (
    10_000  # with which Open Bandit Pipeline's propensities are simulated for one page: its own default is ten times as many
)
SIMULATED = 3  # pages


def vowpalwabbit(plays: np.ndarray, failures: np.ndarray, parts: np.ndarray) -> dict[str, list[float]]:
    """Its explorers for contextual bandits with a set of actions: the text of each title, its propensities, a draw."""
    import vowpalwabbit as vw

    def text(title: int, parts: np.ndarray, label: str = "") -> str:
        rows = [
            f"|A artwork_{title}_{number} prior:{prior:.4f} similarity:{fit:.4f} people:{people:.4f}"
            for number, (prior, fit, people) in enumerate(parts.tolist())
        ]
        return "\n".join(["shared |U user", label + rows[0], *rows[1:]])

    found = {}
    for policy in ("--softmax --lambda 4", "--epsilon 0.05", "--bag 5", "--squarecb"):
        workspace = vw.Workspace(f"--cb_explore_adf {policy} --quiet")
        rng = np.random.default_rng(1)
        for number in range(LEARNED):
            title = number % parts.shape[1]
            workspace.learn(text(title, parts[number % len(parts), title], f"0:{-int(rng.random() < 0.1)}:0.05 "))

        def page(of_page: int, workspace: Any = workspace, rng: np.random.Generator = rng) -> None:
            for title, of_title in enumerate(parts[of_page]):
                chances = np.array(workspace.predict(text(title, of_title)))
                rng.choice(len(chances), p=chances / chances.sum())

        found[f"cb_explore_adf {policy}"] = timed(page, len(parts))
    return found


def obp(plays: np.ndarray, failures: np.ndarray, parts: np.ndarray) -> dict[str, list[float]]:
    """Its Bernoulli Thompson sampling, a policy for each title: a draw alone, and propensities by its own simulation."""
    from obp.policy import BernoulliTS

    titles, artworks = plays.shape[1:]
    policies = [BernoulliTS(n_actions=artworks, len_list=1, random_state=title) for title in range(titles)]

    def draw(of_page: int) -> None:
        for title, policy in enumerate(policies):
            policy.alpha, policy.beta = plays[of_page, title], failures[of_page, title]
            policy.select_action()

    def simulate(of_page: int) -> None:
        draw(of_page)
        for policy in policies:
            policy.compute_batch_action_dist(n_rounds=1, n_sim=DRAWS)

    drawn, simulated = timed(draw, len(plays)), timed(simulate, min(SIMULATED, len(plays)))
    return {
        "BernoulliTS, a draw without propensities": drawn,
        f"BernoulliTS, propensities by {DRAWS:,} draws": simulated,
    }


def timed(page: Callable[[int], None], pages: int) -> list[float]:
    """ms of each page, after one that nobody counts."""
    page(0)
    found = []
    for number in range(pages):
        start = time.perf_counter()
        page(number)
        found.append(1000 * (time.perf_counter() - start))
    return found


def main() -> None:
    name, file = sys.argv[1:]
    with np.load(file) as arrays:
        measured = {"vowpalwabbit": vowpalwabbit, "obp": obp}[name](arrays["plays"], arrays["failures"], arrays["parts"])
    print(json.dumps({"version": version(name), "ms": measured}))


if __name__ == "__main__":
    main()
