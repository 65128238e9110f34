"""Rendered manifests held to the schemas of several Kubernetes minors, by kubeconform.

The schemas are derived here from what Kubernetes and the Prometheus operator publish in their own Go modules, so no
site but a Go module proxy is asked, and each file is pinned by its module's checksum.
"""
