"""Instructions in Russian, Chinese and Japanese: which word to send in order to leave.

Chinese and Japanese have no spaces between words: a keyword is one of those for leaving, or short and of Latin letters
and digits, beside a verb for replying.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from shared.instructions.normalise import words_of
from shared.instructions.numbers import NUMBER, digits_of

_OPEN, _CLOSE = "[\"'\u201c\u00ab\u2018(\u300c\u300e\u3010]{0,2}", "[\"'\u201d\u00bb\u2019)\u300d\u300f\u3011]{0,2}"
_NUMBER = rf"(?:\s*(?:на|到|至|に|へ)\s*(?:(?:короткий |наш )?номер:?\s*|号码\s*|號碼\s*)?({NUMBER}))?"
_RUSSIAN_WORDS = r"стоп|отписка|отписаться|отмена|отказ|stop"
_RUSSIAN_AIM = r"(?:отпис\w*|отказ\w*|отмен\w*|прекра\w*|отключ\w*|не получать)"
_SEND_IN_RUSSIAN = r"(?:ответьте|ответить|отправьте|отправить|отправь|пришлите|напишите|наберите|ответом)"
_RUSSIAN = re.compile(
    rf"\b{_SEND_IN_RUSSIAN}\s+(?:нам\s+|словом\s+|слово\s+|sms\s+)*"
    rf"{_OPEN}(?:(?P<word>{_RUSSIAN_WORDS})|(?P<other>[^\W_][\w-]{{0,24}}))\b{_CLOSE}{_NUMBER}"
    rf"(?P<aim>\s*,?\s*(?:чтобы|для|и)\s+(?:\w+\s+){{0,3}}?{_RUSSIAN_AIM})?"
)
_CHINESE_WORDS = "退订|退訂|取消|停止|拒收|td|stop|[a-z0-9]{1,4}"
_CHINESE_AIM = "(?:退订|退訂|取消订阅|取消訂閱|取消訂阅|拒收|拒绝接收)"
_REPLY_IN_CHINESE = "回(?:复|覆|復)?"
_SEND_IN_CHINESE = f"(?:{_REPLY_IN_CHINESE}|发送|發送|发|發)"
_CHINESE = re.compile(
    rf"{_SEND_IN_CHINESE}\s*{_OPEN}(?P<word>{_CHINESE_WORDS}){_CLOSE}{_NUMBER}\s*(?:即可|可|以|来|來)?\s*{_CHINESE_AIM}"
    rf"|{_CHINESE_AIM}\s*(?:请|請)?\s*(?:直接)?{_SEND_IN_CHINESE}\s*{_OPEN}(?P<after>{_CHINESE_WORDS}){_CLOSE}"
    rf"|{_REPLY_IN_CHINESE}\s*{_OPEN}(?P<alone>退订|退訂|td){_CLOSE}(?![a-z0-9])"
)
_JAPANESE_WORDS = "配信停止|停止|解除|退会|ストップ|キャンセル|stop"
_SEND_IN_JAPANESE = r"\s*(?:と|を)(?:ご)?(?:返信|送信|入力|記入)"
_JAPANESE = re.compile(
    rf"{_OPEN}(?P<word>{_JAPANESE_WORDS}){_CLOSE}{_NUMBER}{_SEND_IN_JAPANESE}"
    rf"|(?:停止|解除|退会)\w{{0,12}}?(?:は|には|場合は)[、, ]?"
    rf"{_OPEN}(?P<other>[a-z0-9]{{1,8}}){_CLOSE}{_SEND_IN_JAPANESE}"
)
_SCRIPTS = re.compile("[\u0400-\u04ff\u3040-\u30ff\u4e00-\u9fff]")
"""Texts with none of these letters, such as those with an emoji, are not searched."""


class OfferInScript(NamedTuple):
    """An offer, as `find._Offer`: its words, where they lead, and where it is in the folded text."""

    words: Sequence[str]
    leads: Literal["out"]
    is_for_everything: bool
    start: int
    end: int
    number: str = ""


def offers_in_other_scripts(folded: str) -> Iterator[OfferInScript]:
    """Yield the offers to leave in a folded text."""
    if folded.isascii() or _SCRIPTS.search(folded) is None:
        return
    for found in _RUSSIAN.finditer(folded):
        if found["word"] or found["aim"]:
            yield _offer(found, found["word"] or found["other"], found[3])
    for found in _CHINESE.finditer(folded):
        yield _offer(found, found["word"] or found["after"] or found["alone"], found[2])
    for found in _JAPANESE.finditer(folded):
        yield _offer(found, found["word"] or found["other"], found[2])


def _offer(found: "re.Match[str]", word: str, number: str | None) -> OfferInScript:
    return OfferInScript([words_of(word)], "out", False, found.start(), found.end(), digits_of(number))
