"""Work that takes long has a limit for each account, so that one that asks in a loop delays nobody else."""

import pytest

from services.optout.api.errors import ApiError
from services.optout.api.turns import AccountTurns


def refused(turns: AccountTurns, account_id: str) -> int:
    with pytest.raises(ApiError) as error, turns.turn(account_id):
        pass
    assert error.value.headers == {"Retry-After": "1" if error.value.status_code == 429 else "2"}
    return error.value.status_code


def test_an_account_has_its_own_limit_and_all_have_one() -> None:
    turns = AccountTurns("previews", of_all=3, of_account=2)
    with turns.turn("acme"), turns.turn("acme"):
        assert refused(turns, "acme") == 429
        with turns.turn("beta"):
            assert refused(turns, "gamma") == 503
        with turns.turn("gamma"):
            pass


def test_a_turn_ends_with_an_error_too_and_nothing_is_kept_of_an_account() -> None:
    turns = AccountTurns("previews", of_all=1, of_account=1)
    with pytest.raises(ZeroDivisionError), turns.turn("acme"):
        raise ZeroDivisionError
    with turns.turn("acme"):
        pass
    assert not turns._running
