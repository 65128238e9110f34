"""Transcripts are recorded, and cut in the middle only."""

from demo.transcripts import CUT, cut


def test_a_short_output_stays_whole() -> None:
    assert cut("one\ntwo\n") == "one\ntwo"


def test_a_long_output_keeps_its_beginning_and_its_end() -> None:
    shown = cut("\n".join(str(number) for number in range(100)), most=7).splitlines()
    assert shown == ["0", "1", "2", CUT, "97", "98", "99"]
