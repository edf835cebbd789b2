"""What all tests share: a tiny CLIP that plain open_clip opens, small catalogs of drawn pictures, and a store made of both.

Helpers are fixtures that give functions, since tests import nothing from one another. Whatever is costly is made once a session;
what a test may change (`catalog_folder`, `store`) is a copy of its own.
"""

import atexit
import base64
import csv
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# What a test takes depends on what else the machine does; all else as it is, on a CI's machines as there.
hypothesis.settings.register_profile("untimed", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("untimed")

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports the hub's client: no test may reach the network
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="cache-")  # nor write to the user's cache
atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)

Row = dict[str, Any]

TITLES: list[Row] = [
    {
        "title_id": "harbour",
        "name": "Harbour Lights",
        "genres": ["romance", "drama"],
        "people": ["Ada Quill", "Ben Marsh"],
        "keywords": ["sea", "letters"],
        "synopsis": "Two strangers write to each other across a bay.",
    },
    {
        "title_id": "caper",
        "name": "The Tin Caper",
        "genres": ["comedy", "crime"],
        "people": ["Ben Marsh", "Cleo Vance"],
        "keywords": ["heist"],
        "synopsis": "Four amateurs rob a toy museum.",
    },
    {
        "title_id": "abyss",
        "name": "Below the Abyss",
        "genres": ["horror", "science fiction"],
        "people": ["Dora Pike"],
        "keywords": ["sea", "darkness"],
        "synopsis": "A crew finds that the trench is awake.",
    },
    {"title_id": "lone", "name": "One Picture", "genres": ["drama"], "people": [], "keywords": [], "synopsis": None},
]

ARTWORK: list[Row] = [
    {"artwork_id": "harbour-couple", "title_id": "harbour", "people": ["Ada Quill", "Ben Marsh"], "tags": ["couple"]},
    {"artwork_id": "harbour-ada", "title_id": "harbour", "people": ["Ada Quill"], "tags": ["portrait"]},
    {"artwork_id": "harbour-sea", "title_id": "harbour", "people": [], "tags": ["sea", "night"]},
    {"artwork_id": "caper-ben", "title_id": "caper", "people": ["Ben Marsh"], "tags": ["portrait"]},
    {"artwork_id": "caper-cleo", "title_id": "caper", "people": ["Cleo Vance"], "tags": ["portrait"]},
    {"artwork_id": "caper-van", "title_id": "caper", "people": [], "tags": ["van"]},
    {"artwork_id": "abyss-trench", "title_id": "abyss", "people": [], "tags": ["darkness"]},
    {"artwork_id": "abyss-dora", "title_id": "abyss", "people": ["Dora Pike"], "tags": ["portrait"]},
    {"artwork_id": "lone-only", "title_id": "lone", "people": [], "tags": []},
]
for _row in ARTWORK:
    _row["path"] = f"pictures/{_row['artwork_id']}.png"
    _row["added_at"] = "2026-01-05T00:00:00+00:00"

HISTORY: list[Row] = [
    {"user_id": "rosa", "title_id": "harbour", "fraction": 1.0, "watched_at": "2026-09-01T20:00:00+00:00"},
    {"user_id": "rosa", "title_id": "lone", "fraction": 0.5, "watched_at": "2026-08-01T20:00:00+00:00"},
    {"user_id": "carl", "title_id": "caper", "fraction": 0.9, "watched_at": "2026-09-02T20:00:00+00:00"},
    {"user_id": "hugo", "title_id": "abyss", "fraction": 1.0, "watched_at": "2026-09-03T20:00:00+00:00"},
]

TASTES: list[Row] = [
    {"user_id": "carl", "text": "Cleo Vance, clever heists", "weight": 1.0},
    {"user_id": "carl", "text": "horror films", "weight": -0.5},
    {"user_id": "wilma", "text": "dark, rainy cities; Ben Marsh", "weight": 1.0},  # says what she likes and watched nothing
]


# Runs programs, each in a process of its own that it forks before anything has touched a store: what is costly, the imports, is done
# once. A line of JSON in, the program and its arguments; a line out, the exit status and what was said.
FORKING = """
import json, os, sys, tempfile, warnings
warnings.filterwarnings("ignore", "lance is not fork-safe")  # it is while nobody has used it
import numpy, pyarrow, lance, faiss, xxhash
import embed.store, index.publish

for line in sys.stdin:
    code, arguments = json.loads(line)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
        child = os.fork()
        if not child:
            os.dup2(out.fileno(), 1)
            os.dup2(error.fileno(), 2)
            sys.argv = ["-c", *arguments]
            status = 1
            try:
                exec(compile(code, "<program>", "exec"), {"__name__": "__main__"})
                status = 0
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
            except BaseException:
                import traceback
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        error.seek(0)
        print(json.dumps([status, out.read(), error.read()]), flush=True)
"""


@pytest.fixture(scope="session")
def run_fresh() -> Iterator[Callable[..., "subprocess.CompletedProcess[str]"]]:
    """run_fresh(program, *arguments) -> the ended process: as `python -c program arguments…`, without what imports cost. torch is
    not loaded before the fork, and the program must not need its at-exit handlers."""
    with subprocess.Popen([sys.executable, "-c", FORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def run(program: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
            assert process.stdin
            assert process.stdout
            print(json.dumps([program, list(map(str, arguments))]), file=process.stdin, flush=True)
            status, out, error = json.loads(process.stdout.readline())
            return subprocess.CompletedProcess([program], status, out, error)

        yield run
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """make_checkpoint(seed=0, interpolation="bicubic", quick_gelu=False, context_length=77, spoil=None) -> folder.

    A CLIP of 32 dimensions with random weights; the same arguments give the same folder. `spoil(state)` may damage the weights.
    """
    made: dict[Any, Path] = {}

    def make(
        seed: int = 0,
        interpolation: str = "bicubic",
        quick_gelu: bool = False,
        context_length: int = 77,
        spoil: Callable[[dict[str, Any]], None] | None = None,
    ) -> Path:
        import torch
        from open_clip.model import CLIP
        from safetensors.torch import save_file

        key = (seed, interpolation, quick_gelu, context_length, spoil)
        if key in made:
            return made[key]
        model_cfg = {
            "embed_dim": 32,
            "quick_gelu": quick_gelu,
            "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
            "text_cfg": {"context_length": context_length, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
        }
        preprocess_cfg = {
            "mean": [0.48145466, 0.4578275, 0.40821073],
            "std": [0.26862954, 0.26130258, 0.27577711],
            "interpolation": interpolation,
            "resize_mode": "shortest",
        }
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            state = CLIP(**model_cfg).state_dict()
        if spoil:
            spoil(state)
        folder = tmp_path_factory.mktemp("checkpoint")
        (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model_cfg, "preprocess_cfg": preprocess_cfg}))
        save_file({name: weight.contiguous() for name, weight in state.items()}, folder / "open_clip_model.safetensors")
        made[key] = folder
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_checkpoint(make_checkpoint: Callable[..., Path]) -> Path:
    """The folder of the tiny CLIP, for `local-dir:` and `--checkpoint`."""
    return make_checkpoint()


@pytest.fixture(scope="session")
def load_checkpoint() -> Callable[..., Any]:
    """load_checkpoint(folder) -> Encoder on the CPU."""
    from embed.encoder import EncoderChoice, load_encoder

    return lambda folder: load_encoder(EncoderChoice(f"local-dir:{folder}"), device="cpu")


@pytest.fixture(scope="session")
def tiny_encoder(tiny_checkpoint: Path, load_checkpoint: Callable[..., Any]) -> Any:
    """The tiny CLIP, opened."""
    return load_checkpoint(tiny_checkpoint)


@pytest.fixture(scope="session")
def other_encoder(make_checkpoint: Callable[..., Path], load_checkpoint: Callable[..., Any]) -> Any:
    """A tiny CLIP of the same shape with other weights."""
    return load_checkpoint(make_checkpoint(seed=1))


@pytest.fixture(scope="session")
def drawing() -> Callable[..., Any]:
    """drawing(name, size=(96, 64)) -> an RGB picture that only this name has: a disc and a bar in its own colours."""

    def draw(name: str, size: tuple[int, int] = (96, 64)) -> Any:
        from PIL import Image, ImageDraw

        seed = zlib.crc32(name.encode())
        colours = [tuple((seed >> shift + step) % 256 for step in (0, 7, 13)) for shift in (0, 5, 11)]
        picture = Image.new("RGB", size, colours[0])
        canvas, (width, height) = ImageDraw.Draw(picture), size
        radius = min(size) * (1 + seed % 3) // 8
        canvas.circle((width // 3, height // 2), radius, fill=colours[1])
        canvas.rectangle((width * 2 // 3, seed % (height // 2), width - 4, height - 4), fill=colours[2])
        return picture

    return draw


@pytest.fixture(scope="session")
def write_rows() -> Callable[..., Path]:
    """write_rows(folder, "titles", rows, "csv" | "jsonl" | "parquet") -> the file. Rows are dicts of text, numbers and lists."""

    def write(folder: Path, table: str, rows: Sequence[Row], format: str = "csv") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{table}.{format}"
        columns = list(dict.fromkeys(column for row in rows for column in row))
        if format == "csv":
            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns, restval="")
                writer.writeheader()
                joined = [{k: "|".join(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows]
                writer.writerows(joined)
        elif format == "jsonl":
            path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        else:
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist([{column: row.get(column) for column in columns} for row in rows]), path)
        return path

    return write


@pytest.fixture(scope="session")
def make_catalog(write_rows: Callable[..., Path], drawing: Callable[..., Any]) -> Callable[..., Path]:
    """make_catalog(folder, titles=, artwork=, history=, tastes=, format="csv") -> the folder.

    Tables left out are those at the top of this file; None leaves the file away. Each artwork that has no file is drawn.
    """

    def make(
        folder: Path,
        *,
        titles: Sequence[Row] | None = TITLES,
        artwork: Sequence[Row] | None = ARTWORK,
        history: Sequence[Row] | None = HISTORY,
        tastes: Sequence[Row] | None = TASTES,
        format: str = "csv",
    ) -> Path:
        for table, rows in (("titles", titles), ("artwork", artwork), ("history", history), ("tastes", tastes)):
            if rows is not None:
                write_rows(folder, table, rows, format)
        for row in artwork or ():
            path = folder / row["path"]
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                drawing(row["artwork_id"]).save(path)
        return folder

    return make


@pytest.fixture(scope="session")
def _made_once(
    tmp_path_factory: pytest.TempPathFactory, make_catalog: Callable[..., Path], tiny_encoder: Any
) -> tuple[Path, Path]:
    """(catalog folder, store folder): the tables at the top of this file, artwork and users embedded. Only ever copied."""
    from embed.catalog import read_catalog
    from embed.job import embed_artwork
    from embed.store import create_store
    from embed.tastes.users import embed_users

    root = tmp_path_factory.mktemp("made")
    catalog = read_catalog(make_catalog(root / "catalog"), strict=True)
    store = create_store(root / "store", tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)
    report = embed_artwork(catalog, store, tiny_encoder)
    assert (report.embedded, report.rejected) == (len(ARTWORK), ())
    embed_users(catalog, store, tiny_encoder)
    return root / "catalog", root / "store"


@pytest.fixture
def catalog_folder(tmp_path: Path, make_catalog: Callable[..., Path]) -> Path:
    """A catalog of one's own: 4 titles, 9 artworks, 4 users."""
    return make_catalog(tmp_path / "catalog")


@pytest.fixture
def store(tmp_path: Path, catalog_folder: Path, _made_once: tuple[Path, Path]) -> Any:
    """A store of one's own: `catalog_folder`, artwork and users embedded with `tiny_encoder`; no snapshot yet."""
    from embed.store import open_store, remember_pictures

    shutil.copytree(_made_once[1], tmp_path / "store")
    return remember_pictures(open_store(tmp_path / "store"), str(catalog_folder))


@pytest.fixture
def empty_store(tmp_path: Path, tiny_encoder: Any) -> Any:
    """A store of `tiny_encoder` without any table."""
    from embed.store import create_store

    return create_store(tmp_path / "store", tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)


@pytest.fixture(scope="session")
def unpack() -> Callable[[Path], tuple[dict[tuple[str, ...], Any], dict[str, str]]]:
    """unpack(page.html) -> (its documents by their kind and then their parameters, "name=value" each; its pictures by sha256)."""

    def read(page: Path) -> tuple[dict[tuple[str, ...], Any], dict[str, str]]:
        blocks = dict(
            re.findall(r'<script type="text/plain" id="([\w-]+)">([\w+/=]*)</script>', page.read_text(encoding="utf-8"))
        )
        contents = opened(blocks["contents"])
        documents = {key: told for name in contents["documents"] for key, told in opened(blocks[name]).items()}
        assert list(documents) == [key for keys in contents["documents"].values() for key in keys]
        keys = map(json.loads, documents)
        told = {(kind, *map("=".join, rest)): one for (kind, *rest), one in zip(keys, documents.values(), strict=True)}
        places = contents["pictures"].items()
        return told, {sha256: blocks[name][start : start + length] for sha256, (name, start, length) in places}

    def opened(block: str) -> dict[str, Any]:
        return json.loads(gzip.decompress(base64.b64decode(block)))

    return read
