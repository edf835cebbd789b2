"""A picture of a page, by headless Chromium: `python scripts/take_screenshot.py demo/page.html assets/screenshots/page.png`."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@app.command()
@console.reports_errors
def take_screenshot(
    page: Annotated[Path, typer.Argument(help="The HTML file.")],
    out: Annotated[Path, typer.Argument(help="The PNG file to write.")],
    width: Annotated[int, typer.Option(help="Of the window, in CSS pixels.")] = 1440,
    height: Annotated[int, typer.Option(help="Of the window, in CSS pixels.")] = 1000,
    colours: Annotated[int, typer.Option(help="Of the picture's palette: few keep the file small; 0 for all.")] = 256,
    dark: Annotated[bool, typer.Option("--dark", help="As it looks to those who prefer dark pages.")] = False,
) -> None:
    """Write what a browser shows of PAGE to OUT. Needs Chromium or Chrome on the path.

    Exit code 0: written; 2: could not run.
    """
    from embed.errors import ArtworkMatcherError

    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if not browser or not page.is_file():
        raise ArtworkMatcherError(f"no page at {page}" if browser else "no Chromium or Chrome is installed; install one")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]
        flags += [f"--user-data-dir={profile}", f"--window-size={width},{height}", f"--screenshot={out.resolve()}"]
        flags += ["--force-dark-mode", "--blink-settings=preferredColorScheme=0"] if dark else []
        subprocess.run([browser, *flags, page.resolve().as_uri()], check=True, capture_output=True)
    if colours:
        _reduce(out, colours)
    typer.echo(f"{out}")


def _reduce(path: Path, colours: int) -> None:
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(colours)
    small.save(path, optimize=True)


def main() -> None:
    """Not a console command: it makes the README's picture."""
    app()


if __name__ == "__main__":
    main()
