"""Why a version runs what it runs, in the words of the page's language.

The same facts as `control.summary`, which says them in English for the API; times are told
as how long it is until then.
"""

from paas.console import formats
from paas.console.wording import Words
from paas.control.explanation import VersionExplanation
from paas.core.idle import Keeps
from paas.core.model import ReplicaState, VersionStatus
from paas.core.scaling import PANIC, STABLE, Answer, Limit, Span
from paas.live.requests import OpenRequest, RequestKind


def explain(found: VersionExplanation, words: Words, *, now: float) -> list[str]:
    """Sentences: how many replicas, by which rule, what keeps it awake, what is wrong."""
    teller = _Teller(found, words, now)
    told = (teller.state(), *teller.because(), teller.rest(), teller.waiting(), teller.trouble())
    return [sentence for sentence in told if sentence]


class _Teller:
    """One version's facts at `now`."""

    def __init__(self, found: VersionExplanation, words: Words, now: float) -> None:
        self._found = found
        self._words = words
        self._now = now
        self._states = [one.state for one in found.view.replicas]
        frozen = ReplicaState.FROZEN in self._states
        decision = found.decision
        ready = found.view.version.status is VersionStatus.READY
        self._decision = decision if decision and decision.count and ready and not frozen else None

    def state(self) -> str:
        status = self._found.view.version.status
        if status is VersionStatus.FAILED:
            return self._say("failed")
        if status is not VersionStatus.READY:
            return self._say("deploying")
        ready = self._states.count(ReplicaState.READY)
        if self._decision is not None:
            wanted = self._decision.count
            return self._say("runs" if ready == wanted else "missing", ready=ready, wanted=wanted)
        if ReplicaState.FROZEN in self._states:
            return self._say("frozen", since=self._since())
        if ready:
            return self._say("leaving", ready=ready)
        return self._say("zero", since=self._since())

    def because(self) -> list[str]:
        """The rule that won, and what limited its answer."""
        decision = self._decision
        if decision is None:
            return []
        rule = [self._rule(decision.answer)] if decision.answer else []
        settings = self._found.settings
        numbers = {Limit.MIN: settings.idle.min, Limit.MAX: settings.max}
        limits = [
            self._say(f"limit.{one.value}", count=numbers.get(one, decision.count))
            for one in decision.limited_by
        ]
        return [*rule, *limits]

    def rest(self) -> str:
        """What keeps it awake, or when it goes to sleep."""
        sleep = self._found.sleep
        if self._decision is None:
            frozen = ReplicaState.FROZEN in self._states
            return (
                self._say("stops", when=self._until(sleep.stops_at))
                if (frozen and sleep.stops_at)
                else ""
            )
        keeps = self._found.idle.keeps
        if keeps not in (None, Keeps.RECENT):
            return self._kept(keeps)
        ways = (("freezes", sleep.freezes_at), ("stops", sleep.stops_at))
        told = [self._say(way, when=self._until(at)) for way, at in ways if at is not None]
        return " ".join(told) or self._say("never_sleeps")

    def waiting(self) -> str:
        queue = self._found.queue
        if not queue.waiting:
            return ""
        oldest = formats.duration(queue.oldest)
        return self._say("waiting", count=queue.waiting, oldest=oldest)

    def trouble(self) -> str:
        starts = self._found.starts
        again = ""
        if starts.next_try is not None:
            again = self._say("again", when=self._until(starts.next_try))
        if starts.no_memory:
            return f"{self._say('no_memory')} {again}".strip()
        if starts.failures:
            return f"{self._say('failures', count=starts.failures)} {again}".strip()
        return ""

    # ---- private

    def _rule(self, answer: Answer) -> str:
        return self._say(
            f"rule.{answer.rule.value}",
            average=_figure(answer.average),
            target=_figure(answer.target),
            seconds=int(PANIC if answer.span is Span.PANIC else STABLE),
            wanted=answer.wanted,
        )

    def _kept(self, keeps: Keeps) -> str:
        oldest = self._oldest(keeps)
        if oldest is None:
            return self._say(f"keeps.{keeps.value}")
        return self._say(
            f"open.{oldest.kind.value}",
            client=oldest.client.decode("ascii", "replace"),
            since=formats.ago(oldest.since, self._now, self._words),
            count=self._found.activity.in_flight,
        )

    def _oldest(self, keeps: Keeps) -> OpenRequest | None:
        if keeps not in (Keeps.STREAM, Keeps.REQUEST):
            return None
        there = [one for one in self._found.requests if not one.queued]
        sockets = [one for one in there if one.kind is RequestKind.WEBSOCKET]
        return next(iter(sockets if keeps is Keeps.STREAM else there), None)

    def _since(self) -> str:
        since = self._found.sleep.since
        if since is None:
            return ""
        return self._say("since", when=formats.ago(since, self._now, self._words))

    def _until(self, at: float | None) -> str:
        return formats.span(max(0.0, (at or self._now) - self._now), self._words)

    def _say(self, key: str, **fields: object) -> str:
        return self._words[f"why.{key}"].format(**fields)


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
