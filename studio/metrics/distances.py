"""Distances between two sets of pictures (FID, KID, precision and recall) and between pairs (PSNR, SSIM, VGG).

Those of sets take features, (N, F) of generated and (M, F) of real pictures, on the CPU; statistics are float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from studio.errors import InputError
from studio.metrics.neighbours import nearest_points, squared_distances
from studio.networks.vgg import BLOCKS, VGG

SUBSETS, SUBSET_SIZE = 50, 500
NEIGHBOURS = 3
HIGHEST_PSNR = 100.0
LEAST_SIDE = 11  # SSIM's window

# torchmetrics is imported where it is used: it takes longer to load than `studio --help` may.


@dataclass(frozen=True)
class KID:
    """Kernel Inception Distance: 0 for like sets, where it may come out slightly negative; `error`: standard error."""

    value: float
    error: float


def frechet_distance(generated: Tensor, real: Tensor) -> float:
    """FID of features (Heusel et al. 2017, arXiv:1706.08500), by torchmetrics; 0 for like sets.

    It comes out too high for few pictures: compare only numbers from equally many. Raises InputError for fewer than 2.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    generated, real = _checked(generated, real, 2)
    # Where several processes train, one measures: it must not wait for the others.
    metric = FrechetInceptionDistance(feature=_AsTheyAre(real.shape[1]), sync_on_compute=False).set_dtype(torch.float64)
    metric.update(generated, real=False)
    metric.update(real, real=True)
    return max(0.0, float(metric.compute()))


def kernel_distance(generated: Tensor, real: Tensor, seed: int = 0) -> KID:
    """KID of features (Bińkowski et al. 2018, arXiv:1801.01401): unbiased squared MMD, kernel (x·y / F + 1)³.

    The mean over 50 seeded subsets of b pictures of each set, b = 500 or half of the smaller set of n if that is less.
    Its standard error follows from the spread over subsets as in the delete-d jackknife (Shao & Wu 1989),
    √(b / (n - b)) of it, and from how many subsets there are, √(1 / 50) of it.
    Raises InputError for fewer than 4 pictures.
    """
    from torchmetrics.image.kid import poly_mmd

    generated, real = _checked(generated, real, 4)
    least = min(len(generated), len(real))
    size = min(SUBSET_SIZE, least // 2)
    generator = torch.Generator().manual_seed(seed)

    def drawn(features: Tensor) -> Tensor:
        return features[torch.randperm(len(features), generator=generator)[:size]]

    values = torch.stack([poly_mmd(drawn(real), drawn(generated)) for _ in range(SUBSETS)])
    error = float(values.std()) * math.sqrt(size / (least - size) + 1 / SUBSETS)
    return KID(float(values.mean()), error)


def precision_and_recall(generated: Tensor, real: Tensor, neighbours: int = NEIGHBOURS) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991), each in [0, 1].

    Precision: the share of generated pictures that lie among the real ones, within the distance from some real picture
    to its third nearest real neighbour. Recall: the share of real ones that lie among the generated ones likewise.
    Raises InputError for no more pictures than neighbours.
    """
    generated, real = _checked(generated, real, neighbours + 1)
    return _share_among(generated, real, neighbours), _share_among(real, generated, neighbours)


def psnr(originals: Tensor, reconstructions: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of pairs: (N, C, H, W) in [0, 1], twice  →  (N,); at most 100."""
    from torchmetrics.functional.image import peak_signal_noise_ratio

    ratio = peak_signal_noise_ratio(
        reconstructions, originals, data_range=1.0, reduction="none", dim=tuple(range(1, originals.ndim))
    )
    return ratio.clamp(max=HIGHEST_PSNR)


def ssim(originals: Tensor, reconstructions: Tensor) -> Tensor:
    """Structural similarity of pairs (Wang et al. 2004): (N, C, H, W) in [0, 1], twice  →  (N,), 1 for like ones.

    Gaussian window of 11 pixels. Raises InputError for pictures smaller than that.
    """
    from torchmetrics.functional.image import structural_similarity_index_measure

    if min(originals.shape[2:]) < LEAST_SIDE:
        raise InputError(f"SSIM needs {LEAST_SIDE} × {LEAST_SIDE} pixels at least, got {tuple(originals.shape[2:])}.")
    found = structural_similarity_index_measure(reconstructions, originals, data_range=1.0, reduction="none")
    assert isinstance(found, Tensor)
    return found.reshape(-1)  # torchmetrics drops the dimension of a single picture


def vgg_distance(a: Tensor, b: Tensor, network: VGG) -> Tensor:
    """How differently a VGG sees pairs: (N, 3 or 1, H, W) in [0, 1], twice, where the network is  →  (N,), 0 to 2.

    As LPIPS without learned weights (Zhang et al. 2018, arXiv:1801.03924): the squared difference of features of unit
    length, averaged over positions and over the last layers of blocks 1 to 4 (relu1_2, relu2_2, relu3_4, relu4_4 of
    VGG-19; few positions are left in block 5). Differentiable; float32 whatever the network's precision.
    """
    layers = [f"relu{block}_{BLOCKS[network.config.depth][block - 1]}" for block in (1, 2, 3, 4)]
    seen_a, seen_b = (network(pictures.expand(-1, 3, -1, -1), layers) for pictures in (a, b))
    differences = [
        (_unit(seen_a[layer]) - _unit(seen_b[layer])).square().sum(1).mean((1, 2)) for layer in layers
    ]  # (N,) each
    return torch.stack(differences).mean(0)


class _AsTheyAre(nn.Module):
    """What torchmetrics takes for a network: features go through it unchanged."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.num_features = count

    def forward(self, features: Tensor) -> Tensor:
        return features


def _share_among(points: Tensor, others: Tensor, neighbours: int) -> float:
    """The share of points within the ball of some other, whose radius is the distance to its k-th neighbour."""
    radii = nearest_points(others, others, neighbours, same=True)[0][:, -1].square()
    within = [(squared <= radii).any(1) for _, squared in squared_distances(points, others)]
    return float(torch.cat(within).double().mean())


def _unit(features: Tensor) -> Tensor:
    """Features of unit length at each position: (N, C, H, W), over C."""
    exact = features.float()
    return exact * (exact.square().sum(1, keepdim=True) + 1e-10).rsqrt()


def _checked(generated: Tensor, real: Tensor, least: int) -> tuple[Tensor, Tensor]:
    for features, what in ((generated, "generated"), (real, "real")):
        if features.ndim != 2 or len(features) < least:
            raise InputError(
                f"Expected features of at least {least} {what} pictures, (N, F), got shape {tuple(features.shape)}."
            )
        if not features.isfinite().all():
            raise InputError(f"The features of the {what} pictures hold values that are no numbers.")
    if generated.shape[1] != real.shape[1]:
        raise InputError(f"{generated.shape[1]} features of generated pictures, {real.shape[1]} of real ones.")
    return generated.double(), real.double()
