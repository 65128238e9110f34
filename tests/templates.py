"""Pod templates of users, good and bad: one table for the operator's own check and for the API server's."""

from collections.abc import Mapping
from typing import Any

Template = dict[str, Any]

TRAINER = {"name": "trainer", "image": "registry.example/trainer:1"}


def pod(**spec: Any) -> Template:
    """A template with these fields in its pod spec."""
    return {"spec": {"containers": [TRAINER], **spec}}


def container(**fields: Any) -> Template:
    """A template whose trainer container has these fields."""
    return pod(containers=[{**TRAINER, **fields}])


def context(**fields: Any) -> Template:
    """A template whose trainer container has this security context."""
    return container(securityContext=fields)


def volume(**source: Any) -> Template:
    """A template with this volume."""
    return pod(volumes=[{"name": "extra", **source}])


REFUSED: Mapping[str, tuple[Template, str]] = {
    "no pod at all": ({}, "needs a container named trainer"),
    "no container named trainer": (pod(containers=[{"name": "main", "image": "x"}]), "needs a container named trainer"),
    "the trainer only as init container": (
        pod(containers=[], initContainers=[TRAINER]),
        "needs a container named trainer",
    ),
    "restarting containers": (pod(restartPolicy="OnFailure"), "must not restart its containers"),
    "a long farewell": (pod(terminationGracePeriodSeconds=601), "must end within 600 s"),
    "the host's network": (pod(hostNetwork=True), "must not use the host's network"),
    "the host's processes": (pod(hostPID=True), "must not use the host's network"),
    "the host's IPC": (pod(hostIPC=True), "must not use the host's network"),
    "users of the host": (pod(hostUsers=True), "remove hostUsers"),
    "users of its own": (pod(hostUsers=False), "remove hostUsers"),
    "a node by name": (pod(nodeName="node-1"), "must not choose its node by name"),
    "a path of the host": (volume(hostPath={"path": "/"}), "may use only these volumes"),
    "a volume by CSI": (volume(csi={"driver": "secrets-store.csi.k8s.io"}), "may use only these volumes"),
    "a network file system": (volume(nfs={"server": "10.0.0.1", "path": "/"}), "may use only these volumes"),
    "a projected token": (
        volume(projected={"sources": [{"serviceAccountToken": {"path": "token"}}]}),
        "tokens of the API server are not given to jobs",
    ),
    "a mounted token": (pod(automountServiceAccountToken=True), "remove automountServiceAccountToken"),
    "a port of the host": (container(ports=[{"containerPort": 80, "hostPort": 80}]), "remove hostPort"),
    "a privileged container": (context(privileged=True), "must not run privileged containers"),
    "a privileged init container": (
        pod(initContainers=[{"name": "setup", "image": "x", "securityContext": {"privileged": True}}]),
        "must not run privileged containers",
    ),
    "gaining privileges": (context(allowPrivilegeEscalation=True), "must not let processes gain privileges"),
    "an added capability": (
        context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
        "must drop ALL capabilities",
    ),
    "capabilities kept": (context(capabilities={"drop": ["CHOWN"]}), "must drop ALL capabilities"),
    "root allowed": (context(runAsNonRoot=False), "must not run as root"),
    "root allowed for the pod": (pod(securityContext={"runAsNonRoot": False}), "must not run as root"),
    "root by number": (context(runAsUser=0), "must not run as root"),
    "no seccomp profile": (context(seccompProfile={"type": "Unconfined"}), "must keep a seccomp profile"),
    "no AppArmor profile": (context(appArmorProfile={"type": "Unconfined"}), "must keep its AppArmor profile"),
    "no AppArmor profile by annotation": (
        {
            **pod(),
            "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/trainer": "unconfined"}},
        },
        "must keep its AppArmor profile",
    ),
    "another SELinux type": (context(seLinuxOptions={"type": "spc_t"}), "remove seLinuxOptions"),
    "a kernel parameter": (
        pod(securityContext={"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}),
        "remove seLinuxOptions, windowsOptions, sysctls and procMount",
    ),
    "unmasked /proc": (context(procMount="Unmasked"), "sysctls and procMount"),
    "a probe of another host": (
        container(livenessProbe={"httpGet": {"host": "169.254.169.254", "port": 80}}),
        "must not name hosts in probes or hooks",
    ),
    "a hook to another host": (
        container(lifecycle={"preStop": {"tcpSocket": {"host": "10.0.0.1", "port": 80}}}),
        "must not name hosts in probes or hooks",
    ),
    "a mount in the contract's place": (
        pod(
            volumes=[{"name": "extra", "emptyDir": {}}],
            containers=[{**TRAINER, "volumeMounts": [{"name": "extra", "mountPath": "/coppice/run.json"}]}],
        ),
        "must leave /coppice and volume names that begin with coppice-",
    ),
    "a volume of the contract's name": (
        pod(volumes=[{"name": "coppice-output", "emptyDir": {}}]),
        "must leave /coppice and volume names that begin with coppice-",
    ),
    "an ephemeral container": (
        pod(ephemeralContainers=[{"name": "debug", "image": "x"}]),
        "remove ephemeralContainers",
    ),
}
"""What no policy can allow: refused at admission and by the operator."""

ON_REQUEST: Mapping[str, tuple[Template, str, dict[str, list[str]]]] = {
    "a service account": (
        pod(serviceAccountName="deployer"),
        "uses service account deployer",
        {"serviceAccountNames": ["deployer"]},
    ),
    "a service account by its old name": (
        pod(serviceAccount="deployer"),
        "uses service account deployer",
        {"serviceAccountNames": ["deployer"]},
    ),
    "a secret as volume": (volume(secret={"secretName": "keys"}), "uses secret keys", {"secretNames": ["keys"]}),
    "a projected secret": (
        volume(projected={"sources": [{"secret": {"name": "keys"}}]}),
        "uses secret keys",
        {"secretNames": ["keys"]},
    ),
    "a secret as environment": (
        container(envFrom=[{"secretRef": {"name": "keys"}}]),
        "uses secret keys",
        {"secretNames": ["keys"]},
    ),
    "a secret as variable": (
        container(env=[{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "k"}}}]),
        "uses secret keys",
        {"secretNames": ["keys"]},
    ),
    "a pull secret": (
        pod(imagePullSecrets=[{"name": "registry"}]),
        "uses secret registry",
        {"secretNames": ["registry"]},
    ),
    "a priority class": (
        pod(priorityClassName="system-node-critical"),
        "uses priority class system-node-critical",
        {"priorityClassNames": ["system-node-critical"]},
    ),
    "a scheduler": (pod(schedulerName="mine"), "uses scheduler mine", {"schedulerNames": ["mine"]}),
    "a toleration": (
        pod(tolerations=[{"key": "dedicated", "operator": "Exists"}]),
        "uses a toleration of dedicated",
        {"tolerations": ["dedicated"]},
    ),
    "a toleration of everything": (
        pod(tolerations=[{"operator": "Exists"}]),
        "uses a toleration of *",
        {"tolerations": ["*"]},
    ),
}
"""What a policy may allow by name: admission lets it pass, the operator refuses it without such a policy."""

ACCEPTED: Mapping[str, Template] = {
    "a plain container": pod(),
    "what restricted asks for, said": context(
        allowPrivilegeEscalation=False,
        runAsNonRoot=True,
        runAsUser=1000,
        capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        seccompProfile={"type": "RuntimeDefault"},
        readOnlyRootFilesystem=True,
    ),
    "volumes of the namespace": pod(
        volumes=[
            {"name": "a", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "b", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "c", "projected": {"sources": [{"configMap": {"name": "settings"}}]}},
        ]
    ),
    "a second container and a probe": pod(
        containers=[TRAINER, {"name": "helper", "image": "x", "livenessProbe": {"httpGet": {"port": 80, "path": "/"}}}]
    ),
    "a place": pod(
        nodeSelector={"pool": "gpu"},
        affinity={},
        restartPolicy="Never",
        serviceAccountName="default",
        schedulerName="default-scheduler",
        hostNetwork=False,
        terminationGracePeriodSeconds=600,
    ),
    "labels and annotations of its own": {**pod(), "metadata": {"labels": {"team": "a"}, "annotations": {"a/b": "c"}}},
}
