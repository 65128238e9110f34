"""Images for the cluster: built from the project's own Dockerfile, moved into the cluster layer by layer.

A trainer image is several gigabytes, nearly all of it one layer of dependencies that rarely changes. So the rule of
this package is that a layer the cluster already holds is never written a second time.
"""
