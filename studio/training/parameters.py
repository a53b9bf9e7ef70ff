"""Every option of training, with its range and its help text: those that all media share, and each medium's own."""

from __future__ import annotations

from typing import Literal

from studio.parameters import Parameters, parameter, parameters

Variation = Literal["flip", "turn", "shift", "color"]
_SMALL_BATCH = (
    "Pictures in a step, over all processes. The same number of pictures teaches more in small batches; a GPU takes 64 "
    "or 128 at once in hardly more time."
)


@parameters
class TrainingParameters(Parameters):
    """How a network is trained, whatever it makes. Each medium adds its own to these and sets its own defaults."""

    steps: int = parameter(20_000, "Steps of the optimiser in all.", ge=1, le=100_000_000)
    minutes: float | None = parameter(None, "Time to spend instead of steps.", gt=0, le=100_000)
    batch_size: int = parameter(64, "Examples in a step, over all processes.", ge=1, le=65_536)
    learning_rate: float = parameter(2e-4, "Step size of the optimiser.", gt=0, le=100)
    seed: int = parameter(0, "Seed of everything random.", ge=0, lt=2**63)

    schedule: Literal["constant", "cosine", "linear"] = parameter(
        "constant", "How the learning rate falls towards the end.", advanced=True
    )
    warmup: int = parameter(0, "Steps over which the learning rate rises from zero.", ge=0, le=1_000_000, advanced=True)
    weight_decay: float = parameter(0.0, "Pull of every weight towards zero (AdamW).", ge=0, le=10, advanced=True)
    clip: float | None = parameter(None, "Largest norm of a gradient; larger ones are scaled.", gt=0, advanced=True)
    accumulate: int = parameter(
        1, "Parts that a batch is worked through in; more need less memory.", ge=1, le=4096, advanced=True
    )
    ema: float = parameter(
        0.999, "Decay of the average of weights that results are made with.", ge=0, lt=1, advanced=True
    )
    check_every: int = parameter(
        1000, "Steps between measurements on examples held out.", ge=1, le=10_000_000, advanced=True
    )
    patience: int = parameter(
        5, "Measurements without gain after which training stops; 0 for never.", ge=0, le=10_000, advanced=True
    )
    keep_every: int = parameter(
        200, "Steps between checkpoints that a killed run goes on from.", ge=1, le=1_000_000, advanced=True
    )
    freeze: tuple[str, ...] = parameter(
        (), "Weights that stay as they are, by name, with * for anything: *.bias", advanced=True
    )
    pretrained_rate: float = parameter(
        1.0, "Learning rate of weights that came with --from, as a part of the others'.", gt=0, le=1, advanced=True
    )
    lora_rank: int = parameter(
        0,
        "Train only adapters of this rank (transformers and UNets); 0 trains everything.",
        ge=0,
        le=1024,
        advanced=True,
    )


@parameters
class DCGANTrainingParameters(TrainingParameters):
    """How a DCGAN is trained on pictures."""

    steps: int = parameter(80_000, "Steps of the optimiser in all.", ge=1, le=100_000_000)
    batch_size: int = parameter(16, _SMALL_BATCH, ge=1, le=65_536)
    learning_rate: float = parameter(4e-4, "Step size of the optimiser.", gt=0, le=100)
    size: Literal[64, 128] = parameter(64, "Side of the pictures, in pixels.")
    channels: Literal[1, 3] = parameter(3, "3 for colour, 1 for grey.")
    classes: bool = parameter(False, "Folders inside the folder are classes to choose from.")
    variations: tuple[Variation, ...] = parameter(
        (), "Changes that make other pictures of the same kind, to be learnt as well: flip, turn, shift, color."
    )
    schedule: Literal["constant", "cosine", "linear"] = parameter(
        "linear", "How the learning rate falls towards the end.", advanced=True
    )
    ema: float = parameter(
        0.9995, "Decay of the average of weights that results are made with.", ge=0, lt=1, advanced=True
    )
    check_every: int = parameter(
        4000, "Steps between measurements on pictures held out.", ge=1, le=10_000_000, advanced=True
    )
    keep_every: int = parameter(
        800, "Steps between checkpoints that a killed run goes on from.", ge=1, le=1_000_000, advanced=True
    )
    accumulate: int = parameter(
        1,
        "Parts that a batch is worked through in; more need less memory, though the generated pictures are kept.",
        ge=1,
        le=4096,
        advanced=True,
    )
    freeze: tuple[str, ...] = parameter(
        (), "Weights that stay as they are, by name, with * for anything: discriminator.halvings.0.*", advanced=True
    )
    width: int = parameter(32, "Channels of the networks at half the size.", ge=8, le=512, advanced=True)
    latent: int = parameter(128, "Numbers in a latent.", ge=2, le=512, advanced=True)
    augment: tuple[Literal["auto", "color", "translation", "cutout", "flip"], ...] = parameter(
        ("auto",),
        "DiffAugment, what is done to real and generated pictures alike: auto is color,translation,cutout for fewer "
        "than 2,000 pictures and translation for more.",
        advanced=True,
    )
    dropout: float = parameter(
        0.0,
        "Part of the discriminator's last features that is left out while learning: something for few pictures.",
        ge=0,
        lt=1,
        advanced=True,
    )
    discriminator_rate: float = parameter(
        2.0, "Learning rate of the discriminator, as a part of the generator's.", gt=0, le=10, advanced=True
    )


@parameters
class VAETrainingParameters(TrainingParameters):
    """How a variational autoencoder is trained on pictures."""

    steps: int = parameter(80_000, "Steps of the optimiser in all.", ge=1, le=100_000_000)
    batch_size: int = parameter(16, _SMALL_BATCH, ge=1, le=65_536)
    learning_rate: float = parameter(5e-4, "Step size of the optimiser.", gt=0, le=100)
    size: Literal[64, 128] = parameter(64, "Side of the pictures, in pixels.")
    channels: Literal[1, 3] = parameter(3, "3 for colour, 1 for grey.")
    classes: bool = parameter(False, "Folders inside the folder are classes to choose from.")
    variations: tuple[Variation, ...] = parameter(
        (), "Changes that make other pictures of the same kind, to be learnt as well: flip, turn, shift, color."
    )
    beta: float = parameter(
        0.25, "Weight of the divergence: more gives smoother latents, less sharper pictures.", ge=0, le=1000
    )

    schedule: Literal["constant", "cosine", "linear"] = parameter(
        "cosine", "How the learning rate falls towards the end.", advanced=True
    )
    clip: float | None = parameter(200.0, "Largest norm of a gradient; larger ones are scaled.", gt=0, advanced=True)
    warmup: int = parameter(
        100, "Steps over which the learning rate rises from zero.", ge=0, le=1_000_000, advanced=True
    )
    beta_warmup: int = parameter(
        200, "Steps over which the divergence's weight rises.", ge=0, le=10_000_000, advanced=True
    )
    free_bits: float = parameter(
        0.0,
        "Nats that each number of a latent carries at no cost, on average over a part of a batch.",
        ge=0,
        le=10,
        advanced=True,
    )
    perceptual: float = parameter(
        600.0, "Weight of the distance of VGG-19 features; 0 trains faster and blurrier.", ge=0, le=1e6, advanced=True
    )
    perceptual_share: float = parameter(
        0.25, "Part of a batch that the VGG-19 looks at, for it takes most of the time.", gt=0, le=1, advanced=True
    )
    check_every: int = parameter(
        4000, "Steps between measurements on pictures held out.", ge=1, le=10_000_000, advanced=True
    )
    keep_every: int = parameter(
        800, "Steps between checkpoints that a killed run goes on from.", ge=1, le=1_000_000, advanced=True
    )
    freeze: tuple[str, ...] = parameter(
        (), "Weights that stay as they are, by name, with * for anything: vae.encoder.*", advanced=True
    )
    dropout: float = parameter(
        0.0,
        "Part of the encoder's last features that is left out while learning: something for few pictures.",
        ge=0,
        lt=1,
        advanced=True,
    )
    width: int = parameter(
        32, "Channels of the networks at half the size, a multiple of 8.", ge=8, le=512, advanced=True
    )
    latent: int = parameter(128, "Numbers in a latent.", ge=2, le=512, advanced=True)


@parameters
class MelodyTrainingParameters(TrainingParameters):
    """How an LSTM is trained on melodies."""

    steps: int = parameter(2000, "Steps of the optimiser in all.", ge=1, le=100_000_000)
    learning_rate: float = parameter(2e-3, "Step size of the optimiser.", gt=0, le=100)
    batch_size: int = parameter(64, "Tunes in a step, over all processes.", ge=1, le=65_536)
    dropout: float | None = parameter(
        None,
        "Part of the numbers between layers that is left out while learning; by default that of the model to begin "
        "with, or 0.4.",
        ge=0,
        lt=1,
    )

    schedule: Literal["constant", "cosine", "linear"] = parameter(
        "cosine", "How the learning rate falls towards the end.", advanced=True
    )
    warmup: int = parameter(
        50, "Steps over which the learning rate rises from zero.", ge=0, le=1_000_000, advanced=True
    )
    weight_decay: float = parameter(0.01, "Pull of every weight towards zero (AdamW).", ge=0, le=10, advanced=True)
    clip: float | None = parameter(1.0, "Largest norm of a gradient; larger ones are scaled.", gt=0, advanced=True)
    ema: float = parameter(
        0.995, "Decay of the average of weights that results are made with.", ge=0, lt=1, advanced=True
    )
    check_every: int = parameter(
        100, "Steps between measurements on tunes held out.", ge=1, le=10_000_000, advanced=True
    )
    keep_every: int = parameter(
        50, "Steps between checkpoints that a killed run goes on from.", ge=1, le=1_000_000, advanced=True
    )
    freeze: tuple[str, ...] = parameter(
        (), "Weights that stay as they are, by name, with * for anything: melody_lstm.lstm.*_l0", advanced=True
    )
    window: int = parameter(
        160,
        "Notes and rests of a tune that are learnt at once; of longer ones a part is drawn.",
        ge=8,
        le=4096,
        advanced=True,
    )
    width: int = parameter(384, "Numbers in a layer.", ge=8, le=4096, advanced=True)
    layers: int = parameter(2, "Layers of the LSTM.", ge=1, le=8, advanced=True)


@parameters
class TextTrainingParameters(TrainingParameters):
    """How a GPT is trained on text."""

    steps: int = parameter(2000, "Steps of the optimiser in all.", ge=1, le=100_000_000)
    size: Literal["auto", "nano", "micro", "mini"] = parameter(
        "auto", "Size of the network: nano 0.9, micro 6, mini 27 million weights; auto by the amount of text."
    )
    batch_size: int = parameter(8, "Stretches of text in a step, over all processes.", ge=1, le=65_536)
    learning_rate: float = parameter(3e-3, "Step size of the optimiser.", gt=0, le=100)
    dropout: float | None = parameter(
        None,
        "Part of the numbers between layers that is left out while learning, 0.1 to 0.3 for little text; by default "
        "that of the model to begin with, or none.",
        ge=0,
        lt=1,
    )

    schedule: Literal["constant", "cosine", "linear"] = parameter(
        "cosine", "How the learning rate falls towards the end.", advanced=True
    )
    warmup: int = parameter(
        100, "Steps over which the learning rate rises from zero.", ge=0, le=1_000_000, advanced=True
    )
    weight_decay: float = parameter(0.1, "Pull of every weight towards zero (AdamW).", ge=0, le=10, advanced=True)
    clip: float | None = parameter(1.0, "Largest norm of a gradient; larger ones are scaled.", gt=0, advanced=True)
    ema: float = parameter(
        0.98, "Decay of the average of weights that results are made with.", ge=0, lt=1, advanced=True
    )
    check_every: int = parameter(
        250, "Steps between measurements on text held out.", ge=1, le=10_000_000, advanced=True
    )
    keep_every: int = parameter(
        50, "Steps between checkpoints that a killed run goes on from.", ge=1, le=1_000_000, advanced=True
    )
    freeze: tuple[str, ...] = parameter(
        (), "Weights that stay as they are, by name, with * for anything: gpt.transformer.h.0.*", advanced=True
    )
    held_out: float = parameter(
        0.05, "Part of the text that is kept for measuring: its tail.", gt=0, le=0.5, advanced=True
    )
    vocabulary: int | None = parameter(
        None, "Tokens of the tokenizer; by the amount of text if none are given.", ge=257, le=50_257, advanced=True
    )
    context: int | None = parameter(
        None, "Tokens that are seen at once, instead of what the size has.", ge=8, le=8192, advanced=True
    )
    layers: int | None = parameter(None, "Layers, instead of what the size has.", ge=1, le=64, advanced=True)
    width: int | None = parameter(
        None, "Numbers in a layer, instead of what the size has.", ge=8, le=4096, advanced=True
    )
    heads: int | None = parameter(None, "Heads of attention, instead of what the size has.", ge=1, le=64, advanced=True)


PictureTraining = DCGANTrainingParameters | VAETrainingParameters
AnyTraining = PictureTraining | MelodyTrainingParameters | TextTrainingParameters
KINDS: dict[str, type[AnyTraining]] = {
    "dcgan": DCGANTrainingParameters,
    "vae": VAETrainingParameters,
    "melody": MelodyTrainingParameters,
    "text": TextTrainingParameters,
}
"""What can be trained, by name."""
