"""embed_users beside encoding each user's text, and its peak memory at several numbers of users. Does not print."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa

from artwork_doors.benching.figures import MEMORY_GROWTH, Figure, Series, records
from artwork_doors.benching.material import TINY_CLIP, random_checkpoint
from artwork_doors.benching.memory import PROC, Peak, peak_memory
from embed.errors import ArtworkMatcherError

if TYPE_CHECKING:
    from embed.encoder import Encoder
    from embed.store import Store

DOOR = Path(__file__).parents[1] / "embed_users.py"

# Of the issue that asked for this benchmark, for 2 CPU cores; never lowered: what is missed stands as missed.
OVER_SEPARATELY = 50.0  # times as fast as encoding each user's text by itself

TITLES = 300
WATCHES = 20  # of a user
STATING = 0.3  # of users
GENRES, MOODS, PEOPLE, KEYWORDS, STATED = 20, 10, 200, 150, 120  # words that titles and users share
SEGMENTS, LOCALES = 8, 12
BLOCK = 1 << 15  # users drawn at a time


@dataclass(frozen=True)
class MeasuredUsers:
    """The job over one catalog, in this process and with its encoder, and other ways to the users' vectors.

    Those go through open_clip as its own documentation has it: tokens, `encode_text`, a user at a time.
    """

    checkpoint: str
    users: int
    phrases: int  # distinct
    first: float  # seconds of a run that has all phrases to encode
    later: Series  # seconds of a run that knows them
    separately: Series  # seconds a user: each one's text, by itself
    in_prompts: Series  # seconds a user: each one's phrases in their prompts, which gives the job's own vectors
    by_ours: Series  # seconds a user: each one's text, by itself, through our encoder, which leaves the padding out


def write_catalog(folder: Path, users: int, seed: int = 5) -> Path:
    """Titles, histories, stated tastes and users, drawn at random; the same of the same number and seed."""
    import pyarrow.parquet as pq

    from embed.records import ARTWORK, TASTE, TITLE, USER, WATCH

    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    named = {name: [f"{name} {n}" for n in range(count)] for name, count in _WORDS.items()}
    titles = [
        {
            "title_id": f"title-{number:04}",
            "name": f"Title {number}",
            **{name: [str(word) for word in rng.choice(named[name], many)] for name, many in _OF_A_TITLE.items()},
        }
        for number in range(TITLES)
    ]
    pq.write_table(pa.Table.from_pylist(titles, schema=TITLE), folder / "titles.parquet")
    pq.write_table(ARTWORK.empty_table(), folder / "artwork.parquet")
    popular = rng.dirichlet(np.full(TITLES, 0.3))
    paths = {"history": WATCH, "tastes": TASTE, "users": USER}
    writers = {name: pq.ParquetWriter(folder / f"{name}.parquet", schema) for name, schema in paths.items()}
    for first in range(0, users, BLOCK):
        ids = np.array([f"user-{number:08}" for number in range(first, min(first + BLOCK, users))])
        for name, columns in _rows(rng, ids, popular).items():
            writers[name].write_table(
                pa.Table.from_arrays([columns[f.name].cast(f.type) for f in paths[name]], schema=paths[name])
            )
    for writer in writers.values():
        writer.close()
    return folder


_WORDS = {"genres": GENRES, "moods": MOODS, "people": PEOPLE, "keywords": KEYWORDS}
_OF_A_TITLE = {"genres": 2, "moods": 1, "people": 3, "keywords": 3}


def _rows(rng: np.random.Generator, ids: np.ndarray, popular: np.ndarray) -> dict[str, dict[str, pa.Array]]:
    """By table and column; histories are in the order of their time, as a publisher writes them."""
    count = len(ids) * WATCHES
    watched = ids[rng.integers(0, len(ids), count)]
    titles = pa.array([f"title-{number:04}" for number in range(TITLES)]).take(pa.array(rng.choice(TITLES, count, p=popular)))
    now = int(datetime(2026, 9, 1, tzinfo=UTC).timestamp())
    at = pa.array(np.sort(rng.integers(now - 3 * 365 * 86400, now, count)) * 1_000_000).cast(pa.timestamp("us", "UTC"))
    history = {"user_id": watched, "title_id": titles, "fraction": pa.array(rng.random(count)), "watched_at": at}
    saying = ids[rng.random(len(ids)) < STATING]
    texts = [f"stated {a}, stated {b}" for a, b in rng.integers(0, STATED, (len(saying), 2)).tolist()]
    tastes = {"user_id": saying, "text": pa.array(texts, pa.string()), "weight": pa.array(rng.choice([1.0, -0.5], len(saying)))}
    known = {"user_id": ids}
    for name, many in (("locale", LOCALES), ("segment", SEGMENTS)):
        known[name] = pa.array([f"{name}-{number}" for number in rng.integers(0, many, len(ids)).tolist()])
    tables = {"history": history, "tastes": tastes, "users": known}
    return {table: {**columns, "user_id": pa.array(columns["user_id"], pa.string())} for table, columns in tables.items()}


def measure(
    name: str, users: int, rounds: int, sample: int, encoder: "Encoder", work: Path, say: Callable[[str], None]
) -> MeasuredUsers:
    """Makes a catalog and a store in `work`. name: of the checkpoint, in the report."""
    from embed.store import create_store

    catalog = write_catalog(work / "catalog", users)
    store = create_store(work / "store", encoder.choice, encoder.fingerprint, encoder.dimension)
    first, phrases = _job(catalog, store, encoder)
    say(f"{name}: {users:,} users, {phrases} phrases: {first:.1f} s with the phrases to encode")
    later, others = [], []
    for number in range(rounds):
        later.append(_job(catalog, store, encoder)[0])
        others.append(_one_by_one(store, encoder, sample))
        alone, prompted, ours = (f"{1e3 * seconds:.1f} ms" for seconds in others[-1])
        alike = f"{alone} for one user's text, {prompted} in prompts, {ours} by our encoder"
        say(f"{name}: round {number + 1}: {later[-1]:.2f} s for all; {alike}")
    return MeasuredUsers(
        name, users, phrases, first, Series(tuple(later)), *(Series(ways) for ways in zip(*others, strict=True))
    )


def _job(catalog: Path, store: "Store", encoder: "Encoder") -> tuple[float, int]:
    """Seconds from the catalog's files to the store's profiles, and the phrases."""
    from embed.catalog import read_catalog
    from embed.tastes.users import embed_users

    start = time.perf_counter()
    report = embed_users(read_catalog(catalog), store, encoder)
    return time.perf_counter() - start, report.phrases


def _one_by_one(store: "Store", encoder: "Encoder", sample: int) -> tuple[float, float, float]:
    """Seconds a user: as MeasuredUsers has them; of prompts for fewer users, since they take many times as long."""
    from embed.tastes.phrases import PROMPTS
    from embed.tastes.profiles import read_profiles

    profiles = read_profiles(store)
    every = profiles.user_ids[:: max(1, len(profiles.rows) // sample)]
    some = [profile for user in every if (profile := profiles.get(user))][:sample]
    prompts = [
        [template.format(phrase.text) for phrase in profile.phrases for template in PROMPTS[phrase.kind]]
        for profile in some[: max(1, sample // 10)]
    ]
    texts = [[profile.text] for profile in some]
    ways = ((texts, _open_clip(encoder)), (prompts, _open_clip(encoder)), (texts, encoder.encode_texts))
    return cast("tuple[float, float, float]", tuple(_seconds_each(users, encode) for users, encode in ways))


def _open_clip(encoder: "Encoder") -> Callable[[Sequence[str]], Any]:
    """As open_clip's own documentation encodes texts."""
    import torch

    def encode(texts: Sequence[str]) -> Any:
        with torch.inference_mode():
            return encoder.model.encode_text(encoder.tokenizer(list(texts)).to(encoder.device), normalize=True).cpu().numpy()

    return encode


def _seconds_each(users: Sequence[Sequence[str]], encode: Callable[[Sequence[str]], Any]) -> float:
    start = time.perf_counter()
    for texts in users:
        encode(texts)
    return (time.perf_counter() - start) / len(users)


def measure_peaks(sizes: Sequence[int], work: Path, say: Callable[[str], None]) -> dict[int, Peak]:
    """Peak memory of the real command by number of users, with a tiny tower, whose own share is small; none where it cannot be told.

    Makes catalogs and stores in `work`. Raises ArtworkMatcherError where the command fails.
    """
    if not PROC.is_dir():
        return {}
    from embed.encoder import EncoderChoice, load_encoder
    from embed.store import create_store

    tiny = load_encoder(EncoderChoice(f"local-dir:{random_checkpoint(work / 'tiny', TINY_CLIP)}"), device="cpu")
    peaks = {}
    for users in sizes:
        catalog = write_catalog(work / f"catalog-{users}", users)
        store = create_store(work / f"store-{users}", tiny.choice, tiny.fingerprint, tiny.dimension)
        command = [sys.executable, str(DOOR), str(catalog), "--store", str(store.root), "--json"]
        try:
            peaks[users] = peak_memory(command, work / f"users-{users}.log")
        except subprocess.CalledProcessError as error:
            raise ArtworkMatcherError(f"embed_users of {users} users ended with {error.returncode}: {error.output}") from error
        if (made := json.loads(peaks[users].output)["users"]) != users:
            raise ArtworkMatcherError(f"embed_users made {made} of {users} profiles")
        say(f"{users:,} users: peak {peaks[users].bytes / 2**20:.0f} MiB, {peaks[users].seconds:.0f} s")
    return peaks


def figures_of(measured: MeasuredUsers) -> list[Figure]:
    """The lines of one checkpoint."""
    users = measured.users
    about = f"{measured.checkpoint}: {users:,} users, {measured.phrases:,} phrases, {WATCHES} watches each"
    whole, prompted, ours = (
        Series(tuple(seconds * users for seconds in way.values))
        for way in (measured.separately, measured.in_prompts, measured.by_ours)
    )
    over, over_ours = (way.with_(measured.later, lambda alone, job: alone / job) for way in (whole, ours))
    again = Series(tuple(seconds / measured.first for seconds in prompted.values))
    return [
        Figure(about, "first job, all phrases to encode", measured.first, "s", note="from the catalog's files to the profiles"),
        _figure(about, "later job, phrases known", measured.later, "s", note="the same"),
        _figure(about, "each user's text by itself", whole, "s", note="open_clip; extrapolated from some users"),
        _figure(about, "each user's phrases in prompts by themselves", prompted, "s", note="the same; gives the job's vectors"),
        _figure(about, "each user's text by itself, our encoder", ours, "s", note="without the padding; extrapolated"),
        _figure(about, "text by itself / later job", over, "x", OVER_SEPARATELY),
        _figure(about, "phrases in prompts by themselves / first job", again, "x", OVER_SEPARATELY),
        _figure(about, "text by itself, our encoder / later job", over_ours, "x", note="no target: half of it is our own work"),
        Figure(about, "text by itself / first job", whole.median / measured.first, "x", note="no target: grows with the users"),
    ]


def figures_of_peaks(peaks: dict[int, Peak]) -> list[Figure]:
    """The lines of the command's memory."""
    about = "peak memory of the command"
    lines = [
        Figure(
            about,
            f"peak memory, {users:,} users",
            peak.bytes / 2**20,
            "MiB",
            note=f"{peak.kind}, a tiny tower; {peak.seconds:.0f} s",
        )
        for users, peak in peaks.items()
    ]
    if len(peaks) > 1:
        fewest, most = min(peaks), max(peaks)
        name = f"peak at {most:,} / at {fewest:,} users"
        grown = peaks[most].bytes / peaks[fewest].bytes
        lines.append(Figure(about, name, grown, "x", target=MEMORY_GROWTH, at_most=True))
    return lines


def as_json(
    machine: dict[str, Any], measured: Sequence[MeasuredUsers], peaks: dict[int, Peak], figures: Sequence[Figure]
) -> dict[str, Any]:
    """Everything, for --json."""
    everything = {
        "checkpoints": [asdict(one) for one in measured],
        "peaks": {users: asdict(peak) for users, peak in peaks.items()},
    }
    return {"machine": machine, "measured": everything, "figures": records(figures)}


def _figure(about: str, name: str, series: Series, unit: str, target: float | None = None, note: str = "") -> Figure:
    return Figure(about, name, series.median, unit, min(series.values), max(series.values), target, note=note)
