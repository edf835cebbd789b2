"""A profile as a notebook shows it."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from embed.records import Phrase, Profile


class Shown(HTMLParser):
    """Elements and text; every element is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.within: list[str] = []
        self.feed(html)
        self.close()
        assert self.within == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def profile(*phrases: Phrase, user_id: str = "ada", **fields: str) -> Profile:
    return Profile(user_id, phrases, np.zeros((len(phrases), 4), np.float32), "a" * 64, **fields)


def test_phrases_have_bars_as_long_as_they_weigh() -> None:
    liked = Phrase("romantic films", "genre", 0.4, ("sintel", "spring"), 1)
    shown = Shown(profile(liked, Phrase("horror", "stated", -0.2, (), -1), source="edited", segment="kids")._repr_html_())
    text = " ".join(shown.text.split())
    assert text == (
        "ada, edited, segment kids, 2 phrases +0.40 romantic films genre, interest 2, from sintel, spring -0.20 not horror stated"
    )
    widths = [
        re.search(r"width: ([\d.]+)%", style or "") for _, attributes in shown.elements for style in [attributes.get("style")]
    ]
    assert [float(width[1]) for width in widths if width] == [100.0, 50.0]


def test_no_taste_is_said() -> None:
    assert "nothing is known of their taste" in Shown(profile()._repr_html_()).text


@pytest.mark.parametrize(
    "text", ["<script>pwned()</script>", '"><img src=x onerror=pwned()>', "{{ 7 * 7 }}", "\u202eevil", "& &amp;"]
)
def test_hostile_text_is_text_and_isolated(text: str) -> None:
    html = profile(Phrase(text, "stated", 1.0, (text,)), user_id=text, segment=text, locale=text)._repr_html_()
    shown = Shown(html)
    assert {tag for tag, _ in shown.elements} == {"div", "b", "bdi", "span"}
    assert {name for _, attributes in shown.elements for name in attributes} == {"style"}
    assert shown.text.count(text) == 5
    assert "\u202e" not in re.sub(r"<bdi>[^<]*</bdi>", "", html)
