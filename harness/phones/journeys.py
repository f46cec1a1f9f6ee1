"""All journeys that are shown, put together from what is read in whatever order it is read. Pure."""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any

from harness.phones.journey import Journey, JourneyEffect, NextMessage, milliseconds_to_effect, steps
from harness.phones.limits import MAX_JOURNEYS, MAX_KNOWN_MESSAGES, MAX_KNOWN_POSTS, QUIET_MICROSECONDS
from harness.phones.observed import Observed, microseconds
from harness.phones.places import Places
from shared.events.delivery import MessageDispatching, MessageSuppressed
from shared.events.inbound import LinkConfirmed, LinkUndone, MessageReceived
from shared.events.opt_out import AnyOptOutEvent
from shared.events.outbound import MessageRequested
from shared.events.suppression import SuppressionChanged

_FORBIDDING = ("opted_out", "opt_out_held")


@dataclass(slots=True)
class _Post:
    """A reply as the gateway posted it: the first attempt's begin, and the answer to the one that was accepted."""

    posted_us: int
    answered_us: int | None
    attempts: int


class Journeys:
    """The newest journeys; `take_…` methods are for what is read, one for each kind."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._journeys: OrderedDict[str, Journey] = OrderedDict()
        self._clicks: OrderedDict[str, Journey] = OrderedDict()
        """The clicks of any account whose recipient is not known yet: they displace no journey that is shown."""
        self._posts: OrderedDict[str, _Post] = OrderedDict()
        self._ids_at_gateway: dict[str, str] = {}
        self._effective: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._requested: OrderedDict[str, int] = OrderedDict()
        self._early: deque[tuple[Observed, AnyOptOutEvent]] = deque(maxlen=MAX_KNOWN_POSTS)

    def take_reply(self, seen: Observed, event: MessageReceived) -> None:
        journey = Journey(str(event.event_id), event.phone, event.body, seen.partition, seen.offset, seen.written_us)
        if journey.journey_id in self._journeys:
            return
        self._add(journey)
        if event.gateway_message_id is not None:
            self._ids_at_gateway[event.gateway_message_id] = journey.journey_id
            post = self._posts.get(event.gateway_message_id)
            if post is not None:
                _apply(post, journey)

    def take_click(self, seen: Observed, event: LinkConfirmed | LinkUndone) -> None:
        """Note a click; whose it is, is known with its effect."""
        words = "They changed their mind on the link's page." if isinstance(event, LinkUndone) else _clicked(event)
        click = Journey(str(event.event_id), "", words, seen.partition, seen.offset, seen.written_us, is_click=True)
        if click.journey_id in self._journeys:
            return
        click.posted_us = microseconds(event.occurred_at)
        if any(str(effect.cause_event_id) == click.journey_id for _, effect in self._early):
            self._add(click)
            return
        self._clicks[click.journey_id] = click
        while len(self._clicks) > MAX_KNOWN_POSTS:
            self._clicks.popitem(last=False)

    def take_post(self, gateway_message_id: str, posted_us: int, answered_us: int | None, attempts: int) -> None:
        """Note an attempt of the gateway's to post a reply; `answered_us` only where it was accepted."""
        known = self._posts.get(gateway_message_id)
        first_us = posted_us if known is None else known.posted_us
        post = self._posts[gateway_message_id] = _Post(first_us, answered_us, attempts)
        while len(self._posts) > MAX_KNOWN_POSTS:
            self._posts.popitem(last=False)
        journey = self._journeys.get(self._ids_at_gateway.get(gateway_message_id, ""))
        if journey is not None:
            _apply(post, journey)

    def take_effect(self, seen: Observed, event: AnyOptOutEvent) -> Journey | None:
        """Note what followed from a reply or a click; return its journey, None where it is not shown."""
        cause = str(event.cause_event_id)
        if cause in self._clicks:
            self._add(self._clicks.pop(cause))
        journey = self._journeys.get(cause)
        if journey is None:
            self._early.append((seen, event))
            return None
        effect: JourneyEffect = event.type
        journey.phone = event.phone
        journey.effect, journey.rule, journey.attribution = effect, event.rule, event.attribution
        journey.decided_us, journey.recorded_us = microseconds(event.occurred_at), seen.written_us
        journey.scopes[event.scope] = event.list_id
        journey.effective_us = self._effective.get((journey.journey_id, event.scope), journey.effective_us)
        return journey

    def take_suppression(self, seen: Observed, event: SuppressionChanged) -> None:
        """Note when a change could be read; its opt-out event, of the same transaction, may be read after it."""
        cause = str(event.cause_event_id)
        self._effective[cause, event.scope] = seen.seen_us
        while len(self._effective) > MAX_KNOWN_MESSAGES:
            self._effective.popitem(last=False)
        journey = self._journeys.get(cause)
        if journey is not None and journey.concerns(event.scope):
            journey.effective_us = seen.seen_us

    def take_request(self, seen: Observed, event: MessageRequested) -> None:
        self._requested[event.message_id] = seen.written_us
        while len(self._requested) > MAX_KNOWN_MESSAGES:
            self._requested.popitem(last=False)

    def take_outcome(self, seen: Observed, event: MessageSuppressed | MessageDispatching) -> Journey | None:
        """Note the next message that a change is about; return the journey that it ends."""
        journey = self._waiting_for(event)
        if journey is None:
            return None
        journey.next = NextMessage(
            event.message_id,
            seen.partition,
            event.list_id,
            event.type,
            microseconds(event.decision_started_at),
            microseconds(event.occurred_at),
            self._requested.get(event.message_id),
        )
        return journey

    def _waiting_for(self, event: MessageSuppressed | MessageDispatching) -> Journey | None:
        """Return the newest journey of this phone that the message is the first to show the effect of."""
        return next((each for each in reversed(self._journeys.values()) if _shows_effect(event, each)), None)

    def settle(self, now_us: int) -> bool:
        """Mark the replies from which nothing follows: a watermark has passed them for a while. True: some were."""
        changed = False
        for journey in self._journeys.values():
            if journey.effect is None:
                passed_us = self._places.first_watermark_after(journey.partition, journey.offset)
                if passed_us is not None and now_us - passed_us > QUIET_MICROSECONDS:
                    journey.effect, journey.decided_us, changed = "nothing", passed_us, True
        return changed

    def _add(self, journey: Journey) -> None:
        self._journeys[journey.journey_id] = journey
        while len(self._journeys) > MAX_JOURNEYS:
            oldest, _ = self._journeys.popitem(last=False)
            self._ids_at_gateway = {at: shown for at, shown in self._ids_at_gateway.items() if shown != oldest}
        for seen, event in [each for each in self._early if str(each[1].cause_event_id) == journey.journey_id]:
            self._early.remove((seen, event))
            self.take_effect(seen, event)

    def as_json(self) -> list[dict[str, Any]]:
        """Return the journeys, the newest first; a click whose recipient is not known yet is not among them."""
        return [self._shown(journey) for journey in reversed(self._journeys.values())]

    def _shown(self, journey: Journey) -> dict[str, Any]:
        following = journey.next
        lists = [list_id for list_id in journey.scopes.values() if list_id is not None]
        return {
            "id": journey.journey_id,
            "phone": journey.phone,
            "words": journey.words,
            "at_us": journey.posted_us or journey.heard_us,
            "effect": journey.effect,
            "list_id": lists[0] if lists else None,
            "milliseconds": milliseconds_to_effect(journey),
            "steps": [step.as_json() for step in steps(journey, self._places)],
            "is_over": following is not None or journey.effect == "nothing",
        }


def _shows_effect(event: MessageSuppressed | MessageDispatching, journey: Journey) -> bool:
    """Say whether the message shows what the journey's reply has brought about, and none did before."""
    if journey.phone != event.phone or journey.next is not None:
        return False
    if journey.decided_us is None or microseconds(event.occurred_at) < journey.decided_us:
        return False
    forbids = journey.effect in _FORBIDDING
    if isinstance(event, MessageSuppressed):
        return forbids and journey.concerns(event.scope)
    return not forbids and journey.covers(event.list_id, event.sender_number)


def _clicked(event: LinkConfirmed) -> str:
    return "They pressed “Stop all messages”." if event.all_lists else "They pressed “Stop these messages”."


def _apply(post: _Post, journey: Journey) -> None:
    journey.posted_us, journey.answered_us, journey.attempts = post.posted_us, post.answered_us, post.attempts
