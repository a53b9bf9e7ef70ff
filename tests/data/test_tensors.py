"""Between bytes, floats and pictures nothing is lost."""

from __future__ import annotations

import numpy as np
import torch

from studio.data.tensors import to_network, to_pictures, to_uint8


def test_every_byte_comes_back() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    floats = to_network(levels)
    assert floats.dtype == torch.float32
    assert (floats.min(), floats.max()) == (-1, 1)
    assert torch.equal(to_uint8(floats), levels)


def test_what_lies_outside_is_clamped_and_the_rest_goes_to_the_nearest() -> None:
    nearly = to_network(torch.tensor([100])) + torch.tensor([-0.49, 0.49]) / 127.5
    assert to_uint8(nearly).tolist() == [100, 100]
    assert to_uint8(torch.tensor([-7.0, 7.0], requires_grad=True)).tolist() == [0, 255]


def test_pictures_are_grey_or_rgb() -> None:
    for channels, mode in ((1, "L"), (3, "RGB")):
        pixels = torch.randint(0, 256, (2, channels, 4, 6), dtype=torch.uint8)
        made = to_pictures(to_network(pixels))
        assert [image.mode for image in made] == [mode, mode]
        assert made[0].size == (6, 4)
        expected = pixels[1].permute(1, 2, 0).numpy()
        assert np.array_equal(np.asarray(made[1]).reshape(expected.shape), expected)
    assert to_pictures(torch.empty(0, 3, 4, 4)) == []
