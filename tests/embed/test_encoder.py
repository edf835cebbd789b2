"""CLIP by open_clip: unit vectors that are open_clip's own, and a fingerprint of what made them."""

import json
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.encoder import BUNDLED, TEXT_BATCH, EncoderChoice, choice_as_dict, load_encoder
from embed.errors import EncoderError

TEXTS = ["a photo of a cat", "Uma Thurman", "dark, rainy cities"]


@pytest.fixture(scope="session")
def plain(tiny_checkpoint: Path) -> Any:
    """(model, preprocess, tokenizer) as open_clip alone opens the tiny checkpoint."""
    import open_clip

    name = f"local-dir:{tiny_checkpoint}"
    model, _, preprocess = open_clip.create_model_and_transforms(name)
    return model.eval(), preprocess, open_clip.get_tokenizer(name)


@pytest.fixture(scope="session")
def pictures(drawing: Callable[..., Any]) -> list[Any]:
    return [drawing(name, size) for name, size in (("a", (96, 64)), ("b", (40, 90)), ("c", (32, 32)))]


@pytest.fixture(scope="session")
def tiny_by_name(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> EncoderChoice:
    """The tiny CLIP as a model that open_clip knows by name, with a weights file as `pretrained`."""
    import open_clip

    path = tmp_path_factory.mktemp("config") / "tiny-named.json"
    path.write_text(json.dumps(json.loads((tiny_checkpoint / "open_clip_config.json").read_text())["model_cfg"]))
    open_clip.add_model_config(path)
    return EncoderChoice("tiny-named", str(tiny_checkpoint / "open_clip_model.safetensors"))


def test_vectors_have_unit_length(tiny_encoder: Any, pictures: list[Any]) -> None:
    for vectors in (tiny_encoder.encode_images(pictures), tiny_encoder.encode_texts(TEXTS)):
        assert (vectors.shape, vectors.dtype) == ((3, 32), np.float32)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_the_towers_are_opened_to_judge_not_to_learn(tiny_encoder: Any) -> None:
    assert not any(
        module.training for module in tiny_encoder.model.modules()
    )  # dropout and batch statistics would move vectors


def test_nothing_gives_no_vectors(tiny_encoder: Any) -> None:
    for vectors in (tiny_encoder.encode_images([]), tiny_encoder.encode_pixels([]), tiny_encoder.encode_texts([])):
        assert (vectors.shape, vectors.dtype) == ((0, 32), np.float32)


def test_pictures_agree_with_plain_open_clip(tiny_encoder: Any, plain: Any, pictures: list[Any]) -> None:
    import torch

    model, preprocess, _ = plain
    with torch.inference_mode():
        expected = model.encode_image(torch.stack([preprocess(picture) for picture in pictures]), normalize=True)
    assert np.allclose(tiny_encoder.encode_images(pictures), expected.numpy(), atol=1e-6)


def test_texts_agree_with_plain_open_clip(tiny_encoder: Any, plain: Any) -> None:
    import torch

    model, _, tokenizer = plain
    with torch.inference_mode():
        expected = model.encode_text(tokenizer(TEXTS), normalize=True)
    assert np.allclose(tiny_encoder.encode_texts(TEXTS), expected.numpy(), atol=1e-6)


def test_a_batch_equals_one_at_a_time(tiny_encoder: Any, pictures: list[Any]) -> None:
    texts = [f"phrase {number}" for number in range(TEXT_BATCH + 1)]
    vectors = tiny_encoder.encode_texts(texts)
    assert vectors.shape == (TEXT_BATCH + 1, 32)
    for row in (0, TEXT_BATCH - 1, TEXT_BATCH):
        assert np.allclose(vectors[row], tiny_encoder.encode_texts([texts[row]])[0], atol=1e-6)
    one_by_one = np.concatenate([tiny_encoder.encode_images([picture]) for picture in pictures])
    assert np.allclose(tiny_encoder.encode_images(pictures), one_by_one, atol=1e-6)


@pytest.mark.parametrize(("words", "whole"), [(0, True), (1, True), (75, True), (76, False), (500, False)])
def test_fits_tells_what_the_tokenizer_would_cut(tiny_encoder: Any, words: int, whole: bool) -> None:
    assert tiny_encoder.fits("cat " * words) == whole  # 77 places, two of them for start and end
    if not whole:
        longer = tiny_encoder.encode_texts(["cat " * words, "cat " * words + "dog"])
        assert np.array_equal(longer[0], longer[1])


def test_fits_goes_by_the_checkpoint_s_own_context(make_checkpoint: Any, load_checkpoint: Any) -> None:
    short = load_checkpoint(make_checkpoint(context_length=16))
    assert short.context_length == 16
    assert (short.fits("cat " * 14), short.fits("cat " * 15)) == (True, False)


def test_the_fingerprint_stays_where_the_folder_moves(
    tiny_encoder: Any, tiny_checkpoint: Path, load_checkpoint: Any, tmp_path: Path
) -> None:
    copied = shutil.copytree(tiny_checkpoint, tmp_path / "another name")
    (copied / "open_clip_model.safetensors").rename(copied / "model.safetensors")
    (copied / "README.md").write_text("a model card")
    assert load_checkpoint(copied).fingerprint == tiny_encoder.fingerprint
    assert load_checkpoint(copied.rename(tmp_path / "moved")).fingerprint == tiny_encoder.fingerprint
    assert len(tiny_encoder.fingerprint) == 64


def test_the_fingerprint_stays_where_defaults_are_spelled_out(
    tiny_encoder: Any, tiny_checkpoint: Path, load_checkpoint: Any, tmp_path: Path
) -> None:
    copied = shutil.copytree(tiny_checkpoint, tmp_path / "copied")
    config = json.loads((copied / "open_clip_config.json").read_text())
    config["model_cfg"]["custom_text"] = False
    config["model_cfg"]["vision_cfg"] |= {"mlp_ratio": 4.0, "pool_type": "tok"}
    config["preprocess_cfg"]["fill_color"] = 0
    (copied / "open_clip_config.json").write_text(json.dumps(config))
    assert load_checkpoint(copied).fingerprint == tiny_encoder.fingerprint


def nudge_one_weight(state: dict[str, Any]) -> None:
    state["visual.proj"][0, 0] += 1e-3


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"spoil": nudge_one_weight},
        {"interpolation": "bilinear"},
        {"quick_gelu": True},
        {"context_length": 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_fingerprint_changes_with_what_decides_a_vector(
    tiny_encoder: Any, make_checkpoint: Any, load_checkpoint: Any, change: dict[str, Any]
) -> None:
    assert load_checkpoint(make_checkpoint(**change)).fingerprint != tiny_encoder.fingerprint


def test_the_fingerprint_changes_with_the_tokenizer(
    tiny_encoder: Any, tiny_checkpoint: Path, load_checkpoint: Any, tmp_path: Path
) -> None:
    copied = shutil.copytree(tiny_checkpoint, tmp_path / "copied")
    config = json.loads((copied / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"]["tokenizer_kwargs"] = {"clean": "canonicalize"}  # drops punctuation
    (copied / "open_clip_config.json").write_text(json.dumps(config))
    assert load_checkpoint(copied).fingerprint != tiny_encoder.fingerprint


def test_a_model_by_name_with_a_weights_file(tiny_encoder: Any, tiny_by_name: EncoderChoice, pictures: list[Any]) -> None:
    encoder = load_encoder(tiny_by_name, device="cpu")
    assert encoder.fingerprint == tiny_encoder.fingerprint
    assert np.array_equal(encoder.encode_images(pictures), tiny_encoder.encode_images(pictures))


def test_a_slash_in_a_model_s_name_changes_nothing(tiny_encoder: Any, tiny_by_name: EncoderChoice) -> None:
    choice = EncoderChoice("tiny/named", tiny_by_name.pretrained)
    assert load_encoder(choice, device="cpu").fingerprint == tiny_encoder.fingerprint


def test_an_activation_that_does_not_suit_the_weights_is_refused(
    tiny_by_name: EncoderChoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from open_clip import factory

    monkeypatch.setattr(factory, "get_pretrained_cfg", lambda model, tag: {"quick_gelu": True})
    monkeypatch.setattr(factory, "download_pretrained", lambda cfg, cache_dir=None: tiny_by_name.pretrained)
    with pytest.raises(EncoderError, match=r"QuickGELU mismatch.*OpenAI's weights want the model 'tiny-named-quickgelu'"):
        load_encoder(EncoderChoice("tiny-named", "openai"), device="cpu")


def test_an_archive_of_openai_s_is_refused_where_the_model_has_another_activation(tmp_path: Path) -> None:
    """open_clip #771: a path in place of the tag, and the vectors were wrong without a word."""
    archive = tmp_path / "ViT-B-32.pt"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("archive/constants.pkl", b"")
    with pytest.raises(EncoderError, match=r"ViT-B-32\.pt is an archive .* give the model 'ViT-B-32-quickgelu'"):
        load_encoder(EncoderChoice("ViT-B/32", str(archive)), device="cpu")
    with pytest.raises(EncoderError, match="cannot be opened"):  # the activation is right; the archive is empty
        load_encoder(EncoderChoice("ViT-B-32-quickgelu", str(archive)), device="cpu")


def without_config(folder: Path) -> None:
    (folder / "open_clip_config.json").unlink()


def without_weights(folder: Path) -> None:
    (folder / "open_clip_model.safetensors").unlink()


def with_broken_config(folder: Path) -> None:
    (folder / "open_clip_config.json").write_text("{")


def with_cut_weights(folder: Path) -> None:
    path = folder / "open_clip_model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def with_other_shape(folder: Path) -> None:
    path = folder / "open_clip_config.json"
    path.write_text(path.read_text().replace('"embed_dim": 32', '"embed_dim": 64'))


@pytest.mark.parametrize("damage", [without_config, without_weights, with_broken_config, with_cut_weights, with_other_shape])
def test_a_damaged_checkpoint_is_refused(tiny_checkpoint: Path, tmp_path: Path, damage: Callable[[Path], None]) -> None:
    copied = shutil.copytree(tiny_checkpoint, tmp_path / "copied")
    damage(copied)
    with pytest.raises(EncoderError, match=r"copied' cannot be opened: (.|\n)*; give a folder with open_clip_config\.json"):
        load_encoder(EncoderChoice(f"local-dir:{copied}"), device="cpu")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (EncoderChoice("local-dir:/nowhere"), r"no checkpoint folder at '/nowhere'; give a folder with open_clip_config\.json"),
        (EncoderChoice("ViT-B-32"), r"model 'ViT-B-32' needs --pretrained; open_clip\.list_pretrained\(\) lists the pairs"),
        (EncoderChoice("ViT-B-33", "openai"), r"'ViT-B-33 / openai' cannot be opened: .*ViT-B-33"),
        (EncoderChoice("ViT-B-32", "no-such-tag"), r"'ViT-B-32 / no-such-tag' cannot be opened: .*; check the name with"),
        (EncoderChoice("hf-hub:nobody/nothing"), r"cannot be opened: .*; check the name .* or give --checkpoint DIR"),
    ],
)
def test_checkpoints_that_are_not_there(choice: EncoderChoice, message: str) -> None:
    with pytest.raises(EncoderError, match=rf"(?s){message}"):
        load_encoder(choice, device="cpu")


def test_the_remedy_adds_quickgelu_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from open_clip import factory

    def unreachable(*_: object, **__: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr(factory, "download_pretrained", unreachable)
    with pytest.raises(EncoderError, match="cannot be opened") as caught:
        load_encoder(EncoderChoice("ViT-B-32-quickgelu", "openai"), device="cpu")
    assert "quickgelu-quickgelu" not in str(caught.value)


def spoil_both_towers(state: dict[str, Any]) -> None:
    state["visual.proj"].fill_(float("nan"))
    state["text_projection"].zero_()


def test_unusable_vectors_are_never_given(make_checkpoint: Any, load_checkpoint: Any, pictures: list[Any]) -> None:
    encoder = load_checkpoint(make_checkpoint(spoil=spoil_both_towers))
    with pytest.raises(EncoderError, match="not finite or has no length; the checkpoint is damaged"):
        encoder.encode_images(pictures)
    with pytest.raises(EncoderError, match="not finite or has no length; the checkpoint is damaged"):
        encoder.encode_texts(TEXTS)


def test_opening_leaves_the_process_s_warning_filters_alone(tiny_checkpoint: Path, load_checkpoint: Any) -> None:
    before = list(warnings.filters)
    load_checkpoint(tiny_checkpoint)
    assert warnings.filters == before


def test_a_choice_is_worded_and_kept() -> None:
    choice = EncoderChoice("ViT-B-32", "openai")
    assert str(choice) == "ViT-B-32 / openai"
    assert EncoderChoice(**choice_as_dict(choice)) == choice
    assert (str(EncoderChoice()), EncoderChoice().is_bundled, choice.is_bundled) == (BUNDLED, True, False)


def test_the_bundled_checkpoint_opens(pictures: list[Any]) -> None:
    from artwork_assets import CHECKPOINT

    if not CHECKPOINT.is_dir():
        pytest.skip(f"{CHECKPOINT} is not there yet; scripts/train_checkpoint.py makes it")
    encoder = load_encoder(device="cpu")
    assert encoder.choice.is_bundled
    assert encoder.fingerprint == load_encoder(EncoderChoice(f"local-dir:{CHECKPOINT}"), device="cpu").fingerprint
    assert encoder.encode_images(pictures).shape == encoder.encode_texts(TEXTS).shape == (3, encoder.dimension)
