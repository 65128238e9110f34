"""ValidatingAdmissionPolicies: what the API server refuses that no schema can say.

`trainingjob-template` judges a user's own pod template and keeps templates and model configurations as they were:
both keep unknown fields, and a schema's own rule `self == oldSelf` compares such an object by the keys of one side
and by size, so that a key exchanged for another goes unnoticed (seen on Kubernetes 1.36).
`operator-only` keeps reports, ledgers and the status of jobs to the operator. Deletion is left to RBAC, so that the
deletion of a namespace and garbage collection pass.
"""

from collections.abc import Sequence
from typing import Any

from coppice.api.base import GROUP, VERSION
from coppice.workloads.podrules import POD_RULES
from coppice.workloads.security import TEMPLATE

Manifest = dict[str, Any]

TEMPLATE_POLICY = f"trainingjob-template.{GROUP}"
OPERATOR_POLICY = f"operator-only.{GROUP}"

_VARIABLES = {
    "templated": "object.spec.?trainer.?template.hasValue()",
    "template": "dyn(object.spec.?trainer.?template.orValue({}))",
    "pod": "dyn(variables.template.?spec.orValue({}))",
    "containers": "dyn(variables.pod.?initContainers.orValue([])) + dyn(variables.pod.?containers.orValue([]))",
    "contexts": "[dyn(variables.pod.?securityContext.orValue({}))]"
    " + variables.containers.map(c, dyn(c.?securityContext.orValue({})))",
    "volumes": "dyn(variables.pod.?volumes.orValue([]))",
}
_KEPT = {
    TEMPLATE: "trainer.?template",
    "spec.fromScratch.config": "fromScratch.?config",
}
_WRITTEN_BY_OPERATOR = (
    "(request.?subResource.orValue('') == '' ? '' : 'the status of ') + request.resource.resource"
    " + ' can be written by the operator alone: it is the account of what happened'"
)


def template_policy() -> tuple[Manifest, Manifest]:
    """The policy on TrainingJobs' templates, and its binding."""
    rules = [
        {"expression": f"!variables.templated || ({rule.cel})", "message": f"{TEMPLATE} {rule.sentence}"}
        for rule in POD_RULES
    ]
    kept = [
        {
            "expression": f"request.operation != 'UPDATE' || object.spec.?{path} == oldObject.spec.?{path}",
            "message": f"{name} cannot change after creation: create a new TrainingJob instead",
        }
        for name, path in _KEPT.items()
    ]
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": _matching(("trainingjobs",), ("CREATE", "UPDATE")),
        "variables": [{"name": name, "expression": expression} for name, expression in _VARIABLES.items()],
        "validations": rules + kept,
    }
    return _policy(TEMPLATE_POLICY, spec), _binding(TEMPLATE_POLICY)


def operator_policy(account: str) -> tuple[Manifest, Manifest]:
    """The policy that keeps accounts to one user, `system:serviceaccount:NAMESPACE:NAME`, and its binding."""
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": _matching(
            ("trainingreports", "trainingledgers", "trainingjobs/status"), ("CREATE", "UPDATE")
        ),
        "validations": [
            {
                "expression": f"request.userInfo.username == '{account}'",
                "messageExpression": _WRITTEN_BY_OPERATOR,
                "reason": "Forbidden",
            }
        ],
    }
    return _policy(OPERATOR_POLICY, spec), _binding(OPERATOR_POLICY)


def _policy(name: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def _binding(name: str) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }


def _matching(resources: Sequence[str], operations: Sequence[str]) -> Manifest:
    rule = {
        "apiGroups": [GROUP],
        "apiVersions": [VERSION],
        "operations": list(operations),
        "resources": list(resources),
    }
    return {"matchPolicy": "Equivalent", "resourceRules": [rule]}
