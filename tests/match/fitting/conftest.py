"""Choices whose true weights are known: drawn as numbers, or written out as a log."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embed.records import CHOICE_LOG, PLAY
from match.fitting.choices import Choices

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
SERVED = np.array([0.5, 2.5, 0.125])


@pytest.fixture(scope="session")
def simulate() -> Callable[..., Choices]:
    """simulate(seed, truth=(similarity, people, words), n=4000, users=200, rivals=4, days=12, rate=-2.0, floor=0.3) -> Choices.

    Artwork is drawn by a softmax of its score with a floor, and played as the truth has it. Every fourth artwork shows somebody.
    """

    def make(
        seed: int,
        truth: Sequence[float] = (1.0, 1.5, 0.4),
        n: int = 4000,
        users: int = 200,
        rivals: int = 4,
        days: int = 12,
        rate: float = -2.0,
        floor: float = 0.3,
    ) -> Choices:
        random = np.random.default_rng(seed)
        units = random.normal(size=(n, rivals, 3))
        units[:, :, 1] = random.random((n, rivals)) < 0.25
        prior = rate + random.normal(0, 0.3, (n, rivals))
        likes = np.exp(2 * (prior + units @ SERVED))
        chances = (1 - floor) * likes / likes.sum(axis=1, keepdims=True) + floor / rivals
        shown = (random.random((n, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(max=rivals - 1)
        there, common = np.arange(n), units.mean(axis=1)
        odds = prior[there, shown] + units[there, shown] @ np.array(truth)
        return Choices(
            user=random.integers(0, users, n),
            day=np.sort(random.integers(0, days, n)),
            quality=(random.random(n) < 1 / (1 + np.exp(-odds))).astype(float),
            prior=prior[there, shown],
            own=units[there, shown] - common,
            common=common,
            drawn=1 / (rivals * chances[there, shown]),
        )

    return make


@pytest.fixture(scope="session")
def choice() -> Callable[..., dict[str, Any]]:
    """choice("1", similarity=[0.5, -0.5], shown=0, **columns) -> a row of CHOICE_LOG; the artworks are a0, a1, ..., each as likely."""

    def make(number: str, shown: int = 0, **more: Any) -> dict[str, Any]:
        parts = {name: more.pop(name) for name in ("similarity", "people", "words", "prior") if name in more}
        count = max((len(values) for values in parts.values()), default=2)
        considered = [
            {
                "artwork_id": f"a{place}",
                "propensity": 1 / count,
                "prior": -3.0,
                "similarity": 0.0,
                "people": 0.0,
                "words": 0.0,
                **{name: values[place] for name, values in parts.items()},
            }
            for place in range(count)
        ]
        row = {
            "impression_id": number,
            "user_id": "ada",
            "title_id": "t",
            "artwork_id": f"a{shown}",
            "propensity": 1 / count,
            "shown_at": AT,
            "snapshot": "000001",
            "parameters": '{"weights": {"similarity": 0.5, "people": 2.5, "words": 0.125, "copy": 0.5}}',
            "considered": considered,
        }
        return row | more

    return make


@pytest.fixture
def write_log(tmp_path: Path) -> Callable[..., Path]:
    """write_log(rows, played=("1", ...)) -> a folder: a log of choices, and quality plays of these impressions."""

    def write(rows: Sequence[dict[str, Any]], played: Sequence[str] = ()) -> Path:
        plays = [
            {"impression_id": number, "played_at": AT + timedelta(minutes=1), "seconds": 900.0, "fraction": 0.5}
            for number in played
        ]
        folder = tmp_path / "logs"
        folder.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(list(rows), schema=CHOICE_LOG), folder / "impressions.parquet")
        pq.write_table(pa.Table.from_pylist(plays, schema=PLAY), folder / "plays.parquet")
        return folder

    return write
