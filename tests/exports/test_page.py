"""The HTML page of accounts stands alone: plots and figures are in it, and nothing is fetched."""

import re

from accounts import finished_report
from coppice.cli.reportpage import page
from coppice.cli.reporttable import row
from uses import NOON


def test_the_page_holds_its_plots_and_every_figure() -> None:
    text = page([finished_report()], NOON)
    assert text.count("<svg") == 3
    assert all(f">{value}<" in text for value in row(finished_report()).values())


def test_the_page_fetches_nothing() -> None:
    text = page([finished_report()], NOON)
    assert "<script" not in text
    assert not re.search(r'(src|href)="https?:', text)
