"""The door to comparisons in the page."""

from collections.abc import Callable
from pathlib import Path

import pytest

from embed.store import Store
from index.publish import publish_snapshot


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the documents that a page holds."""
    from match.page import written

    keys: list[str] = []
    original = written.written

    def noted(site: object) -> list[tuple[str, dict]]:
        found = list(original(site))  # type: ignore[arg-type]
        keys.extend(key for key, _ in found)
        return found

    monkeypatch.setattr(written, "written", noted)
    return keys


def test_sides_are_put_into_the_page(invoke: Callable, tmp_path: Path, served: Store, held: list[str]) -> None:
    publish_snapshot(served)
    sides = ["--compare", "snapshot=000001", "--compare", "people=0,similarity=1", "--compare", f"store={served.root}"]
    result = invoke("inspect_matches", "--store", served.root, "--out", tmp_path / "page.html", *sides)
    assert (result.exit_code, result.stderr) == (0, "")
    assert '["comparison",["from","snapshot=000001"]]' in held
    assert '["comparison",["to","similarity=1,people=0"]]' in held
    assert f'["comparison",["to","store={served.root}"]]' in held


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("snapshot=000009", "keeps no snapshot '000009'; it keeps 000001"),
        ("yesterday", "side 'yesterday': give some of store=…, snapshot=…"),
        ("people=9", "give a number from 0 to 5"),
        ("store=nowhere", "no store at 'nowhere'"),
    ],
)
def test_what_is_no_side_is_one_line(
    invoke: Callable, refused: Callable, tmp_path: Path, served: Store, side: str, message: str
) -> None:
    out = tmp_path / "page.html"
    assert message in refused(invoke("inspect_matches", "--store", served.root, "--out", out, "--compare", side))
    assert not out.exists()
