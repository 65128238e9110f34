"""The local cluster's plan: addresses, commands, and what teardown looks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from devcluster.errors import DevClusterError
from devcluster.local import cgroups, configuration, keeper
from devcluster.local.addresses import Addresses, free_addresses
from devcluster.local.cluster import is_cluster_process
from devcluster.local.layout import Layout, refuse_private
from devcluster.paths import state_directory

STATE = Path("/state/dev")


def test_a_second_cluster_takes_the_next_network() -> None:
    assert free_addresses({"127.0.0.1", "10.213.1.1"}).node == "10.213.2.2"


def test_interface_names_fit_the_kernel() -> None:
    assert len(Addresses(249).interface) <= 15


def test_the_machine_gets_every_namespace_that_teardown_relies_on() -> None:
    assert {"--pid", "--mount", "--net", "--kill-child=KILL"} <= set(keeper.machine_command(STATE))


def test_the_link_is_made_into_the_machine() -> None:
    commands = keeper.link_commands(Layout("dev", STATE, 3), 42)
    assert commands[0][-2:] == ("netns", "42")
    assert ("ip", "address", "add", "10.213.3.1/30", "dev", "coppice-dev3") in commands


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        (["python", "-m", "devcluster.local.keeper", "/state/dev"], True),
        (["unshare", "--pid", "--", "python", "-m", "devcluster.local.machine", "/state/dev"], True),
        (["python", "-m", "devcluster.local.keeper", "/state/other"], False),
        (["vim", "/state/dev"], False),
        ([""], False),
        ([], False),
    ],
)
def test_teardown_kills_the_clusters_own_processes_and_no_others(command: list[str], ours: bool) -> None:
    assert is_cluster_process(command, STATE) is ours


def test_every_cgroup_hierarchy_is_found() -> None:
    mounts = "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\nproc /proc proc rw 0 0\ncg /sys/fs/cgroup/unified cgroup2 rw 0 0"
    assert cgroups.hierarchies(mounts) == [Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/unified")]


@pytest.mark.parametrize("hidden", ["/run/x", "/var/lib/x", "/var/log/x"])
def test_state_below_a_directory_that_the_node_hides_is_refused(hidden: str) -> None:
    with pytest.raises(DevClusterError, match="COPPICE_DEV_STATE"):
        refuse_private(Path(hidden))


def test_a_state_path_too_long_for_sockets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPPICE_DEV_STATE", "/" + "x" * 100)
    with pytest.raises(DevClusterError, match="too long for unix sockets"):
        state_directory("dev")


def test_a_layout_is_found_again(tmp_path: Path) -> None:
    layout = Layout("dev", tmp_path, 7)
    layout.save()
    assert Layout.load(tmp_path) == layout


def test_the_kubelet_writes_below_the_state_directory_only() -> None:
    document = configuration.kubelet(STATE, STATE / "pki", "10.213.1.2", STATE / "run" / "c.sock", "/coppice-dev-dev")
    for key in ("podLogsDir", "volumePluginDir", "resolvConf", "tlsCertFile"):
        assert Path(document[key]).is_relative_to(STATE), key
    assert document["cgroupRoot"] == "/coppice-dev-dev"


def test_containerd_has_its_own_root_and_socket() -> None:
    text = configuration.containerd(STATE / "containerd", STATE / "c.sock", Path("/usr/lib/cni"), STATE / "cni")
    assert 'root = "/state/dev/containerd"' in text
    assert 'address = "/state/dev/c.sock"' in text
    assert "restrict_oom_score_adj = true" in text
