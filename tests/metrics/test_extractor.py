"""Features of pictures: their shape, their scale, and what they must not depend on."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.functional as functional
from PIL import Image
from torch import Tensor, nn

from studio.device import choose
from studio.errors import InputError, ModelError
from studio.media.images import open_picture
from studio.metrics.extractor import InceptionFeatures, VGGFeatures
from tests.conftest import ROOT


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@pytest.mark.parametrize("shape", [(2, 3, 64, 64), (1, 1, 64, 64), (2, 3, 128, 128), (1, 3, 40, 40), (1, 1, 200, 160)])
def test_features_have_their_shape(extractor: VGGFeatures, shape: tuple[int, ...]) -> None:
    features = extractor(noise(*shape))
    assert features.shape == (shape[0], 1024) and features.dtype == torch.float32
    assert features.isfinite().all() and not features.requires_grad
    assert extractor.name == "VGG19"


def test_a_picture_has_the_same_features_in_any_company(extractor: VGGFeatures) -> None:
    pictures = noise(66, 3, 64, 64)  # more than one batch
    together = extractor(pictures)
    for index in (0, 63, 64, 65):
        torch.testing.assert_close(together[index : index + 1], extractor(pictures[index : index + 1]))


def test_grey_is_seen_as_three_like_channels(extractor: VGGFeatures) -> None:
    grey = noise(2, 1, 64, 64)
    torch.testing.assert_close(extractor(grey), extractor(grey.repeat(1, 3, 1, 1)))


def test_features_are_the_averages_of_the_two_layers(extractor: VGGFeatures) -> None:
    pictures = noise(1, 3, 128, 128)  # kept at its size
    layers = extractor.network(pictures.float() / 255, ["relu4_1", "relu5_1"])
    expected = torch.cat([layers["relu4_1"].mean((2, 3)) / 800, layers["relu5_1"].mean((2, 3)) / 100], 1)
    torch.testing.assert_close(extractor(pictures), expected)


def test_other_sizes_are_resized_smoothly(extractor: VGGFeatures) -> None:
    small = functional.interpolate(noise(1, 3, 4, 4).float(), (64, 64), mode="bilinear").byte()
    other = functional.interpolate(small.float(), (96, 96), mode="bilinear").byte()
    near = (extractor(small) - extractor(other)).norm()
    assert near < 0.2 * (extractor(small) - extractor(noise(1, 3, 64, 64))).norm()


def test_the_shipped_network_gives_both_halves_entries_of_about_one() -> None:
    extractor = VGGFeatures(choose("cpu", "float32"))
    crops = []
    for path in sorted((ROOT / "samples" / "content").glob("*.jpg"))[:4]:
        image = open_picture(path).image.resize((256, 256), Image.Resampling.BICUBIC)
        tensor = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(256, 256, 3).permute(2, 0, 1)
        crops += [tensor[:, y : y + 64, x : x + 64] for y in (32, 160) for x in (32, 160)]
    features = extractor(torch.stack(crops))
    for half in features.chunk(2, 1):
        assert 0.5 < half.square().mean().sqrt() < 1.5


@pytest.mark.parametrize(
    "pictures",
    [torch.rand(1, 3, 64, 64), noise(3, 64, 64), noise(1, 4, 64, 64), noise(0, 3, 64, 64)],
    ids=["floats", "three dimensions", "four channels", "none"],
)
def test_what_are_no_pictures_is_refused(extractor: VGGFeatures, pictures: Tensor) -> None:
    with pytest.raises(InputError, match="Expected pictures as uint8 of shape"):
        extractor(pictures)


class TinyInception(nn.Module):
    """What the TorchScript file of StyleGAN's metrics looks like from outside."""

    def forward(self, pictures: Tensor, return_features: bool = False) -> Tensor:
        means = pictures.float().mean(dim=[2, 3])
        return means if return_features else means * 0


class Classifier(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.float()


def script(network: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network).save(str(path))
    return path


def test_an_inception_of_ones_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "studio"):
        extractor = InceptionFeatures(script(TinyInception(), tmp_path / "inception.pt"), choose("cpu", "float32"))
    assert "runs the code inside" in caplog.text and extractor.name == "Inception"
    pictures = noise(70, 1, 16, 16)
    torch.testing.assert_close(extractor(pictures), pictures.float().mean((2, 3)).expand(-1, 3))


def test_another_file_than_an_inception_is_refused(tmp_path: Path) -> None:
    device = choose("cpu", "float32")
    with pytest.raises(ModelError, match="There is no file"):
        InceptionFeatures(tmp_path / "none.pt", device)
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(ModelError, match="no TorchScript that this torch can load"):
        InceptionFeatures(tmp_path / "text.pt", device)
    with pytest.raises(ModelError, match="cannot be called with uint8 pictures and return_features=True"):
        InceptionFeatures(script(Classifier(), tmp_path / "other.pt"), device)(noise(1, 3, 8, 8))
