"""The newsletter reaches its subscribers, and nobody who has opted out of it."""

from conftest import Shop


def test_a_subscriber_gets_the_newsletter(shop: Shop) -> None:
    ada = shop.account.phone()
    shop.messages.send_news(1, "New in crime: three books.", [ada.number])
    assert ada.receives("three books").sender_number == "+18335550123"


def test_who_replied_stop_gets_no_newsletter_but_hears_of_an_order(shop: Shop) -> None:
    ada, bob = shop.account.phone(), shop.account.phone()
    shop.news.add(ada, bob)
    shop.messages.send_news(1, "New in crime.", [ada.number, bob.number])
    ada.receives("crime")
    bob.receives("crime")

    ada.replies("STOP")
    shop.messages.send_news(2, "New in poetry.", [ada.number, bob.number])
    shop.messages.confirm_order(17, ada.number)

    bob.receives("poetry")
    ada.receives("order 17")
    assert [outcome.kind for outcome in ada.assert_got_nothing()] == ["sent", "suppressed", "sent"]
    assert (shop.news.status(ada), shop.news.status(bob)) == ("opted_out", "active")


def test_a_newsletter_that_is_sent_again_reaches_nobody_twice(shop: Shop) -> None:
    ada = shop.account.phone()
    for _ in range(2):
        shop.messages.send_news(1, "New in crime.", [ada.number])
    ada.receives("crime")
    ada.assert_got_nothing()
