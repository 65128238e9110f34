"""The tree of domains in docs/decision.md, made from the tree itself, so that no domain is missing from the page."""

from __future__ import annotations

import re

from coppice.planning.domains import DOMAINS, depth

BEGIN, END = "<!-- generated from planning/domains.py by `make generate` -->", "<!-- end of the tree -->"


def filled(page: str) -> str:
    """The page with the tree between its marks: a row for each second level, its children beside it."""
    rows = ["| domain | below it |", "| --- | --- |"]
    for root in sorted(domain for domain in DOMAINS if depth(domain) == 1):
        rows.append(f"| **`{root}`** | |")
        for domain in sorted(one for one in DOMAINS if depth(one) == 2 and one.startswith(f"{root}/")):
            below = sorted(one for one in DOMAINS if one.startswith(f"{domain}/"))
            rows.append(f"| `{domain}` | {', '.join(f'`{one}`' for one in below)} |")
    pattern = re.compile(re.escape(BEGIN) + r".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page lacks the marks {BEGIN} and {END}")
    table = "\n".join(rows)
    return pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}", page)
