"""`python -m evaluation`: evaluate the estimates, print the tables; with --write keep them in docs/estimates.md.

It ends with 1 where constants of the code are not what the data say any more. `python -m evaluation ladder` holds the
planner's ladder against brute force instead.
"""

import sys
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from evaluation import ladder
from evaluation.estimates import report
from evaluation.page import markdown
from evaluation.small import trials

PAGE = Path(__file__).resolve().parents[2] / "docs" / "estimates.md"
START, END = "<!-- evaluation: written by python -m evaluation --write -->", "<!-- end of evaluation -->"


def main() -> int:
    """Evaluate; the exit status says whether code and data agree."""
    if sys.argv[1:2] == ["ladder"]:
        return ladder.main(sys.argv[2:])
    found = report()
    text = markdown(found, trials())
    Console().print(Markdown(text))
    if "--write" in sys.argv[1:]:
        before, rest = PAGE.read_text(encoding="utf-8").split(START)
        _, after = rest.split(END)
        PAGE.write_text(f"{before}{START}\n\n{text}\n{END}{after}", encoding="utf-8")
    drifted = found.drifted()
    for sentence in drifted:
        Console(stderr=True).print(f"[red]drifted:[/] {sentence}")
    return 1 if drifted else 0


sys.exit(main())
