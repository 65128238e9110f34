"""Write what is generated from the models: `python dev/generate.py` (a test fails while a file is stale).

The chart gets the same definitions as crds/ in its templates, because Helm never upgrades what lies in a chart's own
crds/ directory; a value switches them off, another keeps them when the chart is uninstalled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from rich import print as show

import domaintree
import paperaccount
import reasonstable
import valuesschema
import walkthrough
from coppice.api.crd import definitions
from coppice.workloads.admission import operator_policy, template_policy
from dashboards import rules
from dashboards.board import rendered
from dashboards.boards import BOARDS

ROOT = Path(__file__).resolve().parents[1]
HEADER = "# Generated from operator/coppice by `make generate`; do not edit.\n"
CHART_TEMPLATES = Path("charts/coppice/templates")
VALUES_SCHEMA = Path("charts/coppice/values.schema.json")
OPERATIONS = Path("docs/operations.md")
DECISION = Path("docs/decision.md")
ACCOUNTING = Path("docs/accounting.md")
CHART_ACCOUNT = "system:serviceaccount:{{ .Release.Namespace }}:{{ include `coppice.serviceAccountName` . }}"
WIDTH = 10_000
"""Lines are not folded: Helm's actions and CEL expressions are read, and found, in one piece."""
DASHBOARDS = Path("charts/coppice/dashboards")
RULES = Path("charts/coppice/rules")
FOLDERS = (Path("crds"), CHART_TEMPLATES / "crds", CHART_TEMPLATES / "admission", DASHBOARDS, RULES)
"""Folders that hold nothing but generated files."""


def files() -> dict[Path, str]:
    """Every generated file: its path from the repository's root, and its text."""
    texts: dict[Path, str] = {}
    for crd in definitions():
        name = Path(f"{crd['metadata']['name']}.yaml")
        texts["crds" / name] = HEADER + dumped(crd)
        texts[CHART_TEMPLATES / "crds" / name] = HEADER + _chart_crd(crd)
    policies = {"trainingjob-template": template_policy(), "operator-only": operator_policy(CHART_ACCOUNT)}
    for policy, manifests in policies.items():
        texts[CHART_TEMPLATES / "admission" / f"{policy}.yaml"] = HEADER + _chart_policy(manifests)
    for board in BOARDS:
        texts[DASHBOARDS / f"{board.uid}.json"] = rendered(board)
    texts[RULES / "coppice.yaml"] = HEADER + dumped(rules.groups())
    texts[OPERATIONS] = reasonstable.filled((ROOT / OPERATIONS).read_text())
    texts[DECISION] = walkthrough.filled(domaintree.filled((ROOT / DECISION).read_text()))
    texts[ACCOUNTING] = paperaccount.filled((ROOT / ACCOUNTING).read_text())
    texts[VALUES_SCHEMA] = valuesschema.filled((ROOT / VALUES_SCHEMA).read_text(), definitions())
    return texts


def dumped(manifest: Mapping[str, Any]) -> str:
    """YAML in the order of the mapping, without aliases."""
    text: str = yaml.dump(dict(manifest), Dumper=_Plain, sort_keys=False, width=WIDTH, allow_unicode=True)
    return text


class _Plain(yaml.CSafeDumper):
    """kubectl and Helm read YAML anchors, people do not."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _chart_crd(crd: Mapping[str, Any]) -> str:
    text = dumped(crd)
    if "{{" in text:
        raise ValueError(f"{crd['metadata']['name']}: a description holds '{{{{', which Helm would run")
    keep = "  {{- if .Values.crds.keep }}\n  annotations:\n    helm.sh/resource-policy: keep\n  {{- end }}\n"
    text = re.sub(r"(?m)^(metadata:\n  name: .*\n)", lambda found: found.group(1) + keep, text, count=1)
    return "{{- if .Values.crds.enabled }}\n" + text + "{{- end }}\n"


def _chart_policy(manifests: Iterable[Mapping[str, Any]]) -> str:
    labels = '  labels: {{- include "coppice.labels" . | nindent 4 }}\n'
    texts = [
        re.sub(r"(?m)^(  name: .*\n)", lambda found: found.group(1) + labels, dumped(each), count=1)
        for each in manifests
    ]
    return "{{- if .Values.admissionPolicies.enabled }}\n" + "---\n".join(texts) + "{{- end }}\n"


def main() -> None:
    """Write the files that differ and say which."""
    for path, text in files().items():
        target = ROOT / path
        if target.exists() and target.read_text() == text:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        show(f"wrote {path}")


if __name__ == "__main__":
    main()
