"""Sparse up-sampling equals up-sampling everything."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ihp_backend.parsing import upsampling
from ihp_backend.parsing.upsampling import label_map_from_logits


def everything(logits: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """All logits in full size, by torch."""
    full = torch.nn.functional.interpolate(torch.from_numpy(logits)[None], (height, width), mode="bilinear")
    return full[0].numpy()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 9), st.integers(1, 60), st.integers(1, 60))
def test_equal_to_interpolating_every_label(seed: int, h: int, w: int, height: int, width: int) -> None:
    logits = np.random.default_rng(seed).normal(size=(4, h, w)).astype(np.float32)
    label_map = label_map_from_logits(logits, height, width, h / height, w / width)
    full = everything(logits, height, width)
    chosen = np.take_along_axis(full, label_map[None].astype(np.intp), 0)[0]
    # Rounding may decide a tie either way; the chosen label's logit is the largest all the same.
    np.testing.assert_allclose(chosen, full.max(0), atol=1e-5)
    assert label_map.shape == (height, width)
    assert label_map.dtype == np.uint8


def test_chunks_do_not_show(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    logits = np.random.default_rng(0).normal(size=(6, 20, 20)).astype(np.float32)
    whole = label_map_from_logits(logits, 200, 200, 0.1, 0.1)
    monkeypatch.setattr(upsampling, "CHUNK", 777)
    np.testing.assert_array_equal(label_map_from_logits(logits, 200, 200, 0.1, 0.1), whole)


def test_padding_beyond_the_photograph_is_left_out() -> None:
    logits = np.zeros((2, 4, 4), np.float32)
    logits[1, 3:] = 9  # A row that lies wholly in the padding.
    assert (label_map_from_logits(logits, 8, 16, 0.25, 0.25) == 0).all()
