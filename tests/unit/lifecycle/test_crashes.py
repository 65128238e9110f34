"""A kill at any write of any life leaves what the next process completes: nothing twice, nothing lost."""

from collections.abc import Awaitable, Callable

import pytest

from builders import JobBuilder, make_job
from loop import Loop
from probes import FIRST, SECOND, dear_job, second_model

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
Step = Callable[[Loop], None]


def met(loop: Loop) -> None:
    loop.cluster.run_with_model(loop.cluster.jobs()[-1], "0.957")


def missed(loop: Loop) -> None:
    loop.cluster.run(loop.cluster.jobs()[-1], "0.90")


def probed(loop: Loop) -> None:
    loop.cluster.probe(loop.cluster.jobs()[-1], **{FIRST.replace("-", "_"): "0.61", SECOND.replace("-", "_"): "0.97"})


def probe_failed(loop: Loop) -> None:
    loop.cluster.fail(loop.cluster.jobs()[-1])


def plain() -> JobBuilder:
    return make_job().methods("LinearProbe").base_models(FIRST).scratch(epochs=30, **PLAN)


LIVES: dict[str, tuple[Callable[[], JobBuilder], list[Step]]] = {
    "met at once": (plain, [met]),
    "second rung": (plain, [missed, met]),
    "after a probe": (dear_job, [probed, met]),
    "after a probe that failed": (dear_job, [probe_failed, met]),
}


async def live(
    loop: Loop, job: JobBuilder, steps: list[Step], turn: Callable[[], Awaitable[None]]
) -> dict[str, object]:
    key = loop.apply(job.max_attempts(2).register("classifier"))
    await turn()
    for step in steps:
        step(loop)
        await turn()
    job = loop.job(key)
    return {
        "state": loop.state(key),
        "children": len(loop.cluster.jobs()),
        "reports": len(loop.reports()),
        "counted": loop.finished_jobs(),
        "open entries": len(loop.ledger.specs["research"].entries),
        "energy": job.status.totals.energy_joules,
        "settled": loop.ledger.specs["research"].totals.operational_grams,
        "attempts": [(item.kind, item.method, item.base_model, item.outcome) for item in job.status.attempts],
        "probed": [len(item.probed) for item in job.status.attempts],
    }


@pytest.mark.thorough
@pytest.mark.parametrize(("job", "steps"), LIVES.values(), ids=LIVES.keys())
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
async def test_a_kill_at_every_write_changes_nothing_of_the_outcome(
    job: Callable[[], JobBuilder], steps: list[Step], when: str
) -> None:
    calm = Loop(second_model().body())
    expected = await live(calm, job(), steps, calm.turn)
    for number in range(len(calm.cluster.writes)):
        loop = Loop(second_model().body())
        setattr(loop.cluster, when, number)
        assert await live(loop, job(), steps, loop.turn_of_two_lives) == expected, f"killed {when} write {number}"
