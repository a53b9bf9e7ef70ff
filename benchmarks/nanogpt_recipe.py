"""The peer: nanoGPT's recipe for a laptop's CPU, written out plainly. Characters, float32, 2,000 steps of 12 × 64.

After Karpathy's nanoGPT (2022; its README's "I only have a macbook"): 4 layers of 4 heads, 128 wide, no biases, no
dropout; AdamW with a rate that rises over 100 steps to 1e-3 and falls as a cosine to 1e-4. It measures itself now and
then and prints every loss; here only the steps are taken.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

LAYERS, HEADS, WIDTH, CONTEXT, BATCH = 4, 4, 128, 64, 12
STEPS, WARMUP, RATE, LEAST_RATE = 2000, 100, 1e-3, 1e-4
BETAS, DECAY, CLIP = (0.9, 0.99), 0.1, 1.0


class LayerNorm(nn.Module):
    """With a scale and without a bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, self.weight.shape, self.weight, None, 1e-5)


class Attention(nn.Module):
    """Each token looks at those before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        query, key, value = (
            part.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in self.c_attn(x).split(width, dim=2)
        )
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        made: Tensor = self.c_proj(seen.transpose(1, 2).contiguous().view(batch, length, width))
        return made


class Block(nn.Module):
    """Attention, then two layers with GELU between; each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = LayerNorm(width), LayerNorm(width)
        self.attn = Attention(width, heads)
        self.c_fc = nn.Linear(width, 4 * width, bias=False)
        self.c_proj = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        made: Tensor = x + self.c_proj(functional.gelu(self.c_fc(self.ln_2(x))))
        return made


class GPT(nn.Module):
    """Tokens (B, T)  →  logits (B, T, V). The output shares its weights with the embedding."""

    def __init__(self, vocabulary: int, layers: int = LAYERS, width: int = WIDTH, heads: int = HEADS) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(CONTEXT, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln_f = LayerNorm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.wte.weight = self.lm_head.weight
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                spread = 0.02 / math.sqrt(2 * layers) if name.endswith("c_proj.weight") else 0.02
                nn.init.normal_(weight, 0.0, spread)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.wte(tokens) + self.wpe(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x)
        made: Tensor = self.lm_head(self.ln_f(x))
        return made


def optimizer_of(network: nn.Module) -> torch.optim.Optimizer:
    """AdamW as nanoGPT asks for it without a GPU; what is no matrix does not decay."""
    weights = list(network.parameters())
    groups = [
        {"params": [weight for weight in weights if weight.ndim >= 2], "weight_decay": DECAY},
        {"params": [weight for weight in weights if weight.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=RATE, betas=BETAS)


def rate_at(step: int, steps: int = STEPS) -> float:
    """The learning rate of a step, from 0."""
    if step < WARMUP:
        return RATE * (step + 1) / (WARMUP + 1)
    if step > steps:
        return LEAST_RATE
    part = (step - WARMUP) / (steps - WARMUP)
    return LEAST_RATE + 0.5 * (1 + math.cos(math.pi * part)) * (RATE - LEAST_RATE)


def train(tick: Callable[[], None], tokens: Tensor, vocabulary: int, steps: int = STEPS) -> GPT:
    """Train on tokens (N,), as integers; tick is called after each step."""
    torch.manual_seed(1337)
    network = GPT(vocabulary)
    optimizer = optimizer_of(network)
    x, y = _batch(tokens)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps)
        logits = network(x)
        loss = functional.cross_entropy(logits.view(-1, vocabulary), y.view(-1))
        x, y = _batch(tokens)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()  # it prints it
        tick()
    return network.eval()


def _batch(tokens: Tensor) -> tuple[Tensor, Tensor]:
    starts = torch.randint(len(tokens) - CONTEXT, (BATCH,)).tolist()
    x = torch.stack([tokens[start : start + CONTEXT] for start in starts])
    y = torch.stack([tokens[start + 1 : start + 1 + CONTEXT] for start in starts])
    return x, y
