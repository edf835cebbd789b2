"""The parts of the checkpoint's training that have a right answer."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from artwork_doors.training import ensemble, export, features, heads, phrases


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    return export.new_model().eval()


@pytest.fixture(scope="module")
def head() -> heads.Head:
    torch.manual_seed(1)
    return heads.Head(torch.randn(50, 1280) * 3 + 2, 1024, dropout=0.3).eval()


def test_folding_the_standardisation_in_changes_no_vector(model: Any, head: heads.Head) -> None:
    import timm

    export.fold_in(model, timm.create_model(features.TOWER), head, scale=20.0)
    pooled = torch.randn(4, 1280) * 3 + 2
    with torch.inference_mode():
        folded = torch.nn.functional.normalize(model.visual.head.mlp(pooled), dim=-1)
        torch.testing.assert_close(folded, head(pooled), atol=1e-5, rtol=0)
    assert model.logit_scale.exp().item() == pytest.approx(20.0)


def test_plain_open_clip_opens_what_is_exported(model: Any, tmp_path: Path) -> None:
    import open_clip

    export.export(model, tmp_path)
    opened, _ = open_clip.create_model_from_pretrained(f"local-dir:{tmp_path}")
    assert json.loads((tmp_path / "open_clip_config.json").read_text())["preprocess_cfg"]["interpolation"] == "bicubic"
    assert opened.visual.image_mean == pytest.approx((127 / 255,) * 3)
    assert opened.visual.image_size == (features.SIZE, features.SIZE)
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


def test_a_genre_is_said_in_every_way_of_the_product() -> None:
    said = phrases.genres_as_said(["romance", "war"])
    meant = "a poster of a romance movie"
    assert {text for text, meaning in said if meaning == meant} == {
        template.format(word)
        for template in ("a poster of a {} movie", "a still from a {} film", "{} films")
        for word in ("romance", "romantic")
    }
    assert ("war films", "a poster of a war movie") in said


@pytest.fixture(scope="module")
def pairs() -> features.Pairs:
    random = np.random.default_rng(0)
    texts = random.normal(size=(40, 5, len(features.LAYERS) * features.WIDTH)).astype(np.float16)
    return features.Pairs(random.normal(size=(40, 2, 1280)).astype(np.float32), texts, [["a cat"] * 5] * 40)


@pytest.fixture(scope="module")
def members(pairs: features.Pairs) -> tuple[heads.Heads, ...]:
    torch.manual_seed(2)
    return tuple(
        heads.Heads(
            heads.Head(torch.from_numpy(pairs.pictures).flatten(0, 1), 1024, dropout=0.3).eval(),
            heads.Head(heads.of_layers(pairs.texts, layers).flatten(0, 1), 1024, dropout=0.3).eval(),
            layers,
            20.0,
        )
        for layers in ((6,), (2, 4, 6))
    )


def test_an_ensemble_has_the_mean_of_its_members_similarities(members: tuple[heads.Heads, ...], pairs: features.Pairs) -> None:
    joined = ensemble.joined(members, pairs)
    pictures, texts = pairs.pictures[:, 0], pairs.texts[:, 0]
    with torch.inference_mode():
        apart = [one.picture(torch.from_numpy(pictures)) @ one.text(heads.of_layers(texts, one.layers)).T for one in members]
    torch.testing.assert_close(joined.pictures(pictures) @ joined.texts(texts).T, sum(apart) / 2, atol=1e-3, rtol=0)


def test_a_layer_is_read_from_where_it_stands() -> None:
    side_by_side = np.repeat(np.array(features.LAYERS, np.float16), features.WIDTH)[None]
    assert heads.of_layers(side_by_side, (6,)).unique().tolist() == [6]
    assert heads.of_layers(side_by_side, (2, 6)).shape == (1, 2 * features.WIDTH)


def test_a_genre_moves_towards_what_its_posters_show(
    members: tuple[heads.Heads, ...], pairs: features.Pairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensemble, "ENOUGH", 10)
    joined = ensemble.joined(members, pairs)
    bears = np.zeros((40, 2), bool)
    bears[:20, 0] = bears[:5, 1] = True  # of the second genre there are too few posters
    meant = torch.nn.functional.normalize(torch.randn(2, 512), dim=-1)
    moved = ensemble.as_posters_show(joined, features.Posters(pairs, bears, ["war", "western"]), meant)
    shown = joined.pictures(pairs.pictures).mean(1)
    lead = (shown[:20].mean(0) - shown[20:].mean(0)) @ torch.stack([meant[0], moved[0]]).T
    assert lead[1] > lead[0]
    torch.testing.assert_close(moved[1], meant[1])
    assert moved[0].norm().item() == pytest.approx(1.0)


def test_one_head_learns_what_several_say(members: tuple[heads.Heads, ...], pairs: features.Pairs) -> None:
    joined = ensemble.joined(members, pairs)
    posters = features.Posters(pairs, np.zeros((40, 1), bool), ["war"])
    head = ensemble.one_picture_head(joined, pairs, posters, ensemble.OneHeadSettings(steps=60, batch=64))
    with torch.inference_mode():
        near = (head(torch.from_numpy(pairs.pictures)) * joined.pictures(pairs.pictures)).sum(-1).mean()
    assert near > 0.7
