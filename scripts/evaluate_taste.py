"""Whether a taste in words or from a history finds the artwork it should: `python scripts/evaluate_taste.py`.

`scripts/evaluating/` has the parts: retrieval.py, genres.py, choosing.py, histories.py, gap.py, seen.py and words.py measure.
"""

from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"  # beside the repository
PARTS = ("retrieval", "genres", "choosing", "histories", "gap", "seen", "words")


@app.command()
@console.reports_errors
def evaluate_taste(
    data: Annotated[Path, typer.Option(help="Folder of the research data: captions, posters, movielens, refnumbers.")] = DATA,
    only: Annotated[str, typer.Option(help="Which parts, divided by commas.")] = ",".join(PARTS),
    groups: Annotated[int, typer.Option(min=1, help="How many groups of pictures are chosen from.")] = 2000,
    resamples: Annotated[int, typer.Option(min=10, help="Of the bootstrap behind each interval.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same figures.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Folder that keeps vectors for the next run.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the figures to this file, such as taste.png.")] = None,
    checkpoint: console.CheckpointFolder = None,
    model: console.ModelName = None,
    pretrained: console.PretrainedTag = None,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure (a) recall between captions and photographs, (b) the area under the ROC curve of genres on posters, (c) how often a
    user gets the picture that the user described out of 4, 8 and 20, (d) whether the profile of a MovieLens user's first liked
    films ranks the posters of later ones above those of disliked ones, (e) what each correction of the gap between texts and pictures
    is worth, (f) whether artwork that a SIMULATED user played tells of the user's taste, and (g) what tags add to (c), and how often
    the line of copy that speaks of the picture is found; with 95 % intervals, other ways beside the product's, and a word where
    something is not better than chance.

    About 8 minutes on 2 cores, with ViT-B-32 about 18, less with fewer --groups; what takes the time is kept with --cache.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.evaluating.encodings import remembering
    from artwork_doors.evaluating.telling import measured, tell
    from artwork_doors.evaluating.verdicts import Material
    from artwork_doors.evaluating.verdicts import as_json as in_json
    from embed.encoder import EncoderChoice, load_encoder
    from embed.errors import ArtworkMatcherError

    names = console.parts(only, PARTS)
    if not data.is_dir():
        raise ArtworkMatcherError(
            f"no research data at {str(data)!r}; give the folder that has captions and posters with --data"
        )
    choice = (
        EncoderChoice(model, pretrained) if model else EncoderChoice(f"local-dir:{checkpoint}" if checkpoint else "bundled")
    )
    with console.progress_bar("encoding pictures") as progress:
        material = Material(data, remembering(load_encoder(choice), cache, progress), seed, resamples, groups)
        parts = measured(names, material)
    tell(parts, in_json(material, parts) if as_json else None, plot, about=f"; {choice}", check=check)


def main() -> None:
    """Not a console command: it needs data that is not the project's."""
    app()


if __name__ == "__main__":
    main()
