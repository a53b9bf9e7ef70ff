"""VGG networks for whoever looks at pictures through their features: style transfer, metrics, perceptual losses."""

from __future__ import annotations

from studio import hub
from studio.errors import ModelError
from studio.networks.vgg import VGG, VGGConfig, state_from_codebooks, state_from_torchvision


def load_vgg(name: str = "vgg19") -> VGG:
    """The VGG that `studio.hub.find` knows by this name, frozen, in float32 on the CPU. Raises ModelError."""
    return vgg_of(hub.find(name))


def vgg_of(model: hub.Model) -> VGG:
    """The network of a model, whatever its weights look like: our names, torchvision's, or 8-bit codes.

    It comes frozen, in float32 on the CPU. Raises ModelError for weights of another network.
    """
    tensors = hub.load_weights(model)
    config = VGGConfig(depth=model.config.get("depth", 19), preprocessing=model.config.get("preprocessing", "caffe"))
    if any(name.startswith("features.") for name in tensors):
        config, tensors = state_from_torchvision(tensors)
    elif any(name.endswith(".codes") for name in tensors):
        tensors = state_from_codebooks(tensors)
    network = VGG(config)
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items() if name in expected}
    if found != expected:
        wrong = next(name for name in expected if found.get(name) != expected[name])
        raise ModelError(
            f"{model.name} is not a VGG-{config.depth}: {wrong} should be {tuple(expected[wrong])}, "
            f"it is {tuple(found[wrong]) if wrong in found else 'missing'}."
        )
    network.load_state_dict({name: tensors[name].float() for name in expected})
    return network.eval()
