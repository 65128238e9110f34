"""The benchmark of the operator: figures of one run on this machine, printed, never asserted."""
