"""The figures of an account, as they are counted in a real Postgres."""

from optout_api_world import Caller, Record

from services.optout.api.statistics_cache import StatisticsCache
from shared.postgres import Pool

ANN, BOB, CYD = (f"+1415555{number}" for number in range(1301, 1304))


async def test_who_left_a_list_and_was_cleaned_up_is_counted_in_its_rate(
    acme: Caller, record: Record, pool: Pool
) -> None:
    """Two of three opted out, and only one of them is on the list still: 2 of 3 left, and never 2 of 2, or 2 of 1."""
    list_id = await acme.new_list("Newsletter", ANN, BOB, CYD)
    for phone in (ANN, BOB):
        await record.message(acme.account_id, phone, "STOP", list_id)
    await pool.execute("UPDATE contacts SET removed_at = now() WHERE list_id = $1 AND phone = $2", list_id, ANN)
    (shown,) = (await StatisticsCache(pool).find(acme.account_id))["lists"]
    assert (shown["opted_out"], shown["contacts"], shown["gone"]) == (2, 2, 1)
