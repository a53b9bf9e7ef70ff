"""The page of the melodies: `python apps/melody.py`, or `gradio apps/melody.py` while changing it."""

from studio.ui.melody import build
from studio.ui.studio import launch

demo = build()

if __name__ == "__main__":
    launch(demo)
