"""What decoding large JPEGs smaller does to their vectors, and what it saves: `python scripts/evaluate_shrink.py`."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    import numpy as np

    from embed.preprocessing import Preprocessing

app = console.door()

MARGINS = (1.0, 1.5, 2.0, 3.0, 4.0)
USED = "as used"
TARGETS = {"median": 0.999, "minimum": 0.995}  # of the cosine to open_clip's own preprocessing of the full-size file
ROUNDING = 1  # of a sample, where only what is kept is resized; more, and the picture was shrunk
CHUNK = 32  # pictures at a time: bounds memory
TIMED = (1000, 1500)  # pixels

Way = Callable[[bytes], "np.ndarray"]  # a JPEG file to the tower's pixels


@app.command()
@console.reports_errors
def evaluate_shrink(
    pictures: Annotated[
        Path | None,
        typer.Argument(help="Folder of JPEGs to make the test's pictures of; the bundled catalog's where left out."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="How many pictures are made.")] = 1000,
    first: Annotated[int, typer.Option(min=0, help="The first one's number: other numbers, other pictures.")] = 0,
    checkpoint: console.CheckpointFolder = None,
    model: console.ModelName = None,
    pretrained: console.PretrainedTag = None,
    as_json: console.AsJson = False,
    check: console.Check = False,
) -> None:
    """Make JPEGs of 200 to 4,000 pixels (photographs, collages, film grain, lettering, hatching), and print the cosine between
    their vectors by open_clip's own preprocessing of the full-size file and those by way of a smaller one: at several margins
    without any other rule, and as the job does it. Beside it, the milliseconds to decode and resize one of 1000x1500.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_assets import CATALOG

    from embed.encoder import EncoderChoice, load_encoder
    from embed.errors import ArtworkMatcherError

    folder = pictures or CATALOG / "pictures"
    if not (sources := sorted(folder.rglob("*.jpg"))):
        raise ArtworkMatcherError(f"no .jpg below {folder}; give a folder that has some")
    choice = (
        EncoderChoice(model, pretrained) if model else EncoderChoice(f"local-dir:{checkpoint}" if checkpoint else "bundled")
    )
    encoder = load_encoder(choice)
    ways = _ways(encoder.preprocessing)
    found = _measure(range(first, first + count), sources, encoder.encode_pixels, ways)
    figures = {name: _figures(*found[name]) | {"ms": _milliseconds(ways[name], sources)} for name in ways}
    missed = [name for name, target in TARGETS.items() if figures[USED][name] < target]
    if as_json:
        kinds = _by_kind(*found[USED], first)
        console.answer({"checkpoint": str(choice), "pictures": count, "figures": figures, "kinds": kinds, "targets": TARGETS})
    else:
        title = f"{count:,} pictures, {choice}; targets of '{USED}': median {TARGETS['median']}, minimum {TARGETS['minimum']}"
        columns = ("margin", "shrunk", "median", "of the shrunk", "1 %", "minimum", f"ms at {TIMED[0]}x{TIMED[1]}")
        console.print_table(title, columns, [(name, *_row(row)) for name, row in figures.items()])
    if check and missed:
        raise typer.Exit(1)


def _ways(preprocessing: "Preprocessing") -> dict[str, Way]:
    """By name: the whole, which is open_clip's own; each margin; and what the job does."""
    from embed.pictures import open_picture
    from embed.shrinking import pixels_of

    def at_margin(margin: float) -> Way:
        def way(data: bytes) -> "np.ndarray":
            opened = open_picture(data, shortest=round(preprocessing.shortest * margin))
            return preprocessing.resize_kept(opened.picture, opened.size, opened.box)

        return way

    whole: dict[str, Way] = {"whole": lambda data: pixels_of(data, preprocessing, shrink=False)[0]}
    return {**whole, **{f"{m:g}": at_margin(m) for m in MARGINS}, USED: lambda data: pixels_of(data, preprocessing)[0]}


def _measure(
    numbers: range, sources: list[Path], encode: Callable[["np.ndarray"], "np.ndarray"], ways: dict[str, Way]
) -> dict[str, tuple["np.ndarray", "np.ndarray"]]:
    """Per way and picture: the cosine to the whole's vector, and whether the picture was shrunk."""
    import numpy as np

    cosines: dict[str, list[float]] = {name: [] for name in ways}
    shrunk: dict[str, list[bool]] = {name: [] for name in ways}
    for pixels in _decoded(numbers, sources, ways):
        whole = encode(pixels["whole"])
        for name, found in pixels.items():
            off = np.abs(found.astype(np.int16) - pixels["whole"]).max(axis=(1, 2, 3))
            row = np.ones(len(found))
            row[off > 0] = (encode(found[off > 0]) * whole[off > 0]).sum(axis=1)
            cosines[name] += row.tolist()
            shrunk[name] += (off > ROUNDING).tolist()
    return {name: (np.array(cosines[name]), np.array(shrunk[name])) for name in ways}


def _decoded(numbers: range, sources: list[Path], ways: dict[str, Way]) -> Iterator[dict[str, "np.ndarray"]]:
    """(pictures, height, width, 3) uint8 per way, CHUNK pictures at a time."""
    import os
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from artwork_doors.drawing.jpegs import jpeg

    def one(number: int) -> list["np.ndarray"]:
        data = jpeg(number, sources)
        return [way(data) for way in ways.values()]

    with ThreadPoolExecutor(os.cpu_count()) as pool, console.progress_bar("measuring") as progress:
        for start in range(0, len(numbers), CHUNK):
            made = list(pool.map(one, numbers[start : start + CHUNK]))
            yield dict(zip(ways, map(np.stack, zip(*made, strict=True)), strict=True))
            progress(min(start + CHUNK, len(numbers)), len(numbers))


def _figures(cosines: "np.ndarray", shrunk: "np.ndarray") -> dict[str, float]:
    import numpy as np

    return {
        "shrunk": float(shrunk.mean()),
        "median": float(np.median(cosines)),
        "median of the shrunk": float(np.median(cosines[shrunk])) if shrunk.any() else 1.0,
        "1 %": float(np.quantile(cosines, 0.01)),
        "minimum": float(cosines.min()),
    }


def _by_kind(cosines: "np.ndarray", shrunk: "np.ndarray", first: int) -> dict[str, dict[str, float]]:
    import numpy as np

    from artwork_doors.drawing.jpegs import KINDS, kind_of

    kinds = np.array([kind_of(first + place) for place in range(len(cosines))])
    return {kind: _figures(cosines[kinds == kind], shrunk[kinds == kind]) for kind in KINDS if (kinds == kind).any()}


def _milliseconds(way: Way, sources: list[Path]) -> float:
    """Of this processor, for one picture: the least of nine."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(sources[0]) as picture:
        picture.convert("RGB").resize(TIMED, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=85)
    seconds = []
    for _ in range(9):
        start = time.process_time()
        way(buffer.getvalue())
        seconds.append(time.process_time() - start)
    return round(min(seconds) * 1000, 2)


def _row(figures: dict[str, float]) -> tuple[str, ...]:
    numbers = (f"{figures[name]:.5f}" for name in ("median", "median of the shrunk", "1 %", "minimum"))
    return (f"{figures['shrunk']:.0%}", *numbers, f"{figures['ms']:.1f}")


def main() -> None:
    """Not a console command: it measures a choice that is made."""
    app()


if __name__ == "__main__":
    main()
