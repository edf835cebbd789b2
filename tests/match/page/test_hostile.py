"""Whatever a catalog, a log or an address says is text: in every view, as a file and served, in a real browser."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import pytest

from embed.store import Store

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
  const forbidden = new Set("SCRIPT IFRAME OBJECT EMBED BASE LINK META STYLE TEMPLATE EVIL-ELEMENT TITLE FRAME".split(" "));
  for (const element of document.querySelectorAll("#app *")) {
    if (forbidden.has(element.tagName.toUpperCase())) wrong.push(`element ${element.tagName}`);
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on")) wrong.push(`${element.tagName} ${name}`);
      if (/^(action|formaction|srcdoc|srcset|style)$/.test(name) && /:\\/\\/|javascript/.test(value)) wrong.push(`${name} ${value}`);
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
def hostile_store(make_full_store: Callable, reading: Any) -> Store:
    """Says each text wherever a catalog, a log or a profile can say one; each can be looked for."""
    reading.words.update(dict.fromkeys([*HOSTILE, *map(str.strip, HOSTILE)], np.eye(4, dtype=np.float32)[0]))
    return make_full_store(HOSTILE)


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
    assert not wrong, "\n".join(map(str, wrong))


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
