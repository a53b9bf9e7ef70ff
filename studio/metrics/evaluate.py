"""A model's metrics, as its card quotes them: of samples against real pictures, of reconstructions against originals.

extractor = VGGFeatures(device)
with device.computing():
    print(compare(generated, real, extractor).in_words())
"""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor

from studio.errors import InputError
from studio.metrics import distances
from studio.metrics.extractor import Extractor, VGGFeatures, check_pictures, in_color

ENOUGH_FOR_FID = 2000


@dataclasses.dataclass(frozen=True)
class Scores:
    """Samples against real pictures.

    fid, kid (with its standard error): lower is better; precision (how many samples look real) and recall (how much of
    what is real can be sampled): in [0, 1], higher is better. generated, real: how many pictures; extractor: whose
    features; size: how many pixels wide the pictures are; seed: of KID's subsets.
    """

    fid: float
    kid: float
    kid_error: float
    precision: float
    recall: float
    generated: int
    real: int
    extractor: str
    size: int | None = None
    seed: int = 0

    def in_words(self) -> str:
        """One line for people: "FID-VGG19 41.2, KID-VGG19 0.0312 ± 0.0021, precision 0.71, …"."""
        few = min(self.generated, self.real) < ENOUGH_FOR_FID
        size = f" of {self.size} px" if self.size else ""
        return (
            f"FID-{self.extractor} {self.fid:.1f}, KID-{self.extractor} {self.kid:.4f} ± {self.kid_error:.4f}, "
            f"precision {self.precision:.2f}, recall {self.recall:.2f} "
            f"({self.generated} samples against {self.real} real pictures{size}"
            + (f"; FID is too high from fewer than {ENOUGH_FOR_FID}, KID is not)" if few else ")")
        )

    def to_dict(self) -> dict[str, Any]:
        """Every field by its name, for JSON."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class ReconstructionScores:
    """Reconstructions against their originals, averaged over `count` pairs.

    psnr: dB, higher is better, 100 for like pictures; ssim: 1 for like pictures; vgg_distance: 0 for like pictures.
    """

    psnr: float
    ssim: float
    vgg_distance: float
    count: int

    def in_words(self) -> str:
        """One line for people: "PSNR 24.1 dB, SSIM 0.812, VGG distance 0.143 (500 pictures)"."""
        return (
            f"PSNR {self.psnr:.1f} dB, SSIM {self.ssim:.3f}, VGG distance {self.vgg_distance:.3f} "
            f"({self.count} picture{'' if self.count == 1 else 's'})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Every field by its name, for JSON."""
        return dataclasses.asdict(self)


def compare(generated: Tensor, real: Tensor, extractor: Extractor, seed: int = 0) -> Scores:
    """Metrics of generated pictures, (N, C, S, S) uint8, against real ones, (M, C, S, S) uint8.

    Raises InputError for pictures of different sizes and for fewer than 4 of either.
    """
    check_pictures(generated, "generated pictures")
    check_pictures(real, "real pictures")
    if generated.shape[2:] != real.shape[2:]:
        raise InputError(
            f"Generated pictures of {generated.shape[3]} × {generated.shape[2]} cannot be compared with real ones of "
            f"{real.shape[3]} × {real.shape[2]}; bring both to one size."
        )
    scores = compare_features(extractor(generated), extractor(real), extractor.name, seed)
    return dataclasses.replace(scores, size=generated.shape[3])


def compare_features(generated: Tensor, real: Tensor, extractor: str, seed: int = 0) -> Scores:
    """The same of features, (N, F) and (M, F), so that those of the real pictures are extracted only once.

    extractor: the name of what extracted them.
    """
    kid = distances.kernel_distance(generated, real, seed)
    precision, recall = distances.precision_and_recall(generated, real)
    return Scores(
        fid=distances.frechet_distance(generated, real),
        kid=kid.value,
        kid_error=kid.error,
        precision=precision,
        recall=recall,
        generated=len(generated),
        real=len(real),
        extractor=extractor,
        seed=seed,
    )


@torch.no_grad()
def reconstruction(originals: Tensor, reconstructions: Tensor, extractor: VGGFeatures) -> ReconstructionScores:
    """Metrics of pairs: (N, C, H, W) uint8, twice. The extractor lends its network. Raises InputError."""
    check_pictures(originals, "originals")
    check_pictures(reconstructions, "reconstructions")
    if originals.shape != reconstructions.shape:
        raise InputError(
            f"Expected reconstructions of shape {tuple(originals.shape)} as the originals have, "
            f"got {tuple(reconstructions.shape)}."
        )
    sums = torch.zeros(3, dtype=torch.float64)
    for pair in zip(torch.split(originals, 16), torch.split(reconstructions, 16), strict=True):
        a, b = (in_color(pictures).float() / 255 for pictures in pair)
        seen = distances.vgg_distance(extractor.device.place(a), extractor.device.place(b), extractor.network)
        of_pairs = (distances.psnr(a, b), distances.ssim(a, b), seen.cpu())
        sums += torch.stack([values.double().sum() for values in of_pairs])
    ratio, similarity, distance = (sums / len(originals)).tolist()
    return ReconstructionScores(ratio, similarity, distance, len(originals))
