"""What a failed pod means, as rules that the Job controller applies in order; the first that matches decides.

1. A disruption (eviction, preemption, node drain) is nobody's fault: replaced, not counted.
2. Exit code 75 says "checkpointed, start me again": replaced, not counted. The job's run time bounds how often.
3. Exit codes 1 to 127 are the program's own verdict: trying again would spend the same energy for the same answer.
4. 137 is a SIGKILL: the attempt ends, and the operator looks whether it was for memory.
5. Everything else, such as a fault of the node, counts against the backoff limit.
"""

from typing import Any

from coppice.api.run import EXIT_RESUME

BACKOFF_LIMIT = 3
"""Failures of rule 5 that an attempt survives."""
KILLED = 137


def pod_failure_policy() -> dict[str, Any]:
    """The rules above."""
    disrupted = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    return {
        "rules": [
            disrupted,
            _on_exit("Ignore", [EXIT_RESUME]),
            _on_exit("FailJob", list(range(1, 128))),
            _on_exit("FailJob", [KILLED]),
        ]
    }


def _on_exit(action: str, codes: list[int]) -> dict[str, Any]:
    return {"action": action, "onExitCodes": {"operator": "In", "values": codes}}
