"""Whatever a catalog, a log or an address says is text: in every view, as a file and served, in a real browser."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embed.records import REJECTED, TITLE
from embed.store import Store, read_table, replace_table
from embed.tastes.profiles import read_profiles, write_profiles
from embed.words import word_of_copy, word_of_tag
from index.publish import publish_snapshot
from match.clicks.priors import learn_priors

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
SCRIPTS = (
    "<script>window.pwned=1</script>\"><img src=x onerror=\"window.pwned=1\">' onmouseover='window.pwned=1' autofocus "
    "onfocus='window.pwned=1' x='</script></style></textarea></title><evil-element><svg onload=window.pwned=1>"
    "<a href=javascript:window.pwned=1>{{ 7 * 7 }}${window.pwned=1}<!-- <![CDATA["
)
BIDI = "\u202eevil\u2066 تجربة </bdi></h2></main> 🏴‍☠️👩‍👩‍👧 end"
LONG = "W" * 700
ADDRESS = 'a,b&c=d#e?f/g%20\\"+;|'
HOSTILE = [SCRIPTS, BIDI, LONG, ADDRESS, "__proto__", "constructor", "null"]

NAMES = [
    "title",
    "user",
    "users",
    "artwork",
    "find",
    "words",
    "taste",
    "similarity",
    "start",
    "from",
    "to",
    "segment",
    "reason",
    "list",
    "order",
    "x",
]

# What of a page is not as it should be: elements and attributes that only a text could have made, addresses that lead away, marks of
# direction that could turn round what stands beside them, and what is wider than the window.
PROBE = """() => {
  const wrong = [];
  const right = (one) => one.getBoundingClientRect().right;
  const widest = () => [...document.querySelectorAll("#app *")].sort((a, b) => right(b) - right(a))[0].outerHTML.slice(0, 200);
  const forbidden = new Set("SCRIPT IFRAME OBJECT EMBED FORM BASE LINK META STYLE TEMPLATE EVIL-ELEMENT TITLE FRAME".split(" "));
  for (const element of document.querySelectorAll("#app *")) {
    if (forbidden.has(element.tagName.toUpperCase())) wrong.push(`element ${element.tagName}`);
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on")) wrong.push(`${element.tagName} ${name}`);
      if (name === "href" && !/^#(\\/|main$)/.test(value)) wrong.push(`href ${value}`);
      if (name === "src" && !/^(data:image\\/webp;base64,|pictures\\/|blob:)/.test(value)) wrong.push(`src ${value}`);
    }
  }
  const texts = document.createTreeWalker(document.getElementById("app"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    const turned = /[\\u202a-\\u202e\\u2066-\\u2069]/.test(data) && !parentElement.closest("bdi, pre, textarea, option");
    if (turned) wrong.push(`not isolated: ${data}`);
  }
  if (window.pwned !== undefined) wrong.push("pwned");
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`wider than the window: ${widest()}`);
  if (document.querySelectorAll("script:not([type])").length !== 1) wrong.push("scripts");
  return wrong;
}"""


@pytest.fixture
def hostile_store(tmp_path: Path, make_store: Callable, drawing: Callable) -> Store:
    """For each text a title, two artworks, a user, a segment, a line of copy and a rejected file, which say it wherever they can."""
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    there = "'\"><b>there\u202e.png"
    drawing("there").save(catalog / there)
    titles = {
        text: [
            {"artwork_id": text, "vector": ROMANCE, "path": there, **_texts(text)},
            {"artwork_id": f"{text} 2", "vector": COMEDY, "path": f"gone {text}", **_texts(text)},
        ]
        for text in HOSTILE
    }
    users = {
        text: [(text, "genre", 0.6, ROMANCE), (f"{text}!", "person", 0.4, PLAIN), (f"{text}?", "stated", -0.2, COMEDY)]
        for text in HOSTILE
    }
    copy = [{"copy_id": text, "title_id": text, "text": text, "tags": [text]} for text in HOSTILE]
    words = {("tag", word_of_tag(text)): ROMANCE for text in HOSTILE} | {
        ("copy", word_of_copy(text)): COMEDY for text in HOSTILE
    }
    store = make_store(tmp_path / "store", titles, users, catalog=catalog, copy=copy, words=words)
    named = [
        {**row, "name": row["title_id"], "synopsis": row["title_id"], "genres": [row["title_id"]]}
        for row in read_table(store, "titles").to_pylist()
    ]
    replace_table(store, "titles", pa.Table.from_pylist(named, schema=TITLE))
    profiles = read_profiles(store)
    write_profiles(store, [_told(profiles.get(text), text) for text in HOSTILE])
    since = datetime(2026, 1, 5, tzinfo=UTC)
    rejected = [{"artwork_id": text, "title_id": text, "path": text, "reason": text, "rejected_at": since} for text in HOSTILE]
    replace_table(store, "rejected", pa.Table.from_pylist(rejected, schema=REJECTED))
    _learn(tmp_path / "logs", store)
    publish_snapshot(store)
    return store


def _texts(text: str) -> dict[str, Any]:
    return {"people": [text], "tags": [text], "caption": text, "copy": text}


def _told(profile: Any, text: str) -> Any:
    phrases = tuple(replace(phrase, titles=(text,)) for phrase in profile.phrases)
    return replace(profile, phrases=phrases, segment=text, locale=text, source=text)


def _learn(logs: Path, store: Store) -> None:
    """Each title's artwork was shown forty times in a segment of its name, and played ten times."""
    logs.mkdir()
    rows = [
        {"impression_id": f"{text}{n}", "user_id": f"u{n}", "title_id": text, "artwork_id": text, "segment": text}
        for text in HOSTILE
        for n in range(40)
    ]
    plays = [{"impression_id": row["impression_id"], "seconds": 5000.0, "fraction": 0.9} for row in rows[::4]]
    pq.write_table(pa.Table.from_pylist(rows), logs / "impressions.parquet")
    pq.write_table(pa.Table.from_pylist(plays), logs / "plays.parquet")
    learn_priors(logs, store)


@pytest.fixture(params=["file", "served"])
def hostile_address(request: pytest.FixtureRequest, hostile_store: Store) -> str:
    """Of the page of `hostile_store`."""
    return request.getfixturevalue("write" if request.param == "file" else "serve")(hostile_store)


def test_hostile_text_is_text_in_every_view(
    hostile_address: str, look: Callable, visit: Callable, deep_links: Callable
) -> None:
    page = look(hostile_address)
    wrong = []
    for text in HOSTILE:
        for view, link in deep_links(title=text, user=text, artwork=text).items():
            visit(page, link)
            wrong += [(view, text[:40], told) for told in page.evaluate(PROBE)]
            if view in {"title", "user", "artwork"}:  # which are of it alone
                assert " ".join(text.split()) in " ".join(page.locator("main").inner_text().split()), view
    assert wrong == []


def test_hostile_addresses_are_text(hostile_address: str, look: Callable, deep_links: Callable) -> None:
    """Views and parameters that nobody has, as a link from elsewhere could have them; in a narrow window."""
    page = look(hostile_address, width=390)
    views = deep_links(title="", user="", artwork="")
    for text in HOSTILE:
        for view in [text, *views]:
            page.evaluate(
                "link => { location.hash = link }", f"#/{quote(view, safe='')}?{urlencode(dict.fromkeys(NAMES, text))}"
            )
            page.wait_for_timeout(50)  # what was refused stays away
            assert page.evaluate(PROBE) == [], (view, text)
