"""The loss of a GPT-2 with its gradients worked out by hand, over transformers' own modules and weights.

A small network on a CPU spends much of a step outside its products: in autograd's bookkeeping, in copies between
layouts and precisions, in the calls around each operation. Here an operation is one call, in place where it may be, and
all of them are traced together. What comes out is what the network and autograd give, within rounding; what `suits`
does not know is left to them.

Activations are (B * T, C): B windows of T tokens, C numbers each.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from studio.device import Device
from studio.tracing import traced

_aten = torch.ops.aten
_Gradients = dict[Tensor, Tensor]  # of weights, in float32, as they are found on the way back


def suits(network: nn.Module, device: Device) -> bool:
    """Whether `Nats` gives what this network gives, and sooner: for a plain GPT-2 without dropout, on a CPU."""
    # Imported here: it takes longer to load than `studio --help` may.
    from transformers import GPT2LMHeadModel
    from transformers.pytorch_utils import Conv1D

    if device.kind != "cpu" or type(network) is not GPT2LMHeadModel:
        return False
    config, body = network.config, cast(Any, network.transformer)  # modules by names that torch's types do not know
    linear = [
        layer for block in body.h for layer in (block.attn.c_attn, block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj)
    ]
    return bool(
        all(type(layer) is Conv1D for layer in linear)  # and none an adapter
        and network.lm_head.weight is body.wte.weight
        and config.activation_function in _ACTIVATIONS
        and not (config.resid_pdrop or config.embd_pdrop or config.attn_pdrop)
        and config.scale_attn_weights
        and not (config.scale_attn_by_inverse_layer_idx or config.reorder_and_upcast_attn or config.add_cross_attention)
    )


class Nats(nn.Module):
    """The mean cross-entropy of a network's tokens, with the gradients of its weights."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        """dtype: of products and of what lies between them; norms, sums along the blocks and the loss are in float32.

        network: one that `suits`.
        """
        super().__init__()
        self.network, self.dtype, self.weights = network, dtype, list(network.parameters())
        self.known: dict[torch.Size, Callable[[Tensor], tuple[Tensor, ...]]] = {}

    def of(self, tokens: Tensor) -> Tensor:
        """Of tokens (B, T + 1), but for the first of each window; one can go back from it once."""
        loss: Tensor = _Nats.apply(self, tokens, *self.weights)  # type: ignore[no-untyped-call]
        return loss

    def forward(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """The loss, and its gradient for each weight."""
        return _both_ways(self.network, self.weights, tokens, self.dtype)

    @torch.no_grad()
    def quickly(self, tokens: Tensor) -> tuple[Tensor, ...]:
        """The same, traced where that gives the same for other tokens of this shape."""
        if tokens.shape not in self.known:
            run, others = traced(self, (tokens,)), tokens.flip(1)
            same = run and all(map(torch.equal, run(others), self.forward(others)))
            self.known[tokens.shape] = run if run and same else self.forward
        return self.known[tokens.shape](tokens)


class _Nats(torch.autograd.Function):
    """All of it as one operation on the weights, whose gradients are found along with the loss."""

    @staticmethod
    def forward(context: Any, work: Nats, tokens: Tensor, *weights: Tensor) -> Tensor:
        loss, *context.found = work.quickly(tokens)
        return loss

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        found, times = context.found, float(gradient)
        del context.found
        if times != 1:
            torch._foreach_mul_(found, times)
        return None, None, *found


def _both_ways(network: Any, weights: Sequence[Tensor], tokens: Tensor, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The loss, and its gradient for each weight."""
    body, length = network.transformer, int(tokens.shape[1]) - 1
    seen, following = tokens[:, :-1].flatten(), tokens[:, 1:].flatten()
    x = (functional.embedding(tokens[:, :-1], body.wte.weight) + body.wpe.weight[:length]).flatten(0, 1)
    mask = x.new_full((length, length), -torch.inf, dtype=dtype).triu_(1)
    found: _Gradients = {}
    blocks = [_Block(block, mask, found) for block in body.h]
    for block in blocks:
        x = block(x)
    norm, words = _Norm(body.ln_f, dtype, found), body.wte.weight.to(dtype)
    last = norm(x)
    scores = torch.log_softmax(torch.mm(last, words.t()).float(), -1)
    loss = functional.nll_loss(scores, following)

    d = scores.exp_()
    d.scatter_add_(1, following[:, None], torch.full_like(following[:, None], -1, dtype=d.dtype))
    d = d.div_(len(tokens) * length).to(words.dtype)
    of_words = torch.mm(d.t(), last).float()
    d = norm.back(torch.mm(d, words))
    while blocks:  # one that is done with makes room for what the next one needs
        d = blocks.pop().back(d)
    found[body.wte.weight] = of_words.index_add_(0, seen, d)
    found[body.wpe.weight] = torch.zeros_like(body.wpe.weight)
    found[body.wpe.weight][:length] = d.view(-1, length, d.shape[1]).sum(0)
    return loss, *(found[weight] for weight in weights)


class _Block:
    """A block of transformers: attention, then a layer and back with an activation between, each added to its input."""

    def __init__(self, block: Any, mask: Tensor, found: _Gradients) -> None:
        dtype, attention, mlp = mask.dtype, block.attn, block.mlp
        self.first, self.second = _Norm(block.ln_1, dtype, found), _Norm(block.ln_2, dtype, found)
        self.asks, self.answers = _Linear(attention.c_attn, dtype, found), _Linear(attention.c_proj, dtype, found)
        self.wider, self.narrower = _Linear(mlp.c_fc, dtype, found), _Linear(mlp.c_proj, dtype, found)
        self.attention = _Attention(attention.num_heads, mask)
        self.activation = _ACTIVATIONS[attention.config.activation_function]()
        self.dtype = dtype

    def __call__(self, x: Tensor) -> Tensor:
        x = _added(self.answers(self.attention(self.asks(self.first(x)))), x)
        return _added(self.narrower(self.activation(self.wider(self.second(x)))), x)

    def back(self, d: Tensor) -> Tensor:
        d += self.second.back(self.wider.back(self.activation.back(self.narrower.back(d.to(self.dtype)))))
        d += self.first.back(self.asks.back(self.attention.back(self.answers.back(d.to(self.dtype)))))
        return d


def _added(made: Tensor, x: Tensor) -> Tensor:
    # Of two precisions, one call would add them at half the speed of two.
    return made.to(x.dtype).add_(x)


class _Linear:
    """x (N, C)  →  x @ weight + bias, as `Conv1D` keeps them: (C, D) and (D)."""

    def __init__(self, layer: Any, dtype: torch.dtype, found: _Gradients) -> None:
        self.layer, self.found = layer, found
        self.weight, self.bias = layer.weight.to(dtype), layer.bias.to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        self.x = x
        return torch.addmm(self.bias, x, self.weight)

    def back(self, d: Tensor) -> Tensor:
        self.found[self.layer.bias] = d.sum(0).float()
        self.found[self.layer.weight] = torch.mm(self.x.t(), d).float()
        return torch.mm(d, self.weight.t())


class _Norm:
    """Layer norm of x in float32, handed on in `dtype`."""

    def __init__(self, layer: Any, dtype: torch.dtype, found: _Gradients) -> None:
        self.layer, self.dtype, self.found = layer, dtype, found

    def __call__(self, x: Tensor) -> Tensor:
        layer = self.layer
        self.x, of = x, (layer.normalized_shape, layer.weight, layer.bias, layer.eps)
        made, self.mean, self.scale = torch.native_layer_norm(x, *of)
        return made.to(self.dtype)

    def back(self, d: Tensor) -> Tensor:
        layer = self.layer
        known = (self.x, list(layer.normalized_shape), self.mean, self.scale, layer.weight, layer.bias)
        back = _scripted(_norm_back) if torch.jit.is_tracing() else _norm_back  # type: ignore[attr-defined, no-untyped-call]
        of_x, self.found[layer.weight], self.found[layer.bias] = back(d.float(), *known)
        return of_x


def _norm_back(
    d: Tensor, x: Tensor, shape: list[int], mean: Tensor, scale: Tensor, weight: Tensor, bias: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """What goes back to x, and the gradients of weight and bias."""
    return torch.ops.aten.native_layer_norm_backward(d, x, shape, mean, scale, weight, bias, [True, True, True])  # type: ignore[no-any-return]


@functools.cache
def _scripted(function: Callable[..., Any]) -> Callable[..., Any]:
    """As a trace can hold it: it takes no list of truths from Python."""
    return torch.jit.script(function)  # type: ignore[no-any-return]


class _Attention:
    """Queries, keys and values (B * T, 3 C)  →  what each token finds in those up to it, (B * T, C)."""

    def __init__(self, heads: int, mask: Tensor) -> None:
        self.heads, self.mask = heads, mask

    def __call__(self, asked: Tensor) -> Tensor:
        parts = asked.view(-1, len(self.mask), 3, self.heads, asked.shape[1] // (3 * self.heads))
        self.query, self.key, self.value = parts.permute(2, 0, 3, 1, 4).flatten(1, 2)  # each (B * heads, T, C / heads)
        self.scale = self.query.shape[2] ** -0.5
        scores = torch.baddbmm(self.mask, self.query, self.key.transpose(1, 2), alpha=self.scale)
        self.weights = torch.softmax(scores, -1)
        found = torch.bmm(self.weights, self.value)
        return found.view(-1, self.heads, *found.shape[1:]).transpose(1, 2).reshape(len(asked), -1)

    def back(self, d: Tensor) -> Tensor:
        rows, (_, length, size) = len(d), self.query.shape
        d = d.view(-1, length, self.heads, size).transpose(1, 2).reshape(-1, length, size)
        made = d.new_empty(3, *d.shape)
        torch.bmm(self.weights.transpose(1, 2), d, out=made[2])
        d = torch.bmm(d, self.value.transpose(1, 2))
        d = _aten._softmax_backward_data(d, self.weights, -1, d.dtype)
        torch.baddbmm(made[0], d, self.key, beta=0, alpha=self.scale, out=made[0])
        torch.baddbmm(made[1], d.transpose(1, 2), self.query, beta=0, alpha=self.scale, out=made[1])
        return made.view(3, -1, self.heads, length, size).permute(1, 3, 0, 2, 4).reshape(rows, -1)


class _SquaredReLU:
    """The square of what is above 0. The input is overwritten, and so is the gradient."""

    def __call__(self, x: Tensor) -> Tensor:
        self.above = x.relu_()
        return self.above * self.above

    def back(self, d: Tensor) -> Tensor:
        d.mul_(self.above)
        return d.add_(d)


class _GELU:
    """By the tangent, as GPT-2 has it."""

    def __call__(self, x: Tensor) -> Tensor:
        self.x = x
        return functional.gelu(x, approximate="tanh")

    def back(self, d: Tensor) -> Tensor:
        made: Tensor = _aten.gelu_backward(d, self.x, approximate="tanh")
        return made


_ACTIVATIONS: dict[str, type[_SquaredReLU] | type[_GELU]] = {  # by the names that transformers gives them
    "relu2": _SquaredReLU,
    "gelu_pytorch_tanh": _GELU,
    "gelu_new": _GELU,
}
