"""Pictures of the page, by headless Chromium: `python scripts/take_screenshot.py demo/page.html assets/screenshots`."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from playwright.sync_api import Browser

app = console.door()

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]
LINKS = {  # of the demo's page, by the name of the picture
    "grid": "#/grid",
    "title": "#/title?title=saltwind&user=ada",
    "user": "#/user?user=ada",
    "artwork": "#/artwork?artwork=saltwind-shore",
    "map": "#/map",
    "compare": "#/compare",
}
SCHEMES = ("light", "dark")
PATIENCE = 10_000  # ms until a view is there
SETTLING = 600  # ms more, for what is drawn after that


@app.command()
@console.reports_errors
def take_screenshot(
    page: Annotated[str, typer.Argument(help="The HTML file, or the address of a page that is served.")],
    out: Annotated[Path, typer.Argument(help="The folder to write PNG files to.")],
    only: Annotated[
        str, typer.Option(help=f"Which, divided by commas: {', '.join(LINKS)}, each as NAME or NAME-dark.")
    ] = ",".join(name if scheme == "light" else f"{name}-dark" for name in LINKS for scheme in SCHEMES),
    width: Annotated[int, typer.Option(min=320, help="Of the window, in CSS pixels.")] = 1280,
    height: Annotated[int, typer.Option(min=240, help="Of the window, in CSS pixels.")] = 860,
    colours: Annotated[
        int, typer.Option(min=0, max=256, help="Of each picture's palette: few keep the files small; 0 for all.")
    ] = 256,
) -> None:
    """Write what a browser shows of PAGE: OUT/NAME.png and OUT/NAME-dark.png. Needs Chromium or Chrome on the path, and the extra
    `test`, whose playwright drives it.

    The names lead to titles and users of the demo.

    Exit code 0: written; 2: could not run.
    """
    from embed.errors import ArtworkMatcherError

    names = console.parts(only, [*LINKS, *(f"{name}-dark" for name in LINKS)])
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    served = page.startswith("http")
    if browser is None or not (served or Path(page).is_file()):
        raise ArtworkMatcherError(f"no page at {page}" if browser else "no Chromium or Chrome is installed; install one")
    address = page if served else Path(page).resolve().as_uri()
    out.mkdir(parents=True, exist_ok=True)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=FLAGS)
        for name in names:
            file = out / f"{name}.png"
            _take(started, address, name, file, (width, height))
            if colours:
                _reduce(file, colours)
            typer.echo(f"{file}: {file.stat().st_size / 1000:.0f} kB")
        started.close()


def _take(browser: "Browser", address: str, name: str, file: Path, size: tuple[int, int]) -> None:
    view, _, scheme = name.partition("-")
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme="dark" if scheme else "light", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(address + LINKS[view])
    page.wait_for_selector("main:not(:has(.loading))", timeout=PATIENCE)
    page.wait_for_timeout(SETTLING)
    page.screenshot(path=file)
    context.close()


def _reduce(path: Path, colours: int) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        # A bar of few pixels keeps its colour, which says what it is of; two rounds of k-means give the ground its own back.
        small = picture.convert("RGB").quantize(colours, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def main() -> None:
    """Not a console command: it makes the README's pictures."""
    app()


if __name__ == "__main__":
    main()
