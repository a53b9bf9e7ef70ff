"""A text as a picture: as large as it is, up to a height."""

from __future__ import annotations

from studio.media import page


def test_a_page_grows_with_its_text() -> None:
    heights = [page.draw("line\n" * count).height for count in (1, 10, page.LONGEST)]
    assert heights[1] - heights[0] == 9 * 33 and heights[2] == page.LONGEST * 33 + 2 * page.MARGIN
    assert page.left_out("line\n" * page.LONGEST) == 0
    assert page.draw("word " * 40).height > page.draw("word").height


def test_a_page_of_a_text_without_end_has_its_beginning() -> None:
    written = "line\n" * 100_000
    drawn = page.draw(written)
    assert page.left_out(written) == 100_000 - page.LONGEST and drawn.height == (page.LONGEST + 1) * 33 + 96
    last = drawn.crop((0, drawn.height - page.MARGIN - 33, drawn.width, drawn.height))
    assert len(last.convert("L").getcolors() or []) > 2  # it says that there is more
