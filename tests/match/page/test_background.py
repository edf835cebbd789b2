"""Works behind the page: told while they go on, done once."""

import threading
from collections.abc import Callable

import pytest

from match.page.background import REMEMBERED, Background


def test_progress_is_told_until_it_is_made_and_it_is_made_once() -> None:
    background, go_on, begun, calls = Background(), threading.Event(), threading.Event(), []

    def make(progress: Callable[[int, int], None]) -> str:
        calls.append(1)
        progress(3, 10)
        begun.set()
        assert go_on.wait(10)
        return "made"

    background.ask("map", make, 0)
    assert begun.wait(10)
    assert background.ask("map", make, 0) == (3, 10)
    go_on.set()
    assert background.ask("map", make, 10) == "made"
    assert background.ask("map", make, 0) == "made"
    assert calls == [1]


def test_what_fails_is_raised_and_may_be_tried_again() -> None:
    background, answers = Background(), iter([ValueError("no room"), "made"])

    def make(progress: object) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ValueError, match="no room"):
        background.ask("map", make, 10)
    assert background.ask("map", make, 10) == "made"


def test_only_the_last_are_remembered() -> None:
    background, made = Background(), []
    for key in [*range(REMEMBERED + 1), 0]:
        background.ask(key, lambda progress, key=key: made.append(key), 10)
    assert made == [*range(REMEMBERED + 1), 0]
