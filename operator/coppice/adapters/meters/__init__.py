"""Meters of the cluster: energy by pod, read beside the loop, so that a pass never waits for a metric."""
