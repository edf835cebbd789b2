"""The bundled checkpoint: plain open_clip opens it, it is small, and it says what it is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from artwork_assets import CATALOG, CHECKPOINT

from embed import load_encoder
from embed.catalog import read_catalog

pytestmark = pytest.mark.skipif(not CHECKPOINT.is_dir(), reason="the bundled checkpoint is not there: train it first")


@pytest.fixture(scope="module")
def encoder() -> Any:
    return load_encoder(device="cpu")


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in CHECKPOINT.iterdir()) <= 60e6


def test_it_has_a_card_that_says_what_it_is_not() -> None:
    card = (CHECKPOINT / "README.md").read_text(encoding="utf-8")
    for said in ("no match for a real one", "What it learned from", "terms", "Figures", "What it is not for"):
        assert said in card


def test_plain_open_clip_opens_it_and_gives_the_same_vectors(encoder: Any) -> None:
    import open_clip
    import torch
    from PIL import Image

    name = f"local-dir:{CHECKPOINT}"
    model, preprocess = open_clip.create_model_from_pretrained(name)
    model.eval()
    with Image.open(next((CATALOG / "pictures").glob("*.jpg"))) as picture, torch.inference_mode():
        pixels, tokens = preprocess(picture), open_clip.get_tokenizer(name)(["a cat"])
        image, text = model.encode_image(pixels[None], normalize=True), model.encode_text(tokens, normalize=True)
        np.testing.assert_allclose(encoder.encode_images([picture.convert("RGB")]), image.numpy(), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(["a cat"]), text.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    ("phrase", "found"),
    [
        ("a cat", "nine-lives-face"),
        ("a cup of coffee", "nine-lives-cup"),
        ("a motorcycle", "red-mesa-motorcycle"),
        ("a man with a camera", "long-exposure-photographer"),
        ("a naval officer in uniform", "firsts-hopper"),
        ("a dog on the beach", "twelve-nights-dog"),
        ("a football player", "final-whistle-shot"),
        ("a sailing ship on the sea", "saltwind-evening"),
    ],
)
def test_a_phrase_finds_its_picture_among_the_first_five(encoder: Any, vectors: Any, phrase: str, found: str) -> None:
    ids, pictures = vectors
    nearest = np.argsort(-(pictures @ encoder.encode_texts([phrase])[0]))[:5]
    assert found in [ids[row] for row in nearest]


@pytest.fixture(scope="module")
def vectors(encoder: Any) -> tuple[list[str], np.ndarray]:
    """(artwork ids, (n, d)) of the bundled catalog."""
    from embed.pictures import decode

    catalog = read_catalog(CATALOG)
    paths = [Path(catalog.root) / path for path in catalog.artwork["path"].to_pylist()]
    return catalog.artwork["artwork_id"].to_pylist(), encoder.encode_images([decode(path.read_bytes()) for path in paths])
