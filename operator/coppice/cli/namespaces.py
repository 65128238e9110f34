"""The namespace that a command means when none is given: the one of the kubeconfig's current context."""

from kubernetes import config


def current_namespace(kubeconfig: str | None) -> str:
    """The current context's namespace, else `default`."""
    try:
        _, active = config.list_kube_config_contexts(config_file=kubeconfig)
    except config.ConfigException:
        return "default"
    return str(active["context"].get("namespace") or "default")
