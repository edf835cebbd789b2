"""The door to the page."""

from collections.abc import Callable
from pathlib import Path

from embed.store import Store


def test_it_writes_the_page_and_says_where(invoke: Callable, unpack: Callable, tmp_path: Path, served: Store) -> None:
    out = tmp_path / "new folder" / "page.html"
    result = invoke("inspect_matches", "--store", served.root, "--out", out)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{out}\n", "")
    documents, pictures = unpack(out)
    assert [user["id"] for user in documents["users", "start=0"]["users"]] == ["carl", "hugo", "rosa", "wilma"]
    assert len(pictures) == 9


def test_users_and_titles_named(invoke: Callable, unpack: Callable, tmp_path: Path, served: Store) -> None:
    out = tmp_path / "page.html"
    named = ["--users", "rosa, stranger", "--titles", "lone,no such"]
    assert invoke("inspect_matches", "--store", served.root, "--out", out, *named).exit_code == 0
    documents, _ = unpack(out)
    assert [user["id"] for user in documents["users", "start=0"]["users"]] == ["rosa", "stranger"]
    assert [title["name"] for title in documents["titles", "start=0"]["titles"]] == ["One Picture", "no such"]


def test_pictures_that_are_gone_are_no_failure(
    invoke: Callable, unpack: Callable, tmp_path: Path, catalog_folder: Path, served: Store
) -> None:
    (catalog_folder / "pictures" / "lone-only.png").unlink()
    out = tmp_path / "page.html"
    assert invoke("inspect_matches", "--store", served.root, "--out", out, "--users", "rosa").exit_code == 0
    assert len(unpack(out)[1]) == 8


def test_what_cannot_be_written_is_one_line(invoke: Callable, refused: Callable, tmp_path: Path, served: Store) -> None:
    folder = tmp_path / "page.html"
    folder.mkdir()
    assert "page.html" in refused(invoke("inspect_matches", "--store", served.root, "--out", folder))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog", "page.html", "store"]


def test_no_snapshot_yet(invoke: Callable, refused: Callable, tmp_path: Path, store: Store) -> None:
    out = tmp_path / "page.html"
    assert "scripts/build_index.py" in refused(invoke("inspect_matches", "--store", store.root, "--out", out))
    assert not out.exists()


def test_no_store(invoke: Callable, refused: Callable, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    assert "no store at" in refused(invoke("inspect_matches", "--store", tmp_path / "nowhere", "--out", out))


def test_a_file_or_a_server_and_not_both_or_neither(invoke: Callable, tmp_path: Path, served: Store) -> None:
    for way in (("--out", tmp_path / "page.html", "--serve"), ()):
        result = invoke("inspect_matches", "--store", served.root, *way)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "give --out FILE or --serve" in result.stderr
    assert not (tmp_path / "page.html").exists()
