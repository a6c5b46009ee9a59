"""Whole stories on a small simulated host: arrivals, replicas that take time to start, and
the decision every two seconds and whenever a request finds nobody.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

import pytest

from paas.core.idle import Activity, IdleSettings, Stage
from paas.core.scaling import Memory, Observation, ScaleSettings, decide
from paas.core.spec import ScalingRules
from paas.core.windows import Tally, Windows

STEP = 0.125
START = 0.5
"""Seconds a replica takes to be ready."""


@dataclass
class Host:
    """One version. Every request takes `work` seconds of a replica, `concurrency` at a time."""

    settings: ScaleSettings
    work: float = 0.1
    phase: float = 0.0
    now: float = 0.0
    ready: int = 0
    starting: list = field(default_factory=list)
    running: list = field(default_factory=list)
    queue: list = field(default_factory=list)
    arrived: float = 0.0
    busy: float = 0.0
    last_active: float = -1e9
    first_ready: float = 0.0
    memory: Memory = field(default_factory=Memory)
    windows: Windows = field(default_factory=lambda: Windows(0.0))
    counts: list = field(default_factory=list)
    longest_wait: float = 0.0

    def run(self, seconds, rps):
        """The counts at the end of each step of the time."""
        for _ in range(round(seconds / STEP)):
            self._step(rps)
        return self.counts[-round(seconds / STEP) :]

    def request(self, number=1):
        self.arrived += number
        self.queue += [self.now] * number
        self._serve()
        if self.queue:
            self._decide()

    def _step(self, rps):
        self.now += STEP
        self.busy += STEP * (len(self.running) + len(self.queue))
        was = self.ready
        self.ready += sum(1 for at in self.starting if at <= self.now)
        self.first_ready = self.now if self.ready and not was else self.first_ready
        self.starting = [at for at in self.starting if at > self.now]
        self.running = [until for until in self.running if until > self.now]
        before = int(self.arrived)
        self.arrived += rps * STEP
        self.queue += [self.now] * (int(self.arrived) - before)
        missed = bool(self.queue) and not self.ready
        self._serve()
        if self.running or self.queue:
            self.last_active = self.now
        if missed or (self.now - self.phase) % 2 == 0:
            self._decide()
        self.counts.append(self.memory.count)

    def _serve(self):
        room = (self.settings.concurrency or 10**9) * self.ready - len(self.running)
        served, self.queue = self.queue[:room], self.queue[room:]
        self.longest_wait = max([self.longest_wait, *(self.now - since for since in served)])
        self.running += [self.now + self.work] * len(served)

    def _decide(self):
        self.windows.count(Tally(arrivals=int(self.arrived), busy=self.busy), self.now)
        waits = self.queue and self.ready
        observation = Observation(
            ready=self.ready,
            stable=self.windows.averages(60, self.now),
            panic=self.windows.averages(6, self.now),
            activity=Activity(
                last_active=self.last_active,
                in_flight=len(self.running),
                queued=len(self.queue),
                starting=bool(self.starting),
            ),
            waited=self.now - max(self.queue[0], self.first_ready) if waits else 0.0,
        )
        found, self.memory = decide(self.settings, observation, memory=self.memory, now=self.now)
        live = 0 if found.stage is Stage.FROZEN else found.count
        kept = max(0, live - self.ready)
        self.starting = sorted(self.starting)[:kept]
        self.starting += [self.now + START] * (kept - len(self.starting))
        self.ready = min(self.ready, live)


def host(*, rps=25, most=20, phase=0.0, **more):
    idle = more.pop("idle", IdleSettings())
    work = more.pop("work", 0.1)
    settings = ScaleSettings(rules=ScalingRules(rps=rps), max=most, idle=idle, **more)
    return Host(settings=settings, phase=phase, work=work)


@pytest.mark.parametrize("phase", [0.0, 0.5, 1.0, 1.875])
@pytest.mark.parametrize("between", [30, 150])
def test_a_ramp_is_followed_within_ten_seconds_of_each_step(phase, between):
    version = host(phase=phase)
    for rps in (50, 100, 200):
        version.run(10, rps)
        assert version.ready >= ceil(rps / 25)
        counts = version.run(between - 10, rps)
        assert version.ready == version.memory.count
        assert ceil(rps / 17.5) <= min(counts)
        assert max(counts) <= ceil(rps / 17.5) + 1


def test_a_burst_passes_and_its_replicas_go_by_halves_after_a_minute():
    version = host()
    version.run(120, 10)
    assert version.memory.count == 1
    version.run(10, 200)
    peak = version.memory.count
    assert peak == 12
    assert set(version.run(50, 10)) == {peak}
    counts = list(dict.fromkeys(version.run(70, 10)))
    assert counts[-1] == 1
    assert all(after >= before / 2 for before, after in pairwise(counts))


def test_an_oscillating_load_is_not_followed_up_and_down():
    version = host()
    counts = []
    for _ in range(30):
        counts += version.run(10, 100) + version.run(10, 0)
    settled = counts[round(60 / STEP) :]
    assert min(settled) >= 3
    assert max(settled) <= 6
    changes = sum(1 for a, b in pairwise(settled) if a != b)
    assert changes <= 2 * (540 / 60)


def test_a_night():
    version = host(rps=25)
    version.run(300, 40)
    assert version.memory.count == 3
    version.run(299, 0)
    assert (version.memory.stage, version.memory.count) == (Stage.SERVING, 1)
    version.run(3, 0)
    assert version.memory.stage is Stage.FROZEN
    stages = version.run(3600 - 303, 0)
    assert set(stages) == {1}
    version.run(3, 0)
    assert (version.memory.stage, version.memory.count) == (Stage.ZERO, 0)
    assert set(version.run(3600, 0)) == {0}
    version.request()
    assert version.memory.count == 1
    version.run(1, 0)
    assert version.ready == 1
    assert not version.queue


def test_a_hundred_at_once_one_at_a_time_are_all_served_within_the_wait():
    """Scenario 3, with the default rule only."""
    version = host(rps=50, most=10, concurrency=1, work=0.3)
    version.run(2.5, 0)
    version.request(100)
    counts = version.run(9, 0)
    assert not version.queue
    assert version.longest_wait < 9
    assert max(counts) == 10


def test_five_hundred_at_once_for_one_that_suffices_are_one_start():
    """Scenario 4."""
    version = host(rps=1000, concurrency=80, work=0.02)
    version.run(2.5, 0)
    version.request(500)
    assert set(version.run(20, 0)) == {1}
    assert not version.queue
