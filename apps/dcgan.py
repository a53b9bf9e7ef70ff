"""The page of the GAN: `python apps/dcgan.py`, or `gradio apps/dcgan.py` while changing it."""

from studio.ui.gan import build
from studio.ui.studio import launch

demo = build()

if __name__ == "__main__":
    launch(demo)
