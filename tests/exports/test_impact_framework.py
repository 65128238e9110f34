"""The Green Software Foundation's own Impact Framework computes our SCI from the manifest that we write."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from accounts import finished_report
from coppice.accounting.export.impactframework import manifest
from devcluster.paths import cache_directory

PACKAGE = "@grnsft/if@1.1.0"


@pytest.fixture(scope="session")
def if_run() -> Path:
    """The package's program, installed once into the cache; skipped with a reason where npm is missing."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the Impact Framework is an npm package")
    home = cache_directory() / "impact-framework"
    program = home / "node_modules" / ".bin" / "if-run"
    if not program.exists():
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text('{"private": true}')
        command = ("npm", "install", "--no-fund", "--no-audit", "--ignore-scripts", PACKAGE)
        subprocess.run(command, cwd=home, check=True, capture_output=True)
    return program


def test_it_computes_our_sci_and_our_operational_carbon(if_run: Path, tmp_path: Path) -> None:
    report = finished_report()
    totals = report.spec.totals
    assert totals is not None
    assert totals.sci is not None
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(manifest(report), sort_keys=False))
    command = (str(if_run), "-m", "job.yaml", "-o", "computed")
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert (tmp_path / "computed.yaml").exists(), answer.stdout + answer.stderr
    computed = yaml.safe_load((tmp_path / "computed.yaml").read_text())
    assert computed["execution"]["status"] == "success", computed["execution"]
    (whole,) = computed["tree"]["children"]["job"]["outputs"]
    assert whole["sci"] == pytest.approx(float(totals.sci.grams_per_model or 0), rel=1e-4)
    assert whole["carbon-operational"] == pytest.approx(float(totals.operational_grams), rel=1e-6)
    slots = computed["tree"]["children"]["slots"]
    assert slots["aggregated"]["carbon-operational"] == pytest.approx(float(totals.operational_grams), rel=1e-5)
