"""Questions to a running Prometheus, over its HTTP API, and its answers."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from demo.manifests import NAMESPACE
from devcluster.errors import DevClusterError

TIMEOUT_SECONDS = 10.0
PATIENCE_SECONDS = 60.0
"""Several scrape intervals."""


@dataclass(frozen=True)
class Question:
    """A PromQL expression and what it asks, in words."""

    words: str
    expression: str


@dataclass(frozen=True)
class Sample:
    """One answer: labels and value."""

    labels: Mapping[str, str]
    value: float


SCRAPED = "max(timestamp(coppice_grid_intensity_grams_per_kilowatt_hour))"
"""When the operator was scraped last, in Unix seconds."""

QUESTIONS = (
    Question(
        "How much energy did this namespace's finished jobs take, by part and grade (joules)?",
        f'max by (component, grade) (coppice_namespace_energy_joules_total{{namespace="{NAMESPACE}"}}) > 0',
    ),
    Question(
        "How much carbon did they avoid, by basis (gCO2e, low bound)?",
        f'max by (basis) (coppice_namespace_avoided_carbon_grams_total{{namespace="{NAMESPACE}"}})',
    ),
    Question(
        "How did they end, by method?",
        f'max by (method, reason) (coppice_namespace_trainingjobs_finished_total{{namespace="{NAMESPACE}"}})',
    ),
    Question(
        "Which job took how much (joules)?",
        f'sum by (trainingjob) (coppice_trainingjob_energy_joules{{namespace="{NAMESPACE}"}})',
    ),
    Question(
        "Why were base models rejected, counted over all decisions?",
        "sort_desc(sum by (reason) (coppice_fit_rejections_total))",
    ),
    Question(
        "With which carbon intensity was it computed (gCO2e per kWh)?",
        "max by (zone, method, signal, source) (coppice_grid_intensity_grams_per_kilowatt_hour)",
    ),
)


def ask(url: str, expression: str) -> tuple[Sample, ...]:
    """The instant vector that Prometheus at `url` gives for an expression; raises when it does not answer."""
    query = urllib.parse.urlencode({"query": expression})
    address = f"{url.rstrip('/')}/api/v1/query?{query}"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - the cluster's own
            return parse(json.load(answer))
    except (urllib.error.URLError, OSError) as error:
        raise DevClusterError(f"Prometheus at {url} does not answer ({error}); is the cluster up?") from error


def wait_for_scrape(url: str) -> None:
    """Return when Prometheus has scraped the operator once more, or has had time enough for it."""
    begin = time.time()
    while time.time() < begin + PATIENCE_SECONDS:
        samples = ask(url, SCRAPED)
        if samples and samples[0].value > begin:
            return
        time.sleep(1.0)


def parse(answer: Mapping[str, Any]) -> tuple[Sample, ...]:
    """The samples of an answer of /api/v1/query; raises ValueError when Prometheus refused the expression."""
    if answer.get("status") != "success":
        raise ValueError(f"Prometheus refused the query: {answer.get('error', answer)}")
    return tuple(Sample(item["metric"], float(item["value"][1])) for item in answer["data"]["result"])
