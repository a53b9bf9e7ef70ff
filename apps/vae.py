"""The page of the VAE: `python apps/vae.py`, or `gradio apps/vae.py` while changing it."""

from studio.ui.studio import launch
from studio.ui.vae import build

demo = build()

if __name__ == "__main__":
    launch(demo)
