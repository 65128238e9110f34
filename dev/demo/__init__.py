"""The main job of Coppice, end to end on a real cluster, with real text, real images and a real base model.

Made for two readers: a person who wants to see what Coppice does before installing it, and the test suite, which
asserts on the same run. So nothing here knows an outcome: every figure shown is read from the cluster (status,
reports, Prometheus) after it happened.
"""
