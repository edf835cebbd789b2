"""A real browser on pages of small stores, as a file and served."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The Chromium or Chrome that is installed."""
    from playwright.sync_api import sync_playwright

    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None:
        pytest.skip("no Chromium or Chrome is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def look(browser: Any) -> Iterator[Callable[..., Any]]:
    """look(url, view="", width=1280, height=800, **context) -> playwright's Page, once the view is there.

    At the end of the test no script has failed, nothing was refused by the page's policy, and no other host was asked.
    """
    contexts, wrong = [], []

    def open_at(url: str, view: str = "", width: int = 1280, height: int = 800, **kwargs: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **kwargs)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda message: _complaint(message, wrong))
        page.on(
            "request", lambda request: None if request.url.startswith((_origin(url), "data:")) else wrong.append(request.url)
        )
        page.goto(url + view)
        page.wait_for_selector("main:not(:has(.loading))")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert wrong == []


def _complaint(message: Any, wrong: list[str]) -> None:
    """What a script or the page's policy complains of; a picture that is there no more is no fault."""
    if message.type in {"error", "warning"} and not any(status in message.text for status in ("400", "404", "502")):
        wrong.append(f"{message.type}: {message.text}")


def _origin(url: str) -> str:
    return url if url.startswith("file:") else re.match(r"https?://[^/]*/", url).group()  # type: ignore[union-attr]


@pytest.fixture
def pictures(tmp_path: Path, titles: dict, drawing: Callable) -> Path:
    """A folder with a picture for each artwork of `titles` but the ghost."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    for row in (row for rows in titles.values() for row in rows if row["artwork_id"] != "ghost"):
        drawing(row["artwork_id"]).save(folder / f"{row['artwork_id']}.png")
    return folder


@pytest.fixture
def pictured_store(tmp_path: Path, make_store: Callable, titles: dict, users: dict, pictures: Path) -> Any:
    """`titles` and `users`, with their pictures."""
    return make_store(tmp_path / "store", titles, users, catalog=pictures)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """write(store, users=, titles=) -> the address of the page as a file."""
    from match.page import write_page

    def run(store: Any, **kwargs: Any) -> str:
        write_page(store, tmp_path / "page.html", **kwargs)
        return (tmp_path / "page.html").as_uri()

    return run


@pytest.fixture
def reading() -> Any:
    """An encoder's part played by hand: no text is known, but those that a test puts into `reading.words` (text to vector)."""
    import numpy as np

    from embed.records import Phrase, Profile
    from embed.tastes.profile_text import phrases_of_text
    from index.fits import Question

    words: dict[str, Any] = {}

    def profile(matcher: Any, user_id: str, text: str) -> Profile:
        phrases = phrases_of_text(text, "the edited taste")
        known = matcher.profiles.vectors
        vectors = [
            known[phrase.kind, phrase.text] if (phrase.kind, phrase.text) in known else words[phrase.text] for phrase in phrases
        ]
        told = tuple(Phrase(phrase.text, phrase.kind, phrase.weight) for phrase in phrases)
        return Profile(
            user_id, told, np.array(vectors, np.float32).reshape(len(told), -1), matcher.audience.fingerprint, "edited"
        )

    def questions(matcher: Any, text: str) -> list[Question]:
        return [Question(text, words[text])]

    return SimpleNamespace(words=words, questions=questions, profile=profile)


@pytest.fixture
def serve(reading: Any) -> Iterator[Callable[..., str]]:
    """serve(store, live=None, users=None, titles=None) -> the address of the page as served, until the end of the test; live: the
    LiveMatcher that serves, where the test refreshes it."""
    import uvicorn

    from match.live import LiveMatcher
    from match.page import Reading, application

    ends: list[Callable[[], None]] = []

    def run(store: Any, live: Any = None, **kwargs: Any) -> str:
        live = live or LiveMatcher(store, seconds=None)
        page = application(live, Reading(reading.questions, reading.profile), **kwargs)
        server = uvicorn.Server(uvicorn.Config(page, port=0, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            thread.join(0.01)

        def end() -> None:
            server.should_exit = True
            thread.join()
            live.close()

        ends.append(end)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"

    yield run
    for end in ends:
        end()


@pytest.fixture
def make_full_store(tmp_path: Path, make_store: Callable, drawing: Callable) -> Callable[[Sequence[str]], Any]:
    """make_full_store(texts) -> a store in which each text is all that a catalog, a log and a profile can say: a title, two artworks
    (the picture of the second is gone), people, tags, captions, a line of copy, a user, a segment with clicks, a rejected file."""
    import numpy as np

    from embed.words import word_of_copy, word_of_tag
    from index.publish import publish_snapshot

    romance, comedy, _, plain = np.eye(4, dtype=np.float32)

    def make(texts: Sequence[str]) -> Any:
        catalog, there = tmp_path / "catalog", "'\"><b>there\u202e.png"
        catalog.mkdir()
        drawing("there").save(catalog / there)
        about = {text: {"people": [text], "tags": [text], "caption": text, "copy": text} for text in texts}
        titles = {
            text: [
                {"artwork_id": text, "vector": romance, "path": there, **about[text]},
                {"artwork_id": f"{text} 2", "vector": comedy, "path": f"gone {text}", **about[text]},
            ]
            for text in texts
        }
        users = {
            text: [(text, "genre", 0.6, romance), (f"{text}!", "person", 0.4, plain), (f"{text}?", "stated", -0.2, comedy)]
            for text in texts
        }
        copy = [{"copy_id": text, "title_id": text, "text": text, "tags": [text]} for text in texts]
        words = {("tag", word_of_tag(text)): romance for text in texts} | {
            ("copy", word_of_copy(text)): comedy for text in texts
        }
        store = make_store(tmp_path / "store", titles, users, catalog=catalog, copy=copy, words=words)
        _tell(store, texts)
        _learn(store, texts, tmp_path / "logs")
        publish_snapshot(store)
        return store

    return make


def _tell(store: Any, texts: Sequence[str]) -> None:
    """What `make_store` leaves out: what is said of titles and users, and files that were set aside."""
    from dataclasses import replace
    from datetime import UTC, datetime

    import pyarrow as pa

    from embed.records import REJECTED, TITLE
    from embed.store import read_table, replace_table
    from embed.tastes.profiles import read_profiles, write_profiles

    said = [
        {**row, "name": row["title_id"], "synopsis": row["title_id"], "genres": [row["title_id"]]}
        for row in read_table(store, "titles").to_pylist()
    ]
    replace_table(store, "titles", pa.Table.from_pylist(said, schema=TITLE))
    profiles = []
    for profile in map(read_profiles(store).get, texts):
        assert profile
        phrases = tuple(replace(phrase, titles=(profile.user_id,)) for phrase in profile.phrases)
        profiles.append(replace(profile, phrases=phrases, segment=profile.user_id, locale=profile.user_id, source="edited"))
    write_profiles(store, profiles)
    since = datetime(2026, 1, 5, tzinfo=UTC)
    rejected = [{"artwork_id": text, "title_id": text, "path": text, "reason": text, "rejected_at": since} for text in texts]
    replace_table(store, "rejected", pa.Table.from_pylist(rejected, schema=REJECTED))


def _learn(store: Any, texts: Sequence[str], logs: Path) -> None:
    """Each title's first artwork was shown forty times in a segment of its name, and played ten times."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from match.clicks.priors import learn_priors

    logs.mkdir()
    shown = [
        {"impression_id": f"{text}{n}", "user_id": f"u{n}", "title_id": text, "artwork_id": text, "segment": text}
        for text in texts
        for n in range(40)
    ]
    plays = [{"impression_id": row["impression_id"], "seconds": 5000.0, "fraction": 0.9} for row in shown[::4]]
    pq.write_table(pa.Table.from_pylist(shown), logs / "impressions.parquet")
    pq.write_table(pa.Table.from_pylist(plays), logs / "plays.parquet")
    learn_priors(logs, store)


# What a view needs beside the ids of a title, a user and an artwork, which all are given; a view that is not here needs nothing.
PARAMETERS: dict[str, dict[str, str]] = {"compare": {"to": "people=0"}}


@pytest.fixture(scope="session")
def deep_links() -> Callable[..., dict[str, str]]:
    """deep_links(title=, user=, artwork=) -> for every view of the app, the part of the address behind "#" that leads to it."""
    from urllib.parse import urlencode

    from match.page.app import FOLDER

    found = re.search(
        r"^const VIEWS = \{\n(.*?)^\};", (FOLDER / "main.js").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found
    views = re.findall(r"^  (\w+): \{", found[1], re.MULTILINE)
    assert {"grid", "title", "user"} <= set(views)
    return lambda **ids: {view: f"#/{view}?{urlencode({**ids, **PARAMETERS.get(view, {})})}" for view in views}


@pytest.fixture
def visit() -> Callable[[Any, str], None]:
    """visit(page, "#/title?…"): to another view of a page that is open, until it is there."""

    def go(page: Any, link: str) -> None:
        for place in ("#/none", link):  # through a view that is none, so that nothing of the one before stays
            page.evaluate("link => { location.hash = link }", place)
            view = re.split(r"[?/]", place.removeprefix("#/"))[0]
            page.wait_for_selector(f"main[data-view='{view}']:not(:has(.loading, .working))", state="attached")

    return go
