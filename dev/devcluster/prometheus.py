"""Configuration of the Prometheus that scrapes the development cluster.

It finds the operator as an installation without the Prometheus operator does: Service endpoints whose Service carries
`prometheus.io/scrape: "true"`, or that belong to the chart (`app.kubernetes.io/name: coppice`, port `metrics`).
`honor_labels` keeps the namespace of a TrainingJob apart from the namespace of the operator that reports it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

PORT = 9090

ANNOTATION = "__meta_kubernetes_service_annotation_prometheus_io_"


def configuration(kubeconfig: Path | None) -> dict[str, Any]:
    """The content of prometheus.yml; without a kubeconfig, Prometheus runs in a Pod with a service account."""
    discovery = (
        {"role": "endpoints"} if kubeconfig is None else {"role": "endpoints", "kubeconfig_file": str(kubeconfig)}
    )
    chosen = {
        "source_labels": [
            f"{ANNOTATION}scrape",
            "__meta_kubernetes_service_label_app_kubernetes_io_name",
            "__meta_kubernetes_endpoint_port_name",
        ],
        "regex": r"true;.*;.*|.*;coppice;metrics",
        "action": "keep",
    }
    named_port = {
        "source_labels": ["__address__", f"{ANNOTATION}port"],
        "regex": r"([^:]+)(?::\d+)?;(\d+)",
        "replacement": "$1:$2",
        "target_label": "__address__",
    }
    path = {"source_labels": [f"{ANNOTATION}path"], "regex": "(.+)", "target_label": "__metrics_path__"}
    names = [
        {"source_labels": [f"__meta_kubernetes_{source}"], "target_label": target}
        for source, target in (("namespace", "namespace"), ("service_name", "service"), ("pod_name", "pod"))
    ]
    return {
        "global": {"scrape_interval": "5s", "scrape_timeout": "4s", "evaluation_interval": "5s"},
        "scrape_configs": [
            {
                "job_name": "coppice",
                "honor_labels": True,
                "kubernetes_sd_configs": [discovery],
                "relabel_configs": [chosen, named_port, path, *names],
            }
        ],
    }


def command(program: str, configuration_file: Path, data: Path, address: str) -> tuple[str, ...]:
    """Prometheus's command line; a day of samples is kept."""
    return (
        program,
        f"--config.file={configuration_file}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=1d",
        f"--web.listen-address={address}:{PORT}",
        "--web.enable-lifecycle",
    )
