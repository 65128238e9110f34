"""A Kubernetes cluster for developing and testing Coppice, brought up by one command and taken down by one.

It is no part of the product. It exists because the tests and the demo need a real API server and a real node, and a
developer's machine may have neither Docker nor a way to pull images: then everything is built from pinned Go modules
and Debian packages. The price is a few minutes of compiling once; the result is cached.

`python -m devcluster --help` lists the commands; `devcluster.controlplane` is the part that tests use directly.
"""
