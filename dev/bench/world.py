"""What the benchmark's jobs are decided with: one profile, one base model, and jobs that differ in name alone."""

from typing import Any

NAMESPACE = "bench"
DIGEST = "sha256:" + "0" * 64


def profile() -> dict[str, Any]:
    """A two-core CPU node."""
    host = {"cores": 2, "memory": "8Gi", "idleWatts": "1.4", "peakWatts": "8.5", "peakTeraFlops": "0.15"}
    host["embodiedKilograms"] = {"low": "14", "mid": "28", "high": "56"}
    return _object("ComputeProfile", {"name": "cpu-bench"}, {"host": host, "lifespanYears": "4"})


def base_model() -> dict[str, Any]:
    """A small sentence encoder, with digests that nothing ever verifies: no pod runs here."""
    files = [{"name": name, "sizeBytes": 1, "digest": DIGEST} for name in ("config.json", "model.safetensors")]
    architecture = {"family": "bert", "parameters": 22713216, "embeddingParameters": 11917440, "layers": 6}
    architecture |= {"hiddenSize": 384, "maxSequenceLength": 512}
    spec = {"source": {"uri": "file:///opt/coppice/models/encoder", "files": files}, "license": "apache-2.0"}
    spec |= {"tasks": ["text-classification"], "modality": "text", "languages": ["en"], "architecture": architecture}
    return _object("ClusterBaseModel", {"name": "encoder"}, spec)


def job(number: int) -> dict[str, Any]:
    """One TrainingJob."""
    dataset = {"uri": "pvc://corpora/train.parquet", "examples": 5485, "tokensPerExample": 110, "labels": 8}
    dataset |= {"license": "cc0-1.0"}
    config = {"model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12}
    config |= {"intermediate_size": 1536, "vocab_size": 30522}
    spec = {"task": "text-classification", "languages": ["en"], "dataset": dataset}
    spec |= {"objective": {"target": "0.95"}, "fromScratch": {"config": config, "epochs": 30}}
    return _object("TrainingJob", {"name": f"job-{number:05d}", "namespace": NAMESPACE}, spec)


def _object(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "coppice.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
