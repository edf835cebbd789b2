"""Bit for bit what open_clip does to a picture before its tower, without torch."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from embed.preprocessing import MEAN, STD, Preprocessing, preprocessing_of

SIZES = [16, 32, 33, 224, (32, 48), (48, 31), (224, 160)]
MODES = ["RGB", "L", "RGBA", "LA", "CMYK"]


def noise(mode: str, size: tuple[int, int], seed: int) -> Image.Image:
    bands = len(Image.new(mode, (1, 1)).getbands())
    return Image.frombytes(mode, size, np.random.default_rng(seed).bytes(size[0] * size[1] * bands))


def open_clips_own(config: dict[str, Any]) -> Any:
    """The evaluation transform that open_clip makes of a configuration."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    return image_transform_v2(PreprocessCfg(**config), is_train=False)


CONFIGS = st.fixed_dictionaries(
    {
        "size": st.sampled_from(SIZES),
        "interpolation": st.sampled_from(["bicubic", "bilinear"]),
        "resize_mode": st.sampled_from(["shortest", "longest", "squash"]),
        "fill_color": st.sampled_from([0, 7, 255]),
    }
)


@settings(max_examples=150, deadline=None)
@given(CONFIGS, st.sampled_from(MODES), st.integers(16, 300), st.integers(16, 300), st.integers(0, 2**32 - 1))
@example({"size": 224, "resize_mode": "shortest"}, "RGB", 224, 224, 0)
@example({"size": 224, "resize_mode": "shortest"}, "RGB", 16, 300, 0)
@example({"size": 33, "resize_mode": "longest"}, "RGB", 300, 16, 0)
def test_pixels_are_bit_for_bit_open_clip_s(config: dict[str, Any], mode: str, width: int, height: int, seed: int) -> None:
    picture = noise(mode, (width, height), seed)
    preprocessing = preprocessing_of(config)
    pixels = preprocessing.resize(picture)
    assert (pixels.dtype, pixels.shape) == (np.uint8, (*preprocessing.size, 3))
    assert np.array_equal(preprocessing.normalise(pixels[None])[0], open_clips_own(config)(picture).numpy())


@pytest.mark.parametrize(
    ("mean", "std"), [(MEAN, STD), ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), ((0.5, 0.1, 0.9), (0.3, 0.5, 0.25))]
)
def test_every_sample_is_normalised_bit_for_bit_as_torchvision_does(mean: Any, std: Any) -> None:
    from torchvision.transforms import Compose, Normalize, ToTensor

    every = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, axis=2)
    expected = Compose([ToTensor(), Normalize(mean, std)])(every).numpy()
    found = preprocessing_of({"size": 16, "mean": mean, "std": std}).normalise(every[None])
    assert (found.dtype, found.shape) == (np.float32, (1, 3, 256, 1))
    assert np.array_equal(found[0], expected)


def test_normalising_leaves_the_pixels_and_takes_none() -> None:
    preprocessing = preprocessing_of({"size": 8})
    pixels = np.full((2, 8, 8, 3), 9, np.uint8)
    preprocessing.normalise(pixels)
    assert (pixels == 9).all()
    assert preprocessing.normalise(pixels[:0]).shape == (0, 3, 8, 8)


def test_defaults_are_open_clip_s() -> None:
    from open_clip.transform import PreprocessCfg

    own = PreprocessCfg()
    made = preprocessing_of({"size": 224})
    assert made == Preprocessing((224, 224), own.interpolation, own.resize_mode, own.mean, own.std, own.fill_color)
    empty = dict.fromkeys(["mean", "std", "interpolation", "resize_mode", "fill_color"])
    assert preprocessing_of({"size": [224, 224], "mode": "RGB", **empty}) == made
    assert preprocessing_of({"size": 224, "mean": 0.5, "std": [0.25, 0.5, 1]}).mean == (0.5, 0.5, 0.5)


def test_random_interpolation_is_bicubic_as_in_open_clip() -> None:
    assert preprocessing_of({"size": 224, "interpolation": "random"}).interpolation == "bicubic"


def test_a_checkpoint_s_own_configuration_is_understood(tiny_encoder: Any) -> None:
    config = tiny_encoder.model.visual.preprocess_cfg
    picture = noise("RGB", (80, 120), 0)
    preprocessing = preprocessing_of(config)
    assert preprocessing.size == (32, 32)
    expected = open_clips_own(config)(picture).numpy()
    assert np.array_equal(preprocessing.normalise(preprocessing.resize(picture)[None])[0], expected)


def test_it_is_plain_data_and_loads_no_torch() -> None:
    preprocessing = preprocessing_of({"size": (32, 48)})
    assert pickle.loads(pickle.dumps(preprocessing)) == preprocessing
    code = "import sys, embed.preprocessing; print('torch' in sys.modules, 'torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["False", "False"]


@settings(max_examples=100, deadline=None)
@given(CONFIGS, st.integers(64, 300), st.integers(64, 300), st.integers(0, 2**32 - 1))
def test_resizing_only_what_is_kept_is_resizing_all(config: dict[str, Any], width: int, height: int, seed: int) -> None:
    picture = noise("RGB", (width, height), seed).point(
        lambda sample: 96 + sample // 4
    )  # cubic overshoot is cut between passes
    preprocessing = preprocessing_of(config)
    expected = preprocessing.resize(picture).astype(int)
    found = preprocessing.resize_kept(picture, picture.size, (0, 0, width, height)).astype(int)
    assert np.abs(found - expected).max() <= 2  # Pillow keeps the box in single precision, and orders its passes by it


@settings(max_examples=60, deadline=None)
@given(CONFIGS, st.integers(0, 7), st.integers(0, 7), st.booleans(), st.booleans())
def test_a_smaller_picture_is_taken_for_the_whole_at_the_right_place(
    config: dict[str, Any], more_wide: int, more_high: int, from_right: bool, from_below: bool
) -> None:
    """A slope of brightness, which any scale shows alike: a shift or a stretch of it would be a difference."""
    width, height, scale = 900 + more_wide, 640 + more_high, 8
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    whole = Image.fromarray(np.stack([x / width, y / height, x / width], -1).__mul__(255).round().astype(np.uint8))
    wide, high = -(-width // scale), -(-height // scale)
    left = wide - width / scale if from_right else 0.0
    top = high - height / scale if from_below else 0.0
    x, y = np.meshgrid((np.arange(wide) + 0.5 - left) * scale, (np.arange(high) + 0.5 - top) * scale)
    samples = (np.stack([x / width, y / height, x / width], -1) * 255).round().clip(0, 255).astype(np.uint8)
    preprocessing = preprocessing_of(config | {"size": 32})
    box = (left, top, left + width / scale, top + height / scale)
    found = preprocessing.resize_kept(Image.fromarray(samples), (width, height), box).astype(int)
    assert np.abs(found - preprocessing.resize(whole)).max() <= 2
    moved = preprocessing.resize_kept(Image.fromarray(samples), (width, height), (0, 0, wide * 0.9, high)).astype(int)
    assert np.abs(moved - preprocessing.resize(whole)).max() > 2  # so that the line above can fail
