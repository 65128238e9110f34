"""Energy of this pod, from the inside: CPU seconds always, RAPL and NVML where they can be read."""
