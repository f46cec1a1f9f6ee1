"""The same in `async def` tests."""

from stopline_pytest import AsyncAccount

INSTRUCTION = "Reply STOP to opt out"


async def test_start_brings_the_newsletter_back(async_stopline_account: AsyncAccount) -> None:
    account = async_stopline_account
    ada = account.phone()
    news = await account.list("News", phones=[ada])
    await (await news.send(ada, f"New in crime. {INSTRUCTION}")).assert_sent()
    await ada.receives("crime")

    await ada.replies("STOP")
    assert not (await account.check(ada, news)).allowed
    await (await news.send(ada, f"New in poetry. {INSTRUCTION}")).assert_suppressed(f"list:{news.list_id}")

    await ada.replies("START")
    await (await news.send(ada, f"New in history. {INSTRUCTION}")).assert_sent()
    await ada.receives("history")
    await ada.assert_got_nothing()


async def test_a_message_without_a_way_out_is_not_sent(async_stopline_account: AsyncAccount) -> None:
    ada = async_stopline_account.phone()
    news = await async_stopline_account.list()
    await (await news.send(ada, "New in crime.")).assert_rejected("no_way_out")
    await ada.assert_got_nothing()
