"""The page of texts: `python apps/text.py`, or `gradio apps/text.py` while changing it."""

from studio.ui.studio import launch
from studio.ui.text import build

demo = build()

if __name__ == "__main__":
    launch(demo)
