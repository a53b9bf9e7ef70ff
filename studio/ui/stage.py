"""Where the picture takes shape: the empty frame, the preview, the bar with its estimate, the line of status."""

from __future__ import annotations

import base64
import html
import io
import math

from PIL import Image

from studio.progress import Progress, in_words

PREVIEW_SIDE = 896  # pixels


def empty(text: str) -> str:
    """A frame with nothing in it yet."""
    return f'<figure class="frame empty"><figcaption>{html.escape(text)}</figcaption></figure>'


def at_work(picture: str | None, progress: Progress | None, waited: float) -> str:
    """The picture so far (as `as_address` gives it), and the bar under it.

    waited: seconds since the last step that `progress` tells of, or since the beginning if there was none yet.
    """
    return frame(picture) + bar(progress, waited)


def frame(picture: str | None, alt: str = "The picture so far") -> str:
    """A picture (as `as_address` gives it) in its frame."""
    inside = f'<img src="{picture}" alt="{html.escape(alt)}">' if picture else ""
    return f'<figure class="frame working">{inside}</figure>'


def status(text: str, kind: str = "quiet") -> str:
    """A line that says how things stand; `kind` is "quiet", "done" or "failed"."""
    return f'<span class="{kind}">{html.escape(text)}</span>'


def as_address(image: Image.Image) -> str:
    """A picture inside a data: address, small enough to be sent twice a second."""
    small = image.copy()
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def bar(progress: Progress | None, waited: float) -> str:
    """The bar with its estimate; `waited` as in `at_work`."""
    if progress is None:
        return (
            '<div class="bar unknown" role="progressbar" aria-label="Progress"><span></span></div>'
            f'<div class="facts"><span>Getting ready</span><span>{in_words(waited)}</span></div>'
        )
    percent = round(progress.fraction * 100, 1)
    elapsed, remaining = progress.elapsed + waited, max(0.0, progress.remaining - waited)
    time_left = f"about {in_words(remaining)} left" if progress.fraction < 1 else "finishing"
    facts = [
        f"Step {progress.step} of {progress.steps}",
        progress.stage,
        f"{in_words(elapsed)} gone, {time_left}",
        *([] if math.isnan(progress.loss) else [f"loss {progress.loss:.4g}"]),
    ]
    return (
        f'<div class="bar" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent:g}" aria-valuetext="{html.escape(f"{facts[0]}, {time_left}")}">'
        f'<span style="width: {percent:g}%"></span></div>'
        f'<div class="facts">{"".join(f"<span>{html.escape(fact)}</span>" for fact in facts)}</div>'
    )
