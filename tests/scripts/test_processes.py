"""The whole way in processes of their own, as a newcomer or a nightly job goes it: what is printed, and where."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def walked(
    tmp_path_factory: pytest.TempPathFactory, make_catalog: Callable[..., Path], tiny_checkpoint: Path, run_script: Run
) -> tuple[Path, dict[str, "subprocess.CompletedProcess[str]"]]:
    """(folder with `catalog`, `logs`, `store` and `page.html`, door to its ended process)."""
    root = tmp_path_factory.mktemp("walk")
    make_catalog(root / "catalog")
    (root / "logs").mkdir()
    (root / "logs" / "impressions.csv").write_text("impression_id,title_id,artwork_id\n1,caper,caper-van\n")
    (root / "logs" / "plays.csv").write_text("impression_id,seconds,fraction\n1,5000,0.9\n")
    store = ("--store", root / "store")
    return root, {
        "embed_artwork": run_script("embed_artwork", root / "catalog", *store, "--checkpoint", tiny_checkpoint),
        "embed_users": run_script("embed_users", root / "catalog", *store),
        "learn_priors": run_script("learn_priors", root / "logs", *store),
        "build_index": run_script("build_index", *store),
        "match_user": run_script("match_user", *store, "carl", "--json"),
        "inspect_matches": run_script("inspect_matches", *store, "--out", root / "page.html"),
    }


@pytest.mark.parametrize(
    ("door", "said"),
    [
        ("embed_artwork", "embedded 9 with torch, "),
        ("embed_users", "4 users, "),
        ("learn_priors", "1 artworks: 1 impressions, 1 quality plays"),
        ("build_index", "snapshot 000001: 9 artworks of 4 titles"),
        ("match_user", "["),
        ("inspect_matches", "/"),
    ],
)
def test_each_door_does_its_work_and_is_quiet_about_it(walked: tuple, door: str, said: str) -> None:
    """Neither progress bars nor any library's warnings where nobody sits at a terminal."""
    ended = walked[1][door]
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(said)


def test_the_answer_is_that_of_what_went_before(walked: tuple, unpack: Callable) -> None:
    root, ended = walked
    choices = {choice["title_id"]: choice for choice in json.loads(ended["match_user"].stdout)}
    assert list(choices) == ["abyss", "caper", "harbour", "lone"]
    assert choices["caper"]["taste"] == "the user's own"
    documents, _ = unpack(root / "page.html")
    page = {choice["title"]: choice["artwork"]["id"] for choice in documents["choices", "start=0", "user=carl"]["choices"]}
    assert page == {title_id: choice["artwork"]["artwork_id"] for title_id, choice in choices.items()}
    assert ended["inspect_matches"].stdout == f"{root / 'page.html'}\n"


def test_a_reader_that_leaves_early_is_no_traceback(walked: tuple, run_script: Run) -> None:
    """match_user … | head"""
    root, _ = walked
    script = Path(__file__).parents[2] / "scripts" / "match_user.py"
    pipe = f'"{sys.executable}" "{script}" --store "{root / "store"}" carl --json | true'
    ended = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
