"""Scores as model cards quote them: their numbers, their words, their JSON."""

from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor

from studio.errors import InputError
from studio.metrics.distances import frechet_distance, precision_and_recall
from studio.metrics.evaluate import ReconstructionScores, Scores, compare, compare_features, reconstruction
from studio.metrics.extractor import VGGFeatures


def pictures(count: int, seed: int, highest: int = 256) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, highest, (count, 3, 64, 64), generator=generator, dtype=torch.uint8)


def test_a_comparison_tells_like_pictures_from_others(extractor: VGGFeatures) -> None:
    real = pictures(16, 0)
    like = compare(pictures(12, 1), real, extractor, seed=5)
    dark = compare(pictures(12, 1, 60), real, extractor, seed=5)
    assert like.fid < dark.fid and like.kid < dark.kid and dark.kid > 3 * dark.kid_error
    assert like.precision > 0.5 and (dark.precision, dark.recall) == (0, 0)
    assert (like.generated, like.real, like.extractor, like.size, like.seed) == (12, 16, "VGG19", 64, 5)


def test_features_that_are_there_already_give_the_same(extractor: VGGFeatures) -> None:
    generated, real = pictures(8, 1), pictures(9, 0)
    features = extractor(generated), extractor(real)
    scores = compare_features(*features, extractor.name, seed=2)
    assert scores.to_dict() == compare(generated, real, extractor, seed=2).to_dict() | {"size": None}
    assert scores.fid == frechet_distance(*features)
    assert (scores.precision, scores.recall) == precision_and_recall(*features)


def test_scores_in_words() -> None:
    scores = Scores(41.23, 0.03124, 0.00212, 0.71, 0.456, 500, 2500, "VGG19", 64, 7)
    assert scores.in_words() == (
        "FID-VGG19 41.2, KID-VGG19 0.0312 ± 0.0021, precision 0.71, recall 0.46 "
        "(500 samples against 2500 real pictures of 64 px; FID is too high from fewer than 2000, KID is not)"
    )
    many = Scores(9.0, 0.001, 0.0002, 1.0, 1.0, 5000, 2500, "Inception").in_words()
    assert many.startswith("FID-Inception 9.0, KID-Inception 0.0010 ± 0.0002") and "too high" not in many
    assert Scores(**json.loads(json.dumps(scores.to_dict()))) == scores


def test_reconstructions_are_scored_over_all_pairs(extractor: VGGFeatures) -> None:
    originals = pictures(18, 0)  # more than one batch
    near = (originals.float() + 4).clamp(0, 255).byte()
    scores, perfect = reconstruction(originals, near, extractor), reconstruction(originals, originals, extractor)
    assert 34 < scores.psnr < 40 and 0.9 < scores.ssim < 1 and scores.vgg_distance > 0 and scores.count == 18
    assert perfect.to_dict() == pytest.approx({"psnr": 100, "ssim": 1, "vgg_distance": 0, "count": 18}, abs=1e-5)
    squares = ((originals.double() - near.double()) / 255).square().mean((1, 2, 3))
    assert scores.psnr == pytest.approx((-10 * squares.log10()).mean().item(), rel=1e-5)


def test_reconstruction_scores_in_words() -> None:
    words = ReconstructionScores(24.06, 0.8124, 0.1431, 500).in_words()
    assert words == "PSNR 24.1 dB, SSIM 0.812, VGG distance 0.143 (500 pictures)"
    assert ReconstructionScores(24.06, 0.8124, 0.1431, 1).in_words().endswith("(1 picture)")


def test_what_cannot_be_compared_is_refused(extractor: VGGFeatures) -> None:
    with pytest.raises(InputError, match="Generated pictures of 32 × 64 cannot be compared with real ones of 64 × 64"):
        compare(pictures(4, 0)[..., :32], pictures(4, 1), extractor)
    with pytest.raises(InputError, match="Expected real pictures as uint8"):
        compare(pictures(4, 0), pictures(4, 1).float(), extractor)
    with pytest.raises(InputError, match="at least 4 generated pictures"):
        compare(pictures(3, 0), pictures(4, 1), extractor)
    with pytest.raises(InputError, match=r"Expected reconstructions of shape \(4, 3, 64, 64\)"):
        reconstruction(pictures(4, 0), pictures(3, 0), extractor)
