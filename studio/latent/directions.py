"""Directions that change one thing at a time, found without labels: GANSpace (Härkönen et al. 2020, arXiv:2004.02546).

The principal components of an early layer's activations are what a model varies most. Each is brought back to the
latent space by the latents that go with it, in the sense of least squares. Not every direction means something: `sheet`
draws what each of them does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from studio.data.tensors import to_pictures
from studio.errors import InputError, ModelError
from studio.latent.space import LatentSpace

SIGMAS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
MOST_FEATURES = 8192
_BATCH = 64
_OVERSAMPLING = 16
_POWER_ITERATIONS = 4
_GAP = 4  # pixels between the rows of one direction and those of the next
_NAMES = ("vectors", "deviations", "explained")


@dataclass(frozen=True)
class Directions:
    """Directions in a latent space, on the CPU, the strongest first.

    vectors: (count, L) of length 1, signed so that the largest of their numbers is positive;
    deviations: (count,) how far along the vector one standard deviation of its component is;
    explained: (count,) the share of the activations' variance that is the component's, in [0, 1].
    """

    vectors: Tensor
    deviations: Tensor
    explained: Tensor

    def __len__(self) -> int:
        return len(self.vectors)

    def step(self, index: int, sigmas: float) -> Tensor:
        """(L,): what to add to a latent to go so many standard deviations along one direction."""
        return self.vectors[index] * self.deviations[index] * sigmas

    def to_tensors(self) -> dict[str, Tensor]:
        """What to save beside a model's weights."""
        return {f"directions.{name}": getattr(self, name).contiguous() for name in _NAMES}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Directions:
        """The directions among some tensors. Raises ModelError if they are missing or do not fit each other."""
        missing = [name for name in _NAMES if f"directions.{name}" not in tensors]
        if missing:
            raise ModelError(f"Expected tensors of directions; directions.{missing[0]} is missing: find them again.")
        vectors, deviations, explained = (tensors[f"directions.{name}"].float().cpu() for name in _NAMES)
        if vectors.ndim != 2 or deviations.shape != explained.shape or deviations.shape != vectors.shape[:1]:
            raise ModelError(
                f"The tensors of directions do not fit each other: {tuple(vectors.shape)}, {tuple(deviations.shape)} "
                f"and {tuple(explained.shape)}; find them again."
            )
        return cls(vectors, deviations, explained)


def find_directions(space: LatentSpace, *, samples: int = 4096, count: int = 8, seed: int = 0) -> Directions:
    """The `count` directions along which the activations of `samples` latents of the model vary most.

    The components come from a randomised singular value decomposition (Halko et al. 2011, arXiv:0909.4061) in float64.
    Of more than MOST_FEATURES activations that many are taken by chance. Equal seeds give equal directions.
    Raises InputError if there are fewer than `count` directions to find.
    """
    random = torch.Generator().manual_seed(seed)
    latents = space.latents_of(torch.randint(2**31, (samples,), generator=random).tolist())
    features = _activations(space, latents, random)
    possible = min(space.latent_size, features.shape[1], samples - 1)
    if not 1 <= count <= possible:
        raise InputError(f"Expected 1 to {possible} directions from {samples} samples, got {count}.")
    features -= features.mean(dim=0)
    left, components = _principal_components(features, count, random)
    variance = torch.linalg.vector_norm(features) ** 2
    if components[-1] ** 2 <= 1e-9 * variance or not variance > 0:
        found = int((components**2 > 1e-9 * variance).sum())
        raise InputError(f"The activations vary in {found} directions only, and {count} were asked for; ask for fewer.")
    origin = latents.cpu().double()  # some GPUs know no such numbers
    origin = origin - origin.mean(dim=0)
    # Least squares from the components' coordinates, in standard deviations, to the latents. Singular vectors are
    # orthonormal, so the normal equations are solved already.
    moves = left.T @ origin / (samples - 1) ** 0.5
    deviations = moves.norm(dim=1)
    vectors = moves / deviations[:, None].clamp(min=1e-12)
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    vectors = vectors * largest.sign()
    return Directions(vectors.float(), deviations.float(), (components**2 / variance).float())


@torch.no_grad()
def sheet(
    space: LatentSpace,
    directions: Directions,
    seeds: Sequence[int],
    sigmas: Sequence[float] = SIGMAS,
    labels: Tensor | None = None,
) -> Image.Image:
    """A picture of what each direction does: a row for each direction and seed, a column for each of `sigmas`.

    labels: (len(seeds),) classes, for a model that has them.
    """
    if not seeds or not sigmas or not len(directions):
        raise InputError("A sheet needs at least one direction, one seed and one column.")
    latents = space.latents_of(seeds)
    rows = []
    for index in range(len(directions)):
        steps = torch.stack([directions.step(index, sigma) for sigma in sigmas]).to(latents)
        for number, latent in enumerate(latents):
            label = None if labels is None else labels[number : number + 1].expand(len(sigmas))
            rows.append(to_pictures(space.decode(latent + steps, label)))
    width, height = rows[0][0].size
    groups = len(rows) // len(seeds)
    page = Image.new("RGB", (width * len(sigmas), height * len(rows) + _GAP * (groups - 1)), "white")
    for number, row in enumerate(rows):
        for column, picture in enumerate(row):
            page.paste(picture, (column * width, number * height + number // len(seeds) * _GAP))
    return page


@torch.no_grad()
def _activations(space: LatentSpace, latents: Tensor, random: torch.Generator) -> Tensor:
    """(N, F) float64 on the CPU, F at most MOST_FEATURES."""
    kept: Tensor | None = None
    batches = []
    for batch in torch.split(latents, _BATCH):
        found = space.activations(batch).cpu()
        if found.shape[1] > MOST_FEATURES:
            if kept is None:
                kept = torch.randperm(found.shape[1], generator=random)[:MOST_FEATURES].sort().values
            found = found[:, kept]
        batches.append(found.double())
    return torch.cat(batches)


def _principal_components(features: Tensor, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Of centred features (N, F): the left singular vectors (N, count) and the singular values (count,)."""
    width = min(count + _OVERSAMPLING, *features.shape)
    basis = torch.randn(features.shape[1], width, generator=random, dtype=features.dtype)
    for _ in range(_POWER_ITERATIONS):
        basis = torch.linalg.qr(features.T @ torch.linalg.qr(features @ basis).Q).Q
    left, values, _ = torch.linalg.svd(features @ basis, full_matrices=False)
    return left[:, :count], values[:count]
