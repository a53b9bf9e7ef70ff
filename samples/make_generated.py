"""Make the README's pictures of generated nebulae and alphabets again, with the shipped models.

    python samples/make_generated.py

Every picture is of the seeds from 0 on, none chosen; only the panorama has a seed of its own.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from studio import DCGANPipeline, VAEPipeline

RESULTS = Path(__file__).parent / "results"
GAP = 8


def nebulae() -> Image.Image:
    """A panorama out of one grid of latents above 24 samples."""
    pipe = DCGANPipeline.from_pretrained("dcgan-nebulae-128", device="cpu")
    panorama = pipe(count=1, seed=0, wide=29, high=9).images[0]
    samples = pipe(count=24, seed=0, grid=True, columns=12).images[0]
    return stacked([panorama, samples.resize((panorama.width, panorama.width * samples.height // samples.width))])


def alphabets() -> Image.Image:
    """Six alphabets, each of one latent."""
    pipe = VAEPipeline.from_pretrained("vae-glyphs", device="cpu")
    rows = [pipe(count=26, seed=seed, same_latent=True, grid=True, columns=26).images[0] for seed in range(6)]
    return stacked([row.resize((row.width * 2 // 3, row.height * 2 // 3), Image.Resampling.LANCZOS) for row in rows])


def stacked(pictures: list[Image.Image]) -> Image.Image:
    """Pictures of one width, one below the other."""
    height = sum(picture.height for picture in pictures) + GAP * (len(pictures) - 1)
    whole = Image.new("RGB", (pictures[0].width, height), "white")
    top = 0
    for picture in pictures:
        whole.paste(picture.convert("RGB"), (0, top))
        top += picture.height + GAP
    return whole


if __name__ == "__main__":
    for name, picture in (("nebulae", nebulae()), ("alphabets", alphabets())):
        path = RESULTS / f"{name}.jpg"
        picture.save(path, quality=88)
        print(f"{path}  {picture.width} × {picture.height}")
