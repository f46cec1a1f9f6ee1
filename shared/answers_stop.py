"""Gateways whose company answers STOP itself unless that is switched off there: what an opt-out then gets is theirs."""

from collections.abc import Mapping

HOW_TO_SWITCH_OFF: Mapping[str, str] = {
    "aws": "turn on self-managed opt-outs for the phone number or pool, and keep its keywords without responses",
    "telnyx": "delete the messaging profile's automatic responses of opt-in and opt-out; not for US toll-free numbers",
    "twilio": "empty the replies of the messaging service's Advanced Opt-Out; not for US toll-free numbers",
}
"""What an account does there, by gateway; `docs/carriers.md` says where."""
