"""A headless Chromium that looks at the page: when the first view is there, and how long frames take while somebody moves about."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from embed.errors import ArtworkMatcherError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update")
SIZE = {"width": 1440, "height": 900}
PATIENCE = 300_000  # ms
SLOW = 50.0  # ms: a frame that an eye sees
MOVING = 5.0  # seconds
EVERY = 0.016  # seconds between two moves
FIRST_VIEW = """() => {
  const inSight = ({ left, right, top, bottom }) => left < innerWidth && right > 0 && top < innerHeight && bottom > 0;
  const seen = [...document.querySelectorAll("main img")].filter((image) => inSight(image.getBoundingClientRect()));
  return seen.length > 0 && seen.every((image) => image.complete && image.naturalWidth) && performance.now();
}"""
RECORD = """() => {
  window.frames_ = [];
  let before = performance.now();
  const step = (now) => { window.frames_.push(now - before); before = now; window.recording_ = requestAnimationFrame(step); };
  window.recording_ = requestAnimationFrame((now) => { before = now; window.recording_ = requestAnimationFrame(step); });
}"""
RECORDED = "() => { cancelAnimationFrame(window.recording_); return window.frames_; }"


@dataclass(frozen=True)
class Frames:
    """Milliseconds from each frame to the next, while something moved."""

    each: tuple[float, ...]

    @property
    def longest(self) -> float:
        """ms."""
        return max(self.each)

    @property
    def slow(self) -> float:
        """The share that took longer than SLOW."""
        return sum(frame > SLOW for frame in self.each) / len(self.each)


@contextmanager
def browser() -> Iterator[Any]:
    """playwright's browser. Raises ArtworkMatcherError where playwright or a Chromium is not installed."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ArtworkMatcherError("playwright is not installed: pip install 'artwork-matcher[test]'") from error
    executable = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if executable is None:
        raise ArtworkMatcherError("no Chromium or Chrome is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield started
        started.close()


def first_view(started: Any, address: str) -> float:
    """Seconds from the request of a page until every picture in sight is there, in a browser that never saw it."""
    page = started.new_page(viewport=SIZE)
    page.goto(address, timeout=PATIENCE, wait_until="commit")
    seconds = page.wait_for_function(FIRST_VIEW, timeout=PATIENCE, polling="raf").json_value() / 1000
    page.close()
    return float(seconds)


def frames(started: Any, address: str, ready: str, move: Callable[[Any, int], None]) -> Frames:
    """Those of MOVING seconds in which `move(page, number)` is called again and again; ready: a selector of what is waited for."""
    page = started.new_page(viewport=SIZE)
    page.goto(address, timeout=PATIENCE)
    page.wait_for_selector(ready, timeout=PATIENCE)
    page.wait_for_timeout(500)
    page.mouse.move(SIZE["width"] // 2, SIZE["height"] // 2)
    page.evaluate(RECORD)
    end, number = time.perf_counter() + MOVING, 0
    while time.perf_counter() < end:
        move(page, number)
        number += 1
        time.sleep(EVERY)
    measured = Frames(tuple(page.evaluate(RECORDED)))
    page.close()
    return measured


def scroll(page: Any, number: int) -> None:
    """Down, as with a wheel that is turned fast."""
    page.mouse.wheel(0, 240)


def pan(page: Any, number: int) -> None:
    """A map dragged in circles, drawn nearer now and then."""
    if number == 0:
        page.mouse.down()
    if number % 60 == 59:
        page.mouse.wheel(0, -120)
    step = number % 80
    page.mouse.move(SIZE["width"] // 3 + 4 * min(step, 80 - step), SIZE["height"] // 2 + 3 * min(step, 80 - step))
