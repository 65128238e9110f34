"""What a user's own pod template must never ask for, each rule written twice: for Python and, in CEL, for the server.

The API server refuses at once and shows the sentence; the operator checks again before it makes a pod, because an
admission policy can be switched off. Beside the Pod Security profile "restricted" this holds what would let a tenant
leave its namespace's rules: nodes by name, API tokens, hosts in probes. A test runs one table through both.
In CEL `variables.pod`, `.containers`, `.contexts` (security contexts) and `.volumes` are those of the template.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coppice.api.run import TRAINER_CONTAINER
from coppice.workloads.volumes import PREFIX

Part = Mapping[str, Any]

VOLUMES = ("configMap", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
PROJECTED = ("configMap", "downwardAPI", "secret")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")
CONTRACT_ROOT = "/coppice"
MOST_GRACE_SECONDS = 600
"""A stopped attempt holds its accelerators and uses energy until it ends; ten minutes keep any checkpoint."""
APPARMOR_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


@dataclass(frozen=True)
class PodView:
    """A pod template read without trust: whatever has the wrong type counts as absent, the server refuses it later."""

    spec: Part
    annotations: Part

    @classmethod
    def of(cls, template: Part) -> "PodView":
        """The view of a PodTemplateSpec."""
        return cls(mapping(template.get("spec")), mapping(mapping(template.get("metadata")).get("annotations")))

    @property
    def containers(self) -> list[Part]:
        """Init and main containers."""
        return [*mappings(self.spec.get("initContainers")), *mappings(self.spec.get("containers"))]

    @property
    def contexts(self) -> list[Part]:
        """Security contexts of pod and containers."""
        return [mapping(part.get("securityContext")) for part in (self.spec, *self.containers)]

    @property
    def volumes(self) -> list[Part]:
        """Volumes."""
        return mappings(self.spec.get("volumes"))


@dataclass(frozen=True)
class PodRule:
    """One rule: `fine` and `cel` say the same, `sentence` is for the person whose template breaks it."""

    sentence: str
    fine: Callable[[PodView], bool]
    cel: str


def mapping(value: Any) -> Part:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Part]:
    """The mappings of a list, if it is one."""
    listed = isinstance(value, Sequence) and not isinstance(value, str)
    return [each for each in value if isinstance(each, Mapping)] if listed else []


def _texts(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _no_context(key: str, *refused: Any) -> Callable[[PodView], bool]:
    return lambda pod: not any(context.get(key) in refused and context.get(key) is not None for context in pod.contexts)


def _capabilities_fine(context: Part) -> bool:
    said = context.get("capabilities")
    if said is None:
        return True
    allowed = all(name == "NET_BIND_SERVICE" for name in _texts(mapping(said).get("add")))
    return allowed and "ALL" in _texts(mapping(said).get("drop"))


def _hosts(container: Part) -> list[Any]:
    lifecycle = mapping(container.get("lifecycle"))
    handlers = [mapping(container.get(probe)) for probe in PROBES] + [mapping(lifecycle.get(hook)) for hook in HOOKS]
    return [mapping(handler.get(way)).get("host") for handler in handlers for way in ("httpGet", "tcpSocket")]


def _below_contract(mount: Part) -> bool:
    path = str(mount.get("mountPath", "")).rstrip("/")
    return path == CONTRACT_ROOT or path.startswith(f"{CONTRACT_ROOT}/")


def _at_most(value: Any, most: int) -> bool:
    return not isinstance(value, int | float) or value <= most


def _cel(values: Sequence[str]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


POD_RULES: tuple[PodRule, ...] = (
    PodRule(
        f"needs a container named {TRAINER_CONTAINER}: its result is read from there",
        lambda pod: any(each.get("name") == TRAINER_CONTAINER for each in mappings(pod.spec.get("containers"))),
        f"variables.pod.?containers.orValue([]).exists(c, c.?name.orValue('') == '{TRAINER_CONTAINER}')",
    ),
    PodRule(
        "must not restart its containers: set restartPolicy to Never or leave it out",
        lambda pod: pod.spec.get("restartPolicy") in {None, "Never"},
        "variables.pod.?restartPolicy.orValue('Never') == 'Never'",
    ),
    PodRule(
        f"must end within {MOST_GRACE_SECONDS} s of being told to: lower terminationGracePeriodSeconds or leave it out",
        lambda pod: _at_most(pod.spec.get("terminationGracePeriodSeconds"), MOST_GRACE_SECONDS),
        "variables.pod.?terminationGracePeriodSeconds.orValue(null) == null"
        f" || variables.pod.terminationGracePeriodSeconds <= {MOST_GRACE_SECONDS}",
    ),
    PodRule(
        "must not use the host's network, processes or IPC: remove hostNetwork, hostPID and hostIPC",
        lambda pod: not any(pod.spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
        "['hostNetwork', 'hostPID', 'hostIPC'].all(k, variables.pod[?k].orValue(false) != true)",
    ),
    PodRule(
        "must not choose whose users it runs as: remove hostUsers",
        lambda pod: pod.spec.get("hostUsers") is None,
        "variables.pod.?hostUsers.orValue(null) == null",
    ),
    PodRule(
        "must not choose its node by name: remove nodeName, and use nodeSelector or affinity",
        lambda pod: not pod.spec.get("nodeName"),
        "variables.pod.?nodeName.orValue('') == ''",
    ),
    PodRule(
        f"may use only these volumes: {', '.join(VOLUMES)}",
        lambda pod: all(key in {"name", *VOLUMES} for volume in pod.volumes for key in volume),
        f"variables.volumes.all(v, v.all(k, k in {_cel(('name', *VOLUMES))}))",
    ),
    PodRule(
        f"may project only {', '.join(PROJECTED)}: tokens of the API server are not given to jobs",
        lambda pod: all(
            key in PROJECTED
            for volume in pod.volumes
            for source in mappings(mapping(volume.get("projected")).get("sources"))
            for key in source
        ),
        f"variables.volumes.all(v, v.?projected.?sources.orValue([]).all(s, s.all(k, k in {_cel(PROJECTED)})))",
    ),
    PodRule(
        "must not ask for a token of the API server: remove automountServiceAccountToken",
        lambda pod: not pod.spec.get("automountServiceAccountToken"),
        "variables.pod.?automountServiceAccountToken.orValue(false) != true",
    ),
    PodRule(
        "must not take ports of the host: remove hostPort",
        lambda pod: not any(port.get("hostPort") for each in pod.containers for port in mappings(each.get("ports"))),
        "variables.containers.all(c, c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0))",
    ),
    PodRule(
        "must not run privileged containers: remove privileged",
        _no_context("privileged", True),
        "variables.contexts.all(s, s.?privileged.orValue(false) != true)",
    ),
    PodRule(
        "must not let processes gain privileges: set allowPrivilegeEscalation to false or leave it out",
        _no_context("allowPrivilegeEscalation", True),
        "variables.contexts.all(s, s.?allowPrivilegeEscalation.orValue(false) != true)",
    ),
    PodRule(
        "must drop ALL capabilities and may add only NET_BIND_SERVICE: leave capabilities out",
        lambda pod: all(_capabilities_fine(context) for context in pod.contexts),
        "variables.contexts.all(s, s.?capabilities.orValue(null) == null || ('ALL' in s.capabilities.?drop.orValue([]) "
        "&& s.capabilities.?add.orValue([]).all(a, a == 'NET_BIND_SERVICE')))",
    ),
    PodRule(
        "must not run as root: set runAsNonRoot to true or leave it out, and runAsUser above 0",
        lambda pod: (
            _no_context("runAsNonRoot", False)(pod)
            and not any(context.get("runAsUser") == 0 for context in pod.contexts)
        ),
        "variables.contexts.all(s, s.?runAsNonRoot.orValue(true) != false && s.?runAsUser.orValue(1) != 0)",
    ),
    PodRule(
        "must keep a seccomp profile: set seccompProfile.type to RuntimeDefault or Localhost, or leave it out",
        lambda pod: all(
            mapping(context.get("seccompProfile")).get("type") in {None, "RuntimeDefault", "Localhost"}
            for context in pod.contexts
        ),
        "variables.contexts.all(s, "
        "s.?seccompProfile.?type.orValue('RuntimeDefault') in ['RuntimeDefault', 'Localhost'])",
    ),
    PodRule(
        "must keep its AppArmor profile: remove Unconfined and the beta annotations",
        lambda pod: (
            not any(str(key).startswith(APPARMOR_ANNOTATION) for key in pod.annotations)
            and not any(mapping(context.get("appArmorProfile")).get("type") == "Unconfined" for context in pod.contexts)
        ),
        "variables.contexts.all(s, s.?appArmorProfile.?type.orValue('') != 'Unconfined') && "
        f"!variables.template.?metadata.?annotations.orValue({{}}).exists(k, k.startsWith('{APPARMOR_ANNOTATION}'))",
    ),
    PodRule(
        "must not change the kernel's view of the pod: remove seLinuxOptions, windowsOptions, sysctls and procMount",
        lambda pod: (
            not any(
                context.get(key)
                for context in pod.contexts
                for key in ("seLinuxOptions", "windowsOptions", "sysctls", "procMount")
            )
        ),
        "variables.contexts.all(s, ['seLinuxOptions', 'windowsOptions', 'sysctls', 'procMount'].all(k, !(k in s)))",
    ),
    PodRule(
        "must not name hosts in probes or hooks: remove host from httpGet and tcpSocket",
        lambda pod: not any(host for each in pod.containers for host in _hosts(each)),
        f"variables.containers.all(c, ['httpGet', 'tcpSocket'].all(w, {_cel(PROBES)}.all(p, "
        f"c[?p][?w].?host.orValue('') == '') && {_cel(HOOKS)}.all(h, c.?lifecycle[?h][?w].?host.orValue('') == '')))",
    ),
    PodRule(
        f"must leave {CONTRACT_ROOT} and volume names that begin with {PREFIX} to the pod contract",
        lambda pod: (
            not any(str(volume.get("name", "")).startswith(PREFIX) for volume in pod.volumes)
            and not any(
                _below_contract(mount) for each in pod.containers for mount in mappings(each.get("volumeMounts"))
            )
        ),
        f"!variables.volumes.exists(v, v.?name.orValue('').startsWith('{PREFIX}')) && !variables.containers.exists(c, "
        f"c.?volumeMounts.orValue([]).exists(m, m.?mountPath.orValue('').matches('^{CONTRACT_ROOT}(/|$)')))",
    ),
    PodRule(
        "must not bring ephemeral containers: remove ephemeralContainers",
        lambda pod: not pod.spec.get("ephemeralContainers"),
        "size(variables.pod.?ephemeralContainers.orValue([])) == 0",
    ),
)
