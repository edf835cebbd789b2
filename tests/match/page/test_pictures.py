"""Pictures of a page that is served: those that cannot be had are said, and where nothing can be reached, that is said once."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest
from fsspec.spec import AbstractFileSystem

from embed import object_store
from embed.store import Store, read_table, remember_pictures
from match.live import LiveMatcher
from match.page import Reading, application

OUT_OF_REACH = (
    "pictures at broken://art cannot be reached: no route to it; check the network and AWS_ENDPOINT_URL, and try again"
)


class Broken(AbstractFileSystem):
    """Object storage that fails until it is given a folder."""

    protocol = "broken"
    cachable = False
    folder: Path | None = None
    asked: list[str] = []  # noqa: RUF012

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        self.asked.append(path)
        if self.folder is None:
            raise OSError("no route to\n it")
        return (self.folder / path.rpartition("/")[2]).read_bytes()[start:end]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        if self.folder is None:
            raise OSError("no route to\n it")
        return {"name": path, "type": "directory"}


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> type[Broken]:
    fsspec.register_implementation("broken", Broken, clobber=True)
    monkeypatch.setattr(object_store, "_places", {})
    monkeypatch.setattr(Broken, "folder", None)
    monkeypatch.setattr(Broken, "asked", [])
    return Broken


@pytest.fixture
def away(pictured_store: Store, broken: object) -> Store:
    """`pictured_store`, whose pictures lie where nothing can be reached."""
    return remember_pictures(pictured_store, "broken://art")


@pytest.fixture
def client(away: Store, reading: Any) -> Iterator[Any]:
    from starlette.testclient import TestClient

    with LiveMatcher(away, seconds=None) as live:
        yield TestClient(application(live, Reading(reading.questions, reading.profile)), base_url="http://localhost:8080")


def address(store: Store, artwork_id: str) -> str:
    rows = read_table(store, "artwork").to_pylist()
    return f"/pictures/160/{next(row['sha256'] for row in rows if row['artwork_id'] == artwork_id)}.webp"


def test_a_place_out_of_reach_is_said_logged_once_and_asked_again_later(
    client: Any, away: Store, broken: Any, pictures: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kiss, clown = address(away, "kiss"), address(away, "clown")
    for path in (kiss, clown, kiss):
        answer = client.get(path)
        assert (answer.status_code, answer.text) == (502, OUT_OF_REACH)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert broken.asked == ["art/kiss.png"]  # the others would have waited as long for nothing
    [told] = caplog.records
    assert (told.getMessage(), told.exc_info) == (OUT_OF_REACH, None)
    monkeypatch.setattr("match.page.pictures.REST", 0.0)
    monkeypatch.setattr("match.page.pictures.time", SimpleNamespace(monotonic=lambda: 1e9))
    broken.folder = pictures
    assert client.get(kiss).status_code == 200
    broken.folder = None
    assert client.get(kiss).status_code == 200  # as it is kept
    assert client.get(clown).status_code == 502
    assert len(caplog.records) == 2  # it was reached meanwhile


def test_a_place_that_cannot_even_be_opened_is_said(
    client: Any, away: Store, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*asked: object, **how: object) -> None:
        raise RuntimeError("no key")

    monkeypatch.setattr(broken, "__init__", refuse)
    answer = client.get(address(away, "kiss"))
    assert (answer.status_code, answer.text.partition(";")[0]) == (502, "pictures at broken://art cannot be reached: no key")


def test_a_place_that_does_not_answer_is_not_waited_for(
    client: Any, away: Store, broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("match.page.pictures.PATIENCE", 0.05)
    answered = threading.Event()
    monkeypatch.setattr(broken, "cat_file", lambda *asked, **how: answered.wait(10))
    answer = client.get(address(away, "kiss"))
    answered.set()
    assert (answer.status_code, "no answer within 0.05 s" in answer.text) == (502, True)


def test_one_picture_that_is_not_there_says_so_alone(
    client: Any, away: Store, broken: Any, pictures: Path, caplog: Any
) -> None:
    broken.folder = pictures
    (pictures / "clown.png").write_bytes(b"no picture")
    answers = [client.get(address(away, artwork_id)) for artwork_id in ("ghost", "clown", "kiss")]
    assert [answer.status_code for answer in answers] == [404, 404, 200]
    assert answers[0].text == "no such object; put the picture there or take the artwork out of the catalog"
    assert answers[1].text.startswith("is none of JPEG, PNG")
    assert not caplog.records


def test_the_page_says_why_where_a_picture_would_stand(away: Store, serve: Callable, look: Callable) -> None:
    page = look(serve(away), "#/artwork?artwork=kiss")
    large = page.locator(".large .picture.gone")
    large.locator(".why").wait_for()
    assert large.inner_text() == f"picture out of reach\n{OUT_OF_REACH}"
    assert large.get_attribute("title") == f"kiss.png: {OUT_OF_REACH}"
    assert page.locator(".large img").count() == 0
