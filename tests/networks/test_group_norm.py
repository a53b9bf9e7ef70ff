"""Group norm with a gradient of its own: the same values and gradients as torch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from studio.networks.group_norm import GroupNorm


def made(channels: int, groups: int = 4) -> GroupNorm:
    norm = GroupNorm(groups, channels).double()
    with torch.no_grad():
        norm.weight.normal_(generator=torch.Generator().manual_seed(1))
        norm.bias.normal_(generator=torch.Generator().manual_seed(2))
    return norm


def test_its_gradient_is_that_of_finite_differences() -> None:
    x = torch.randn(2, 8, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(made(8), (x,))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channels", [8, 64, 128])
def test_values_and_gradients_are_torchs(channels: int, layout: torch.memory_format) -> None:
    stream = torch.Generator().manual_seed(3)
    x = torch.randn(3, channels, 6, 4, dtype=torch.float64, generator=stream).to(memory_format=layout)
    own, plain = made(channels), nn.GroupNorm(4, channels).double()
    plain.load_state_dict(own.state_dict())
    results = []
    for norm in (own, plain):
        inputs = x.clone().requires_grad_()
        normalized = norm(inputs)
        gradients = torch.autograd.grad(normalized.sin().sum(), (inputs, norm.weight, norm.bias))
        results.append((normalized, *gradients))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-10)
