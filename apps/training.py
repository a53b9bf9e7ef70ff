"""The page of training: `python apps/training.py`, or `gradio apps/training.py` while changing it."""

from studio.ui.studio import launch
from studio.ui.training import build

demo = build()

if __name__ == "__main__":
    launch(demo)
