"""The network's own forward pass written down once as a flat list of operators, and run from that list.

A step of a small network spends most of its time between the operators: modules, hooks, checks, views. So the forward
pass of transformers' own module is watched once (with 2 tokens, and again with 3, to see which sizes follow the number
of tokens), and the operators that it called are called again, with the matrices packed for the processor. Nothing about
an architecture is known here: what was called is what runs. Each token is a row of its own at a position of its own;
only attention looks at other tokens, and attention is handed to a `Past`.

A network whose operators cannot be written down like this raises `NotFlatError`: it reads values back, keeps a past of
another kind, or looks at tokens outside attention.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor, fx
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import AttentionInterface, PreTrainedModel

from studio.text.pointwise import EVEN

aten = torch.ops.aten
_NAME = "studio_past"  # our attention, as transformers knows it
_VIEWS = (aten.view.default, aten._unsafe_view.default, aten.reshape.default)
_FEW = 4  # rows that oneDNN multiplies at once, at least
_HARMLESS = {"dropout", "is_causal", "position_ids", "use_cache", "cache_position", "output_attentions"}


class NotFlatError(Exception):
    """The forward pass of a network is not one flat list of operators."""


class Past(Protocol):
    """What the tokens before are to attention."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        """(N, H, 1, D) and twice (N, G, 1, D), one row a token  →  (N, 1, H, D), H a multiple of G."""

    def asked(self, hidden: Tensor) -> Tensor:
        """(N, …)  →  the rows whose logits are wanted."""


class Program(fx.GraphModule):
    """Tokens (N, 1), positions (N, 1), N and the past  →  logits (rows asked for, V), in float32.

    few: rows from which on it runs the same operators whatever their number.
    """

    few: int


class Matrices(Protocol):
    """How matrices are kept and multiplied with: `studio.text.small_matrices`, `studio.text.half_matrices`."""

    def pack(self, weight: Tensor) -> Any:
        """A matrix (N, K) as `multiply` takes it."""

    def multiply(self, rows: Tensor, packed: Any, bias: Tensor | None) -> Tensor:
        """(…, K) in float32 and what is added (N,)  →  (…, N), in float32."""


def flatten(network: PreTrainedModel, matrices: Matrices | None = None) -> Program:
    """A network as a flat list of operators. Raises NotFlatError where that is not possible.

    matrices: how they are kept, of a network in float32; by default as they are.
    """
    try:
        first, second = (_watch(network, tokens) for tokens in (2, 3))
    except NotFlatError:
        raise
    except Exception as error:  # whatever a foreign forward pass does with what it is not used to
        raise NotFlatError(str(error)) from error
    return _Writer(first, second, matrices).written()


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Every operator that is called, with the tensors that went in and came out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if not all(isinstance(part, Tensor) for part in (result if isinstance(result, tuple | list) else [result])):
            raise NotFlatError(f"{func} gives back something else than tensors.")
        if func._schema.is_mutable:
            raise NotFlatError(f"{func} writes into what it is given.")
        self.calls.append((func, args, kwargs, result))
        return result

    def attend(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, scaling: Any = None, **more: Any
    ) -> tuple[Tensor, None]:
        """Attention as transformers calls it: noted, not computed."""
        unknown = [name for name, given in more.items() if given is not None and name not in _HARMLESS]
        if unknown or mask is not None:
            raise NotFlatError(f"Attention is asked for more than usual: {unknown or 'a mask'}.")
        count, heads, _, size = query.shape
        with _aside():
            result = query.new_zeros(count, 1, heads, value.shape[-1])
        scale = size**-0.5 if scaling is None else float(scaling)
        self.calls.append(("attend", (int(module.layer_idx), query, key, value, scale), {}, result))
        return result, None


class _Watched:
    """One forward pass: its inputs, its calls and its logits."""

    def __init__(self, tokens: Tensor, positions: Tensor, calls: list[Any], logits: Tensor) -> None:
        self.tokens, self.positions, self.calls, self.logits = tokens, positions, calls, logits


def _watch(network: PreTrainedModel, count: int) -> _Watched:
    where = next(network.parameters()).device
    tokens = torch.zeros(count, 1, dtype=torch.long, device=where)
    positions = torch.ones(count, 1, dtype=torch.long, device=where)
    recorder = _Recorder()
    AttentionInterface.register(_NAME, recorder.attend)
    with _attention(network), torch.no_grad(), recorder:
        logits = network(input_ids=tokens, position_ids=positions, use_cache=False, return_dict=True).logits
    if not any(call[0] == "attend" for call in recorder.calls):
        raise NotFlatError("Attention went another way.")
    return _Watched(tokens, positions, recorder.calls, logits)


@contextmanager
def _attention(network: PreTrainedModel) -> Iterator[None]:
    """The network with our attention, then with its own again."""
    before = network.config._attn_implementation
    network.set_attn_implementation(_NAME)
    try:
        yield
    finally:
        network.set_attn_implementation(before)


@contextmanager
def _aside() -> Iterator[None]:
    with torch._C._DisableTorchDispatch():
        yield


class _Writer:
    """Two passes over the same network, of 2 and of 3 tokens  →  a list of operators for any number of tokens."""

    def __init__(self, first: _Watched, second: _Watched, matrices: Matrices | None) -> None:
        if [call[0] for call in first.calls] != [call[0] for call in second.calls]:
            raise NotFlatError("Other operators for another number of tokens.")
        self.first, self.second, self.matrices = first, second, matrices
        self.graph = fx.Graph()
        self.tokens, self.positions, self.count, self.past = map(
            self.graph.placeholder, ("tokens", "positions", "count", "past")
        )
        # Tensors by identity: every one of them is alive as long as the calls are.
        self.nodes: dict[int, Any] = {id(first.tokens): self.tokens, id(first.positions): self.positions}
        self.constants: dict[int, Tensor] = {}
        self.root = torch.nn.Module()
        self.made_of = {id(call[3]): call for call in first.calls if isinstance(call[3], Tensor)}
        self.multiples: dict[int, fx.Node] = {}

    def written(self) -> Program:
        last = max(
            place for place, call in enumerate(self.first.calls) if call[0] in (aten.mm.default, aten.addmm.default)
        )
        for place, (one, other) in enumerate(zip(self.first.calls, self.second.calls, strict=True)):
            self._write(one, other, ends=place == last)
        logits = self.graph.call_method("flatten", (self.nodes[id(self.first.logits)], 0, -2))
        self.graph.output(self.graph.call_method("float", (logits,)))
        self.graph.eliminate_dead_code()
        module = Program(self.root, self.graph)
        module.few = _FEW if self.matrices is None else 2
        vars(module).update(module._buffers)  # a buffer is found by a slow way, an attribute by a quick one
        return module

    def _write(self, one: Any, other: Any, *, ends: bool) -> None:
        target, args, kwargs, result = one
        if target == "attend":
            layer, *tensors, scale = args
            self._name(result, self.graph.call_method("attend", (self.past, layer, *map(self._node, tensors), scale)))
            return
        leaves = [leaf for leaf in _leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        if all(self._is_constant(leaf) for leaf in leaves) and self._same(one, other):
            for part in result if isinstance(result, tuple | list) else [result]:
                self.constants[id(part)] = part
            return
        if target in (aten.mm.default, aten.addmm.default) and self._is_constant(args[-1]):
            self._linear(args, result, ends)
        elif ends:
            raise NotFlatError("The last product is not one with a matrix of the network.")
        elif target in _VIEWS:
            self._view(one, other)
        elif target == aten.split.Tensor and args[0].shape[args[2]] % args[1] == 0:
            parts = args[0].shape[args[2]] // args[1]
            self._name(result, self.graph.call_function(torch.chunk, (self._node(args[0]), parts, args[2])))
        elif target == aten.native_layer_norm.default:
            rows, shape, weight, bias, epsilon = (self._node(part) for part in args)
            self._name(result[0], self.graph.call_function(torch.layer_norm, (rows, shape, weight, bias, epsilon)))
        else:
            found = self._unite((args, kwargs), (other[1], other[2]))
            self._name(result, self.graph.call_function(_quick(target, kwargs), found[0], found[1]))

    def _linear(self, args: Any, result: Tensor, ends: bool) -> None:
        bias, rows, matrix = (None, *args) if len(args) == 2 else args
        if bias is not None and not (self._is_constant(bias) and bias.ndim == 1):
            raise NotFlatError("A product with something added that is no bias.")
        source = self._unviewed(rows)
        node = self._node(source)
        if ends:
            node = self.graph.call_method("asked", (self.past, node))
        weight = matrix.detach().t().contiguous()
        added = None if bias is None else self._own(bias)
        if self.matrices is not None:
            packed = self._own(self.matrices.pack(weight))
            found = self.graph.call_function(self.matrices.multiply, (node, packed, added))
        elif _packs(weight):
            packed = self._own(torch.ops.mkldnn._reorder_linear_weight(weight, None))
            found = self.graph.call_function(_multiply, (node, packed, added))
        else:
            found = self.graph.call_function(torch.nn.functional.linear, (node, self._own(weight), added))
        self._name(result, found)
        self.made_of[id(result)] = ("linear", (source.shape[:-1],), {}, result)

    def _unviewed(self, rows: Tensor) -> Tensor:
        """What a matrix of rows was before it was flattened for the product."""
        while (call := self.made_of.get(id(rows))) and call[0] in _VIEWS and call[1][0].shape[-1] == rows.shape[-1]:
            rows = call[1][0]
        return rows

    def _view(self, one: Any, other: Any) -> None:
        source, result = one[1][0], one[3]
        call = self.made_of.get(id(source))
        shape = (*call[1][0], source.shape[-1]) if call and call[0] == "linear" else tuple(source.shape)
        if tuple(result.shape) == shape:  # as it is already
            self._name(result, self._node(source))
            return
        sizes = self._unite(list(result.shape), list(other[3].shape))
        self._name(result, self.graph.call_method("reshape", (self._node(source), *sizes)))

    def _name(self, result: Any, node: Any) -> None:
        if isinstance(result, Tensor):
            self.nodes[id(result)] = node
            return
        for place, part in enumerate(result):
            self.nodes[id(part)] = self.graph.call_function(operator.getitem, (node, place))

    def _is_constant(self, tensor: Tensor) -> bool:
        return id(tensor) in self.constants or id(tensor) not in self.nodes

    def _node(self, found: Any) -> Any:
        """A tensor as the graph knows it; a tensor that it does not know is the network's own."""
        if not isinstance(found, Tensor):
            return found
        if id(found) not in self.nodes:
            self.nodes[id(found)] = self._own(found)
            self.constants[id(found)] = found
        return self.nodes[id(found)]

    def _own(self, found: Any) -> fx.Node:
        """A tensor of the network, or a packed matrix."""
        name = f"own_{len(self.graph.nodes)}"
        if isinstance(found, Tensor):
            self.root.register_buffer(name, found.detach(), persistent=False)
        else:
            setattr(self.root, name, found)
        return self.graph.get_attr(name)

    def _same(self, one: Any, other: Any) -> bool:
        """Whether a call without inputs gave the same for 2 tokens and for 3: then its result is a constant."""
        pairs = zip(_leaves(one[3]), _leaves(other[3]), strict=True)
        return all(a.shape == b.shape and bool(torch.equal(a, b)) for a, b in pairs)

    def _unite(self, one: Any, other: Any) -> Any:
        """Arguments for any number of tokens, of those for 2 and for 3."""
        if isinstance(one, Tensor):
            return self._node(one)
        if isinstance(one, dict):
            return {name: self._unite(part, other[name]) for name, part in one.items()}
        if isinstance(one, tuple | list):
            return type(one)(self._unite(a, b) for a, b in zip(one, other, strict=True))
        if one == other:
            return one
        if isinstance(one, int) and isinstance(other, int) and one * 3 == other * 2:
            return self._times(one // 2)
        raise NotFlatError(f"{one!r} for 2 tokens, {other!r} for 3.")

    def _times(self, factor: int) -> fx.Node:
        if factor == 1:
            return self.count
        if factor not in self.multiples:
            self.multiples[factor] = self.graph.call_function(operator.mul, (self.count, factor))
        return self.multiples[factor]


def _packs(weight: Tensor) -> bool:
    """Whether oneDNN multiplies with a matrix here, in an order of its own.

    Its kernels sum each row of a product in one order, whatever the number of rows from a few on, and are quick for
    many rows as for few.
    """
    usable = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return weight.device.type == "cpu" and bool(usable and torch.backends.mkldnn.enabled)


def _multiply(rows: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    """Rows (N, …, K) with a matrix as oneDNN packed it. It sums one row or two in another order where K is large."""
    product, count = _traceable() if torch.jit.is_tracing() else _product, len(rows)  # type: ignore[attr-defined, no-untyped-call]
    if count >= _FEW:
        return product(rows, packed, bias)
    return product(torch.cat([rows] + [rows[:1]] * (_FEW - count)), packed, bias)[:count]


def _product(rows: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows, packed, bias, "none", [], "")  # type: ignore[no-any-return]


@functools.cache
def _traceable() -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    """`_product` as a trace can hold it: the list that it gives is of a kind that Python has no word for."""
    graph = torch._C.parse_ir(
        """
        graph(%rows : Tensor, %packed : Tensor, %bias : Tensor?):
            %kind : str = prim::Constant[value="none"]()
            %numbers : Scalar?[] = prim::ListConstruct()
            %algorithm : str = prim::Constant[value=""]()
            %product : Tensor = mkldnn::_linear_pointwise(%rows, %packed, %bias, %kind, %numbers, %algorithm)
            return (%product)
        """
    )
    return torch._C._create_function_from_graph("product", graph)


def _leaves(found: Any) -> Iterator[Any]:
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, tuple | list):
        for part in found:
            yield from _leaves(part)
    else:
        yield found


def _quick(target: Any, kwargs: dict[str, Any]) -> Any:
    """The same operator by its shortest way from Python."""
    if target in EVEN:
        return EVEN[target]
    if kwargs:
        return target
    known: dict[Any, Any] = {
        aten.add.Tensor: operator.add,
        aten.mul.Tensor: operator.mul,
        aten.embedding.default: torch.embedding,
        aten.transpose.int: torch.transpose,
        aten.rsqrt.default: torch.rsqrt,
        aten.neg.default: torch.neg,
    }
    return known.get(target, target)
