"""Which right each route of the customer API takes, and what a user may give to others."""

import pytest

from services.optout.api.rights import ApiUser, Needed, needed

ACCOUNT = ApiUser("acme", 1, 1)
SENDS = ApiUser("acme", 1, 2, frozenset({"sms", "users"}))


@pytest.mark.parametrize(
    ("path", "need"),
    [
        ("/v3/sms/send", "sms"),
        ("/v3/sms/history/export", "reporting"),
        ("/v3/sms/{message_id}/cancel", "sms"),
        ("/v3/lists/{list_id}/contacts", "contacts"),
        ("/v3/account", "any"),
        ("/v3/account/usage/{year}/{month}/subaccount", "reporting"),
        ("/v3/automations/sms/inbound/", "settings"),
        ("/v1/api-keys", "account"),
        ("/v1/policies/simulate", "account"),
        ("/v1/rules-packs/{pack}", "settings"),
        ("/v1/reassigned-numbers", "account"),
        ("/v1/something-new", "account"),
        ("/", "account"),
    ],
)
def test_a_route_takes_the_right_of_the_longest_path_that_is_named(path: str, need: Needed) -> None:
    assert needed(path) == need


def test_the_account_itself_may_do_everything_and_another_user_what_it_has_a_right_to() -> None:
    needs: tuple[Needed, ...] = ("any", "account", "sms", "contacts", "users")
    assert [ACCOUNT.may(need) for need in needs] == [True] * 5
    assert [SENDS.may(need) for need in needs] == [True, False, True, False, True]


def test_nobody_gives_a_right_that_they_do_not_have() -> None:
    assert SENDS.may_give(frozenset({"sms"}))
    assert not SENDS.may_give(frozenset({"sms", "contacts"}))
    assert ACCOUNT.may_give(frozenset({"contacts", "billing"}))
