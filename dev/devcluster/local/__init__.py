"""The cluster without Docker: a control plane and one real node inside namespaces of their own.

One process is the first of its PID, mount and network namespaces, and everything (etcd to the last Pod) runs below
it. When it ends, for whatever reason, the kernel removes all of it: processes, mounts, interfaces, packet rules. So
teardown needs no list of things to undo that a crash could make incomplete; only cgroups and files are left to remove.
"""
