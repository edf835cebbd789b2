"""Make the bundled checkpoint: `python scripts/train_checkpoint.py --captions DIR --posters DIR`. Needs the extra `train`.

A frozen ImageNet tower and a frozen sentence model get a head each, trained by contrast, several times over; the ensemble's picture
side is distilled into one head, its sentence side into open_clip's own text transformer. About 45 minutes on 2 CPU cores.
`scripts/training/` has the parts in the order of the work.
"""

import time
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()

GENRES_AGAIN = 40  # times among the student's texts, which are very many beside the wordings of a genre


@app.command()
@console.reports_errors
def train_checkpoint(
    captions: Annotated[Path, typer.Option(help="Folder with captions.json (file to five captions) and images/.")],
    posters: Annotated[Path, typer.Option(help="Folder with index.json (image, genres, tags, split) and images/.")],
    out: Annotated[Path, typer.Option(help="The checkpoint folder to write.")],
    work: Annotated[Path, typer.Option(help="Where features are kept, so that a second run starts from them.")] = Path(
        "/tmp/train_checkpoint"
    ),
    phrases: Annotated[
        int, typer.Option(help="Phrases of taste the student learns from, and as many pieces of captions.")
    ] = 40_000,
    seed: Annotated[int, typer.Option(help="The same seed on the same machine gives the same weights.")] = 0,
) -> None:
    """Train on CAPTIONS and on the train split of POSTERS, and write a checkpoint that plain open_clip opens.

    Exit code 0: written; 2: could not run.
    """
    import json
    from dataclasses import replace

    import open_clip
    import torch

    from artwork_doors.training import distil, ensemble, export, features, heads
    from artwork_doors.training import phrases as taste

    torch.manual_seed(seed)
    work.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()

    def done(stage: str) -> None:
        typer.echo(f"{time.perf_counter() - started:6.0f} s  {stage}")

    tower, teacher = features.image_tower(), features.Teacher()
    photographs = features.caption_pairs(captions, work, tower, teacher)
    films = features.poster_pairs(posters, work, tower, teacher)
    done(f"features of {len(photographs.pictures)} photographs and {len(films.genres)} posters")
    classes = heads.imagenet_classes(tower, teacher, photographs.pictures, work)
    members = [replace(member, seed=member.seed + seed) for member in ensemble.MEMBERS]
    joined = ensemble.joined(
        tuple(heads.kept_heads(photographs, films, classes, member, work) for member in members), photographs
    )
    done(f"{len(members)} pairs of heads, temperature {1 / joined.scale:.3f}")
    picture_head = ensemble.one_picture_head(joined, photographs, films, ensemble.OneHeadSettings(seed=seed))
    done("one picture head")
    model = export.new_model()
    export.fold_in(model, tower, picture_head, joined.scale)
    tokenizer = open_clip.SimpleTokenizer(context_length=distil.TEXT["context_length"])
    distil.start_from_teacher(model, tokenizer, teacher)
    others = [
        *((text, text) for text in taste.taste_phrases(phrases, seed)),
        *((text, text) for text in taste.pieces_of_captions(photographs.captions, phrases, seed)),
        *((text, text) for text in taste.words_of_the_world()),
        *((text, text) for text in heads.class_wordings()),
        *((text, text) for five in films.pairs.captions for text in five),
        *taste.genres_as_said(films.known) * GENRES_AGAIN,
    ]
    meant = sorted({meaning for _, meaning in others})
    place = {meaning: row for row, meaning in enumerate(meant)}
    vectors = joined.texts(features.kept_text_features(teacher, meant, work))
    genres = [place[taste.meaning_of(genre)] for genre in films.known]
    vectors[genres] = ensemble.as_posters_show(joined, films, vectors[genres])
    vectors = vectors[[place[meaning] for _, meaning in others]]
    lessons = distil.prepare(photographs, [said for said, _ in others], vectors, joined, tokenizer)
    done(f"{len(others)} other texts beside {lessons.caption_vectors.shape[0] * lessons.caption_vectors.shape[1]} captions")
    for settings in distil.ROUNDS:
        distil.distil(model, lessons, joined.scale, replace(settings, seed=settings.seed + seed))
        done(f"student, {settings.epochs} epochs")
    agreement = distil.held_out_agreement(model, tokenizer, taste.HELD_OUT, teacher, joined)
    export.export(model, out)
    done(f"written to {out}; on phrases never seen: {json.dumps(agreement)}")


def main() -> None:
    """Not a console command: training needs the extra `train` and data that is not the project's."""
    app()


if __name__ == "__main__":
    main()
