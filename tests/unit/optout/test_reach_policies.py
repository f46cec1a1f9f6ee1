"""How far an opt-out reaches by country and date: the widest policy counts, and only a dated word narrows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from recipients import NOON, NUMBER, OTHER_NUMBER, RULES, reply, sent, who_was_sent

from services.optout.decide import Held, OptIn, OptOut, decide
from services.optout.decision_log.entry import entry_adapter, entry_of, entry_text
from services.optout.policies import SHIPPED, OwnPolicy, PolicyReach, Reach, ReachPolicies, reach_of, read_shipped
from services.optout.recipient import Recipient, Suppression
from services.optout.recipient_after import apply
from services.optout.settings import OptOutSettings
from shared.errors import MisconfiguredError
from shared.phones.country import country_of_phone
from shared.settings import load

BEGINS = datetime(2027, 1, 30, 14, tzinfo=UTC)
"""2027-01-31 begins in Guam."""
US = "us-revoke-all.1"
ASKS_FOR_START = "Reply STOP to unsubscribe. Reply START to resubscribe"
ALWAYS = datetime(2020, 1, 1, tzinfo=UTC)


def own(
    reach: Reach,
    country: str = "US",
    valid_from: datetime = ALWAYS,
    version: int = 1,
    postponed_until: datetime | None = None,
) -> OwnPolicy:
    return OwnPolicy(version, country, reach, valid_from, US if postponed_until else None, postponed_until)


def by(*policies: OwnPolicy) -> ReachPolicies:
    return ReachPolicies(policies, ())


@pytest.mark.parametrize(
    ("phone", "country"),
    [
        ("+14155550100", "US"),
        ("+16045550100", "CA"),
        ("+18765550100", "JM"),
        ("+17875550100", "PR"),
        ("+18335550123", "US"),  # toll-free numbers are of the whole numbering plan
        ("+14151550100", "US"),  # nobody's: it counts as the largest country's
        ("+77011234567", "KZ"),
        ("+78005551234", "RU"),
        ("+447700900123", "GB"),
        ("+61412345678", "AU"),
        ("+88213123456", None),
        ("+9991234567", None),
    ],
)
def test_the_numbering_plan_says_which_country_a_phone_is_in(phone: str, country: str | None) -> None:
    assert country_of_phone(phone) == country


@pytest.mark.parametrize(
    ("phone", "at", "reach"),
    [
        ("+14155550100", BEGINS - timedelta(microseconds=1), PolicyReach("list")),
        ("+14155550100", BEGINS, PolicyReach("account", US)),
        ("+16715550100", BEGINS, PolicyReach("account", US)),
        ("+14155550100", datetime(2040, 1, 1, tzinfo=UTC), PolicyReach("account", US)),
        ("+16045550100", BEGINS, PolicyReach("list")),
        ("+18765550100", BEGINS, PolicyReach("list")),
        ("+447700900123", BEGINS, PolicyReach("list")),
        ("+9991234567", BEGINS, PolicyReach("list")),
    ],
)
def test_the_united_states_rule_applies_from_its_date_to_their_numbers(
    phone: str, at: datetime, reach: PolicyReach
) -> None:
    assert ReachPolicies().reach_for(phone, at) == reach


@pytest.mark.parametrize(
    ("policies", "country", "at", "reach"),
    [
        # An account reaches further, or as far, by its own policies: those then say so.
        ([own("account")], "US", NOON, PolicyReach("account", "account:1")),
        ([own("account")], "US", BEGINS, PolicyReach("account", "account:1")),
        ([own("account")], "CA", NOON, PolicyReach("list")),
        ([own("sender", "*")], "CA", NOON, PolicyReach("sender", "account:1")),
        ([own("sender", "*")], None, NOON, PolicyReach("sender", "account:1")),
        # It does not narrow a shipped one by saying less.
        ([own("list")], "US", BEGINS, PolicyReach("account", US)),
        ([own("sender", "*")], "US", BEGINS, PolicyReach("account", US)),
        # The country's own policy counts before the one for all; each from its date; the newest of those that began.
        ([own("account", "*"), own("list", "CA", version=2)], "CA", NOON, PolicyReach("list", "account:2")),
        ([own("account", valid_from=NOON)], "US", NOON - timedelta(seconds=1), PolicyReach("list")),
        ([own("account", valid_from=NOON)], "US", NOON, PolicyReach("account", "account:1")),
        ([own("account"), own("list", version=2)], "US", NOON, PolicyReach("list", "account:2")),
        ([own("list", version=2), own("account", version=1)], "US", NOON, PolicyReach("list", "account:2")),
        ([own("account", version=2), own("list", valid_from=NOON)], "US", NOON, PolicyReach("account", "account:2")),
        # It postpones a shipped one until a date, by a version in force, and only the one that it names.
        ([own("list", postponed_until=BEGINS + timedelta(days=9))], "US", BEGINS, PolicyReach("list", "account:1")),
        ([own("list", postponed_until=BEGINS + timedelta(days=9))], "PR", BEGINS, PolicyReach("account", US)),
        (
            [own("list", "*", postponed_until=BEGINS + timedelta(days=9))],
            "PR",
            BEGINS,
            PolicyReach("list", "account:1"),
        ),
        ([own("sender", postponed_until=BEGINS + timedelta(days=9))], "US", BEGINS, PolicyReach("sender", "account:1")),
        ([own("list", postponed_until=BEGINS)], "US", BEGINS, PolicyReach("account", US)),
        (
            [own("list", postponed_until=BEGINS + timedelta(days=9)), own("list", version=2)],
            "US",
            BEGINS,
            PolicyReach("account", US),
        ),
    ],
)
def test_the_widest_policy_counts_and_only_a_dated_word_narrows_it(
    policies: list[OwnPolicy], country: str | None, at: datetime, reach: PolicyReach
) -> None:
    assert reach_of(policies, SHIPPED, country, at) == reach


def test_a_replaced_version_does_not_apply_and_a_postponement_of_it_is_not_one_of_the_next() -> None:
    policy = (
        '[[policy]]\nversion = "{}"\ncountries = ["US"]\nreach = "account"\nsource = "s"\ntext = "t"\n'
        "valid_from = {}T00:00:00Z\nreplaces = [{}]\n"
    )
    shipped = read_shipped(policy.format(US, "2027-01-31", "") + policy.format("us.2", "2027-06-01", f'"{US}"'))
    assert reach_of((), shipped, "US", BEGINS + timedelta(days=2)) == PolicyReach("list")
    postponed = own("list", postponed_until=BEGINS + timedelta(days=700))
    assert reach_of([postponed], shipped, "US", BEGINS + timedelta(days=200)) == PolicyReach("account", "us.2")


def test_a_file_takes_the_place_of_the_shipped_policies_and_a_bad_one_ends_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "policies.toml"
    for name, value in (
        ("KAFKA_BOOTSTRAP", "k:9092"),
        ("HTTP_PORT", "8000"),
        ("OPTOUT_DATABASE_URL", "postgresql://p/optout"),
        ("REACH_POLICIES_FILE", str(path)),
    ):
        monkeypatch.setenv(f"STOPLINE_{name}", value)
    path.write_text(
        '[[policy]]\nversion = "ca.1"\ncountries = ["CA"]\nreach = "sender"\nvalid_from = 2026-01-01T00:00:00Z\n'
        'source = "s"\ntext = "t"\n'
    )
    assert [policy.version for policy in load(OptOutSettings).shipped_policies] == ["ca.1"]
    for bad in (
        "[[policy]]\nversion = 1",
        "not TOML",
        path.read_text().replace("sender", "world"),
        path.read_text().replace("00Z", "00"),
    ):
        path.write_text(bad)
        with pytest.raises(MisconfiguredError, match=r"^settings: STOPLINE_REACH_POLICIES_FILE: .*\Z"):
            load(OptOutSettings)
    path.unlink()
    with pytest.raises(MisconfiguredError, match="No such file"):
        load(OptOutSettings)


def test_a_policy_adds_the_account_to_the_answered_list_and_the_entry_names_it() -> None:
    event, recipient = reply(), who_was_sent(sent(1))
    decision = decide(event, recipient, RULES, by(own("account")))
    assert isinstance(decision, OptOut)
    assert (decision.changed, decision.policy) == (("list:1", "account"), "account:1")
    entry = entry_of(event, decision, 0, 0, NOON)
    assert entry.reach_policy == "account:1"
    assert entry_adapter.validate_json(entry_text(entry)) == entry
    before = entry_of(event, decide(event, recipient, RULES, by()), 0, 0, NOON)
    assert "reach_policy" not in entry_text(before), "entries are chained as they were before there were policies"


def test_a_policy_adds_every_number_that_the_answered_messages_came_from() -> None:
    recipient = who_was_sent(sent(1), sent(1, 2, number=OTHER_NUMBER), sent(2, 3, number="+18335550777"))
    both = decide(reply(sender_number=None, replied_message_id="m-1-1"), recipient, RULES, by(own("sender")))
    assert isinstance(both, OptOut)
    assert both.changed == ("list:1", f"sender:{NUMBER}"), "the gateway says which message it answers"
    pointed = decide(reply(replied_message_id="m-1-2"), recipient, RULES, by(own("sender")))
    assert isinstance(pointed, OptOut)
    assert pointed.changed == ("list:1", f"sender:{NUMBER}", f"sender:{OTHER_NUMBER}")
    unknown = decide(reply(sender_number=None), recipient, RULES, by(own("sender")))
    assert isinstance(unknown, OptOut)
    assert set(unknown.changed) == {
        "list:1", "list:2", f"sender:{NUMBER}", f"sender:{OTHER_NUMBER}", "sender:+18335550777",
    }  # fmt: skip


@pytest.mark.parametrize("reach", ["list", "sender", "account"])
def test_what_is_about_the_account_anyway_is_about_nothing_else(reach: Reach) -> None:
    for body, recipient in (("STOP", Recipient()), ("stop all", who_was_sent(sent(1)))):
        decision = decide(reply(body), recipient, RULES, by(own(reach)))
        assert isinstance(decision, OptOut)
        assert decision.changed == ("account",)


def test_what_is_held_is_held_as_far_as_an_opt_out_would_reach() -> None:
    decision = decide(reply("not her, stop"), who_was_sent(sent(1)), RULES, by(own("account")))
    assert isinstance(decision, Held)
    assert (decision.changed, decision.policy) == (("list:1", "account"), "account:1")


@pytest.mark.parametrize(("reach", "wide"), [("account", "account"), ("sender", f"sender:{NUMBER}")])
@pytest.mark.parametrize("instruction", [ASKS_FOR_START, "Reply STOP to end", None])
@pytest.mark.parametrize("is_pointed_at", [True, False])
def test_start_lifts_all_that_a_stop_reached_by_a_policy(
    reach: Reach, wide: str, instruction: str | None, *, is_pointed_at: bool
) -> None:
    message = replace(sent(1), instruction=instruction)
    recipient = who_was_sent(message)
    pointer = message.message_id if is_pointed_at else None
    stop = reply(replied_message_id=pointer)
    left = apply(decide(stop, recipient, RULES, by(own(reach))), stop, recipient)
    assert left.is_suppressed("list:1")
    assert left.is_suppressed(wide)
    start = reply("START", replied_message_id=pointer, occurred_at=NOON + timedelta(minutes=1))
    back = decide(start, left, RULES)
    assert isinstance(back, OptIn)
    assert set(back.changed) == {"list:1", wide}


def test_a_stop_that_reaches_further_than_the_one_before_comes_back_as_one() -> None:
    """The first STOP was before the policy's date, the second after it: START answers both."""
    recipient = who_was_sent(replace(sent(1), instruction=ASKS_FOR_START))
    policies = by(own("account", valid_from=NOON))
    for minutes in (-1, 1):
        stop = reply(occurred_at=NOON + timedelta(minutes=minutes))
        decision = decide(stop, recipient, RULES, policies)
        assert isinstance(decision, OptOut)
        recipient = apply(decision, stop, recipient)
    assert (decision.changed, decision.raised, decision.asked_again) == (("account",), ("list:1",), ())
    back = decide(reply("START", occurred_at=NOON + timedelta(minutes=2)), recipient, RULES)
    assert isinstance(back, OptIn)
    assert set(back.changed) == {"list:1", "account"}


def test_an_answer_to_one_list_does_not_lift_what_another_opt_out_said_of_the_account() -> None:
    asks = replace(sent(1), instruction=ASKS_FOR_START)
    recipient = who_was_sent(asks)
    for body, policies in (("stop all", by()), ("STOP", by(own("account")))):
        stop = reply(body)
        recipient = apply(decide(stop, recipient, RULES, policies), stop, recipient)
    back = decide(reply("START", occurred_at=NOON + timedelta(minutes=1)), recipient, RULES)
    assert isinstance(back, OptIn)
    assert back.changed == ("list:1",)


def test_a_start_for_one_list_leaves_the_account_that_the_stop_to_another_list_stopped() -> None:
    messages = sent(1), sent(2, 2)
    recipient = who_was_sent(*messages)
    for message in messages:
        stop = reply(replied_message_id=message.message_id)
        recipient = apply(decide(stop, recipient, RULES, by(own("account"))), stop, recipient)
    for message, lifted in zip(messages, (("account", "list:1"), ("list:2",)), strict=True):
        start = reply("START", replied_message_id=message.message_id, occurred_at=NOON + timedelta(minutes=1))
        back = decide(start, recipient, RULES)
        assert isinstance(back, OptIn)
        assert tuple(sorted(back.changed)) == lifted


def test_what_was_asked_for_by_phone_call_is_not_lifted_with_a_later_stop() -> None:
    called = Suppression("list:1", "opted_out", None, None, uuid4(), NOON - timedelta(days=1), "phone_call")
    recipient = who_was_sent(sent(1)).with_suppressions({"list:1": called})
    stop = reply()
    left = apply(decide(stop, recipient, RULES, by(own("account"))), stop, recipient)
    back = decide(reply("START", occurred_at=NOON + timedelta(minutes=1)), left, RULES)
    assert isinstance(back, OptIn)
    assert back.changed == ("account",)
