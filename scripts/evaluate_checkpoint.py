"""What a checkpoint is worth, by plain open_clip: `python scripts/evaluate_checkpoint.py --captions DIR --posters DIR`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    import numpy as np

app = console.door()

# The dev split's twelve most frequent.
GENRES = (
    "comedy",
    "drama",
    "romance",
    "horror",
    "thriller",
    "mystery",
    "fantasy",
    "sci-fi",
    "family",
    "crime",
    "musical",
    "war",
)
TARGETS = {"text to image recall@5": 0.57, "image to text recall@5": 0.63, "genre AUC, mean": 0.72}  # of the bundled checkpoint


@app.command()
@console.reports_errors
def evaluate_checkpoint(
    captions: Annotated[Path, typer.Option(help="Folder with captions.json (image, captions) and images/.")],
    posters: Annotated[Path, typer.Option(help="Folder with index.json (image, genres, split) and images/.")],
    checkpoint: console.CheckpointFolder = None,
    model: console.ModelName = None,
    pretrained: console.PretrainedTag = None,
    as_json: console.AsJson = False,
    check: console.Check = False,
) -> None:
    """Recall on CAPTIONS, each caption a query and each picture a query, and the area under the ROC curve per genre on the dev
    split of POSTERS for "a poster of a {genre} movie".

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    import open_clip
    from artwork_assets import CHECKPOINT

    name = model or f"local-dir:{checkpoint or CHECKPOINT}"
    opened, preprocess = open_clip.create_model_from_pretrained(name, pretrained)
    opened.eval()
    encode = _Encode(opened, preprocess, open_clip.get_tokenizer(name))
    figures = {**_recalls(captions, encode), **_genres(posters, encode)}
    if as_json:
        console.answer({"checkpoint": name, "figures": figures, "targets": TARGETS})
    else:
        rows = [(key, f"{value:.3f}", f"{TARGETS[key]:.2f}" if key in TARGETS else "") for key, value in figures.items()]
        console.print_table(f"Checkpoint {name}", ("measure", "figure", "target"), rows)
    if check and any(figures[key] < target for key, target in TARGETS.items()):
        raise typer.Exit(1)


class _Encode:
    """Pictures and texts to unit vectors (n, d)."""

    def __init__(self, model: Any, preprocess: Any, tokenizer: Any) -> None:
        self.model, self.preprocess, self.tokenizer = model, preprocess, tokenizer

    def pictures(self, files: list[Path]) -> "np.ndarray":
        import torch
        from PIL import Image

        batches = []
        with torch.inference_mode():
            for start in range(0, len(files), 32):
                pixels = torch.stack([self.preprocess(Image.open(file)) for file in files[start : start + 32]])
                batches.append(self.model.encode_image(pixels, normalize=True))
        return torch.cat(batches).numpy()

    def texts(self, texts: list[str]) -> "np.ndarray":
        import torch

        with torch.inference_mode():
            batches = [texts[start : start + 256] for start in range(0, len(texts), 256)]
            return torch.cat([self.model.encode_text(self.tokenizer(batch), normalize=True) for batch in batches]).numpy()


def _recalls(folder: Path, encode: _Encode) -> dict[str, float]:
    """A caption finds its picture, a picture any of its captions, among the nearest k."""
    import numpy as np

    rows = json.loads((folder / "captions.json").read_text(encoding="utf-8"))
    pictures = encode.pictures([folder / "images" / row["image"] for row in rows])
    owner = np.array([number for number, row in enumerate(rows) for _ in row["captions"]])
    similarities = encode.texts([caption for row in rows for caption in row["captions"]]) @ pictures.T  # (captions, pictures)
    own = similarities[np.arange(len(owner)), owner]
    text_rank = (similarities > own[:, None]).sum(axis=1)
    best_own = np.array([own[owner == number].max() for number in range(len(rows))])
    image_rank = (similarities > best_own[None]).sum(axis=0)
    ranks = {"text to image": text_rank, "image to text": image_rank}
    return {f"{way} recall@{k}": float((rank < k).mean()) for way, rank in ranks.items() for k in (1, 5, 10)}


def _genres(folder: Path, encode: _Encode) -> dict[str, float]:
    import numpy as np

    from artwork_doors.evaluating.scores import area

    rows = [row for row in json.loads((folder / "index.json").read_text(encoding="utf-8")) if row["split"] == "dev"]
    pictures = encode.pictures([folder / "images" / row["image"] for row in rows])
    texts = encode.texts([f"a poster of a {genre} movie" for genre in GENRES])
    bears = {genre: np.array([genre in row["genres"] for row in rows]) for genre in GENRES}
    areas = {genre: area(pictures @ text, bears[genre]) for genre, text in zip(GENRES, texts, strict=True)}
    return {"genre AUC, mean": float(np.mean(list(areas.values()))), **{f"genre AUC, {genre}": a for genre, a in areas.items()}}


def main() -> None:
    """Not a console command: it needs data that is not the project's."""
    app()


if __name__ == "__main__":
    main()
