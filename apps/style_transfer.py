"""The page of style transfer: `python apps/style_transfer.py`, or `gradio apps/style_transfer.py` while changing it."""

from studio.ui.studio import launch
from studio.ui.style_transfer import build

demo = build()

if __name__ == "__main__":
    launch(demo)
