"""The parts of the checkpoint's training that have a right answer."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from artwork_doors.training import distil, export, heads, phrases

TEXTS = ["a cat", "a black dog runs after a white dog in the snow", "horror films", ""] * 3


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    return export.new_model().eval()


@pytest.fixture(scope="module")
def head() -> heads.Head:
    torch.manual_seed(1)
    return heads.Head(torch.randn(50, 1280) * 3 + 2, 1024, dropout=0.3).eval()


def test_texts_without_their_padding_have_the_same_vectors(model: Any) -> None:
    import open_clip

    tokens = open_clip.SimpleTokenizer(context_length=distil.TEXT["context_length"])(TEXTS)
    with torch.inference_mode():
        torch.testing.assert_close(distil.encode_texts(model, tokens), model.encode_text(tokens, normalize=True))


def test_folding_the_standardisation_in_changes_no_vector(model: Any, head: heads.Head) -> None:
    import timm

    export.fold_in(model, timm.create_model("tf_efficientnet_lite0"), head, scale=20.0)
    features = torch.randn(4, 1280) * 3 + 2
    with torch.inference_mode():
        folded = torch.nn.functional.normalize(model.visual.head.mlp(features), dim=-1)
        torch.testing.assert_close(folded, head(features), atol=1e-5, rtol=0)
    assert model.logit_scale.exp().item() == pytest.approx(20.0)


def test_plain_open_clip_opens_what_is_exported(model: Any, tmp_path: Path) -> None:
    import open_clip

    export.export(model, tmp_path)
    opened, _ = open_clip.create_model_from_pretrained(f"local-dir:{tmp_path}")
    assert json.loads((tmp_path / "open_clip_config.json").read_text())["preprocess_cfg"]["interpolation"] == "bicubic"
    assert opened.visual.image_mean == pytest.approx((127 / 255,) * 3)
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(opened.state_dict()[name], weight, atol=1e-3, rtol=1e-3)


def test_made_features_let_their_class_lead() -> None:
    torch.manual_seed(0)
    weight = torch.randn(1000, 1280) / 36
    classes = heads.Classes(weight, torch.zeros(1000), torch.zeros(1000, 3, 384), torch.eye(1280))
    start, wanted, lead = torch.rand(5, 1280), torch.tensor([3, 14, 15, 92, 65]), torch.full((5,), 4.0)
    made = heads.class_features(classes, start, wanted, lead)
    logits = made @ weight.T
    others = logits.scatter(1, wanted[:, None], -torch.inf).topk(3, dim=1).values[:, -1]  # two near twins may stay ahead
    assert (logits.gather(1, wanted[:, None])[:, 0] - others).min() >= 3.9


def test_posters_of_the_same_genres_are_each_others_targets() -> None:
    genres = torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])
    targets = heads.genre_targets(genres)
    torch.testing.assert_close(targets.sum(1), torch.ones(4))
    assert targets[0, 1] == pytest.approx(targets[0, 0].item(), rel=0.01)
    assert targets[0, 1] > targets[0, 2] > targets[0, 3] == 0


def test_contrast_is_least_where_pairs_meet() -> None:
    vectors = torch.eye(4)
    met = heads.contrast(vectors, vectors, torch.tensor(20.0), 0.0)
    assert met < 1e-6
    assert heads.contrast(vectors, vectors.roll(1, 0), torch.tensor(20.0), 0.0) > 10


def test_phrases_of_taste_are_many_and_none_is_held_out() -> None:
    found = phrases.taste_phrases(5000, seed=0)
    assert len(set(found)) == 5000
    assert not set(found) & set(phrases.HELD_OUT)
    assert phrases.taste_phrases(5000, seed=0) == found != phrases.taste_phrases(5000, seed=1)


def test_pieces_of_captions_stand_in_captions() -> None:
    captions = [["A dog runs in the snow .", "Snow"], ["Two girls play on a long skateboard in the yard ."]]
    pieces = phrases.pieces_of_captions(captions, 200, seed=0)
    assert len(pieces) == 200
    assert len(set(pieces)) > 20
    assert all(any(piece in caption for group in captions for caption in group) for piece in pieces)
    assert max(len(piece.split()) for piece in pieces) <= 8
