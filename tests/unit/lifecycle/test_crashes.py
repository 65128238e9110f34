"""A kill at any write of any life leaves what the next process completes: nothing twice, nothing lost."""

from collections.abc import Awaitable, Callable

import pytest

from builders import make_job
from fake_cluster import CrashError
from loop import Loop

PLAN = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
Step = Callable[[Loop], None]


def met(loop: Loop) -> None:
    loop.cluster.run_with_model(loop.cluster.jobs()[-1], "0.957")


def missed(loop: Loop) -> None:
    loop.cluster.run(loop.cluster.jobs()[-1], "0.90")


LIVES = {"met at once": [met], "second rung": [missed, met]}


async def live(loop: Loop, steps: list[Step], turn: Callable[[], Awaitable[None]]) -> dict[str, object]:
    plan = make_job().methods("LinearProbe").scratch(epochs=30, **PLAN).max_attempts(2).register("classifier")
    key = loop.apply(plan)
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
        "attempts": [(item.method, item.outcome) for item in job.status.attempts],
    }


@pytest.mark.parametrize("steps", LIVES.values(), ids=LIVES.keys())
@pytest.mark.parametrize("when", ["crash_before", "crash_after"])
async def test_a_kill_at_every_write_changes_nothing_of_the_outcome(steps: list[Step], when: str) -> None:
    calm = Loop()
    expected = await live(calm, steps, calm.turn)
    for number in range(len(calm.cluster.writes)):
        loop = Loop()
        setattr(loop.cluster, when, number)

        async def turn(loop: Loop = loop) -> None:
            try:
                await loop.turn()
            except CrashError:
                loop.cluster.crash_before = loop.cluster.crash_after = None
                loop.restart()
                await loop.turn()

        assert await live(loop, steps, turn) == expected, f"killed {when} write {number}"
