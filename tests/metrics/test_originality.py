"""Copies of training pictures are found, and new pictures are not called copies."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as functional
from torch import Tensor

from studio.errors import InputError
from studio.metrics.extractor import VGGFeatures
from studio.metrics.originality import copies, nearest, sheet


def blots(count: int, seed: int, channels: int = 3) -> Tensor:
    """Smooth pictures, each another: (count, channels, 64, 64) uint8."""
    coarse = torch.rand(count, channels, 6, 6, generator=torch.Generator().manual_seed(seed))
    return (functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0, 1) * 255).byte()


def test_planted_copies_are_found_even_noisy_shifted_or_mirrored(extractor: VGGFeatures) -> None:
    training, samples = blots(60, 0), blots(12, 1)
    samples[3] = training[41]
    samples[5] = (training[7].float() + torch.randn(3, 64, 64) * 2).clamp(0, 255).byte()
    samples[8] = training[20].roll(1, 2)
    samples[11] = training[33].flip(2)
    found = copies(samples, training, extractor)
    assert found.copied == (3, 5, 8, 11)
    assert [found.nearest.indices[index].item() for index in (3, 5, 8, 11)] == [41, 7, 20, 33]
    assert [found.nearest.pixel_indices[index].item() for index in (3, 5, 8, 11)] == [41, 7, 20, 33]
    assert found.nearest.distances[3] < 1e-3 and found.nearest.pixel_distances[11] < 1e-6
    assert found.warning and "of 12 samples are nearly training pictures (number 4, 6, 9, 12)" in found.warning


@pytest.mark.parametrize("kind", ["noise", "blots"])
def test_new_pictures_are_no_copies(extractor: VGGFeatures, kind: str) -> None:
    def fresh(count: int, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randint(0, 256, (count, 1, 64, 64), generator=generator, dtype=torch.uint8)
        return noise if kind == "noise" else blots(count, seed)

    found = copies(fresh(25, 1), fresh(40, 0), extractor)
    assert found.copied == () and found.warning is None


def test_training_pictures_that_are_there_twice_hide_no_copy(extractor: VGGFeatures) -> None:
    training = blots(30, 0).repeat(2, 1, 1, 1)
    sample = (training[:1].float() + 2).clamp(0, 255).byte()
    found = copies(torch.cat([sample, blots(1, 1)]), training, extractor)
    assert found.copied == (0,) and found.ratios[1] > 0.8
    assert found.warning and found.warning.startswith("1 of 2 samples is nearly a training picture (number 1)")


def test_nearest_alone_says_the_same(extractor: VGGFeatures) -> None:
    samples, training = blots(5, 1), blots(20, 0)
    alone, within = nearest(samples, training, extractor), copies(samples, training, extractor).nearest
    assert torch.equal(alone.indices, within.indices) and torch.equal(alone.pixel_distances, within.pixel_distances)
    ways = torch.stack([extractor(samples), extractor(samples.flip(3))], 1)
    expected = (ways[:, :, None] - extractor(training)).norm(dim=3).amin(1).min(1)
    assert torch.equal(alone.indices, expected.indices)
    torch.testing.assert_close(alone.distances, expected.values)


def test_the_sheet_shows_pairs_nearest_first(extractor: VGGFeatures) -> None:
    samples, training = blots(6, 1), blots(9, 0, channels=1)
    samples[4] = training[2]
    found = nearest(samples, training, extractor)
    image = sheet(samples, training, found, pairs=5, columns=3)
    assert image.mode == "RGB" and image.size == (3 * (2 * 64 + 10), 2 * (64 + 8))
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 3)
    left, right = pixels[4:68, 4:68], pixels[4:68, 70:134]
    assert torch.equal(left, right) and torch.equal(left[..., 0], training[2, 0])


def test_what_cannot_be_compared_is_refused(extractor: VGGFeatures) -> None:
    with pytest.raises(InputError, match="at least 2 different training pictures, got 3 with 1"):
        copies(blots(2, 0), blots(1, 1).repeat(3, 1, 1, 1), extractor)
    with pytest.raises(InputError, match="Samples of 32 × 32 cannot be compared with training pictures of 64 × 64"):
        nearest(blots(2, 0)[..., :32, :32], blots(2, 1), extractor)
