"""Texts without their padding have open_clip's own vectors, whatever tower reads them."""

from typing import Any

import pytest
import torch

from embed.text_tower import encode_tokens

TEXTS = [
    "",
    "a cat",
    "a black dog runs after a white dog in the snow",
    "horror films",
    "rain at night, two people",
    "cat " * 90,
]
VISION = {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16}
TEXT = {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}


def causal(**text: Any) -> Any:
    from open_clip.model import CLIP

    return CLIP(16, VISION, {**TEXT, **text})


def custom(**text: Any) -> Any:
    from open_clip.model import CustomTextCLIP

    return CustomTextCLIP(16, VISION, {**TEXT, **text})


TOWERS = {
    "as OpenAI's": causal,
    "read at its own end token": lambda: causal(pool_type="eos", eos_id=49407),
    "with a bias in its projection": lambda: causal(proj_bias=True),
    "without a projection": lambda: causal(width=16, proj_type="none"),
    "not causal": lambda: causal(no_causal_mask=True),
    "read at the last place": lambda: causal(pool_type="last"),
    "as SigLIP's": lambda: custom(no_causal_mask=True, pool_type="last", proj_bias=True),
    "a tower of its own": custom,
}


@pytest.mark.parametrize("tower", TOWERS)
@pytest.mark.parametrize("batch", [1, 4, 100])
def test_vectors_are_those_of_open_clip(tower: str, batch: int) -> None:
    import open_clip

    torch.manual_seed(0)
    model = TOWERS[tower]().eval()
    tokens = open_clip.SimpleTokenizer(context_length=TEXT["context_length"])(TEXTS)
    with torch.inference_mode():
        torch.testing.assert_close(encode_tokens(model, tokens, batch), model.encode_text(tokens), atol=1e-5, rtol=1e-5)


def test_padding_is_not_computed() -> None:
    import open_clip

    model = causal().eval()
    lengths = []
    model.transformer.register_forward_pre_hook(lambda _, args: lengths.append(args[0].shape[1]))
    tokens = open_clip.SimpleTokenizer(context_length=TEXT["context_length"])(TEXTS)
    with torch.inference_mode():
        encode_tokens(model, tokens, 2)
    assert lengths == [4, 8, 24]  # a start, an end, and a comma is one, too
