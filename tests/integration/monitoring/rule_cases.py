"""For each alert: series on which it fires, and similar ones on which it does not; one value per minute."""

from typing import NamedTuple

SampleSeries = dict[str, str]


class RuleCase(NamedTuple):
    """A case: what makes the alert fire by its minute, and what does not."""

    fires: SampleSeries
    quiet: SampleSeries
    minute: int = 40
    firing: int = 1


ALL = {"job": "stopline", "instance": "one:9100"}


def _series(name: str, process: str, **labels: str) -> str:
    each = {**ALL, "process": process, **labels}
    return f"{name}{{{', '.join(f'{label}={value!r}' for label, value in each.items())}}}".replace("'", '"')


def grows(name: str, process: str, fires: str = "0+5x120", quiet: str = "3x120", **labels: str) -> RuleCase:
    """Return the case of a counter that grows, and of one that stays as it is."""
    return RuleCase({_series(name, process, **labels): fires}, {_series(name, process, **labels): quiet})


def is_(name: str, process: str, fires: str, quiet: str, **labels: str) -> RuleCase:
    """Return the case of a gauge with one value, and with another."""
    return grows(name, process, f"{fires}x120", f"{quiet}x120", **labels)


_UP = {_series("up", process): "1x120" for process in ("inbound", "optout", "api", "sender")}
_LAG, _WATERMARK = (
    _series(name, "optout", partition="3") for name in ("stopline_optout_lag_records", "stopline_optout_watermark")
)
_SENDER_LAG = _series("stopline_sender_lag_records", "sender")
_SENT = _series("stopline_sender_messages_total", "sender", outcome="sent")
_FAILED = _series("stopline_sender_messages_total", "sender", outcome="failed")
_WAITS = _series("stopline_sender_waits_total", "sender", reason="quiet_hours")
_RETRIED, _DELIVERED = (
    _series("stopline_optout_webhooks_total", "api", outcome=each) for each in ("retried", "delivered")
)
_EFFECTS = {
    bound: _series("stopline_optout_effect_seconds_bucket", "optout", le=bound) for bound in ("1.0", "30.0", "+Inf")
}

CASES = {
    "StoplineProcessDown": RuleCase(
        {**_UP, _series("up", "inbound"): "_x120", _series("up", "links"): "1x20 stale", _series("up", "api"): "0x120"},
        {**_UP, _series("up", "links"): "1x120"},
        firing=3,
    ),
    "StoplineNothingScraped": RuleCase({'up{job="others"}': "1x120"}, {_series("up", "sender"): "0x120"}),
    "StoplineNotReady": is_("stopline_ready", "sender", "0", "1"),
    "StoplineRestarting": grows("process_start_time_seconds", "optout", "0+100x120", "7x120"),
    "StoplineConnectionsCutOff": grows(
        "stopline_http_cut_off_total", "api", "0+20x120", "0+2x120", limit="connections"
    ),
    "StoplineTracesDropped": grows("stopline_traces_spans_dropped_total", "sender"),
    "StoplineWebhooksNotAcknowledged": grows(
        "stopline_inbound_webhooks_total",
        "inbound",
        quiet="0x37 9x80",
        gateway="twilio",
        kind="message",
        outcome="unavailable",
    ),
    "StoplineWebhooksUnauthorised": grows(
        "stopline_inbound_webhooks_total", "inbound", "0+2x120", "0x30 1x90", gateway="twilio", outcome="unauthorised"
    ),
    "StoplineWebhooksRefused": grows(
        "stopline_inbound_webhooks_total", "inbound", "0x35 1x85", "1x120", gateway="twilio", outcome="refused"
    ),
    "StoplineGatewayAddressRefused": grows(
        "stopline_inbound_outside_requests_total", "inbound", kind="certificate", outcome="refused"
    ),
    "StoplineMessagesWaitForReception": is_("stopline_sender_reception_accounts", "sender", "2", "0", standing="waits"),
    "StoplineReceptionGivenUp": is_("stopline_sender_reception_accounts", "sender", "1", "0", standing="given_up"),
    "StoplineSmppReceiverUnbound": is_("stopline_smpp_bound", "smpp", "0", "1", bind="acme"),
    "StoplineSmppNotAcknowledged": grows("stopline_smpp_deliveries_total", "smpp", bind="acme", outcome="unavailable"),
    "StoplinePollRefused": grows(
        "stopline_poll_rounds_total", "poll", work="catch_up", gateway="twilio", outcome="refused"
    ),
    "StoplinePollLate": grows(
        "stopline_poll_done_timestamp_seconds", "poll", "0x120", "0+60x120", work="catch_up", gateway="twilio"
    )._replace(minute=90),
    "StoplinePollPaused": grows(
        "stopline_poll_rounds_total", "poll", "0+1x120", "4x120", work="catch_up", gateway="twilio", outcome="paused"
    ),
    "StoplineConsentsFailing": is_("stopline_poll_consents_failing", "poll", "1", "0", gateway="aws", account="acme"),
    "StoplineConsentsParked": grows(
        "stopline_poll_consents_total", "poll", gateway="aws", kind="opt_out", outcome="refuses"
    ),
    "StoplinePartitionHalted": is_("stopline_optout_halted", "optout", "1", "0", partition="3"),
    "StoplineDecisionsStuck": RuleCase(
        {_LAG: "12x120", _WATERMARK: "100x120"}, {_LAG: "12x120", _WATERMARK: "100+10x120"}
    ),
    "StoplineSessionsEnd": grows("stopline_optout_sessions_ended_total", "optout", reason="transient"),
    "StoplineEffectSlow": RuleCase(
        {_EFFECTS["1.0"]: "0x120", _EFFECTS["30.0"]: "0+10x120", _EFFECTS["+Inf"]: "0+10x120"},
        {_EFFECTS["1.0"]: "0+10x120", _EFFECTS["30.0"]: "0+10x120", _EFFECTS["+Inf"]: "0+10x120"},
    ),
    "StoplineSuppressionsRepaired": grows("stopline_optout_suppressions_repaired_total", "optout"),
    "StoplineRulesTooSlow": grows("stopline_optout_rules_too_slow_total", "optout"),
    "StoplineRecordsParked": grows("stopline_optout_records_parked_total", "optout", reason="not_json"),
    "StoplineParkingFlood": grows(
        "stopline_sender_records_parked_total", "sender", "0+240x120", "0+10x120", reason="flood"
    ),
    "StoplineFenceWaits": is_("stopline_sender_fence_waiting_seconds", "sender", "8", "0.2"),
    "StoplineSenderRetries": grows("stopline_sender_batches_retried_total", "sender", quiet="0x37 9x80"),
    "StoplineOutboundStuck": RuleCase(
        {_SENDER_LAG: "5x120", _SENT: "9x120"},
        {_SENDER_LAG: "5x120", _SENT: "9+9x120", _WAITS: "0x120"},
    ),
    "StoplineCacheUnhealthy": is_("stopline_sender_cache_healthy", "sender", "0", "1"),
    "StoplineCacheDiverged": grows("stopline_sender_cache_diverged_total", "sender", "0x30 1x90", "1x120"),
    "StoplineChecksUnavailable": is_("stopline_api_cache_healthy", "api", "0", "1"),
    "StoplineSnapshotsFail": grows("stopline_api_snapshots_failed_total", "api"),
    "StoplineSmppSenderUnbound": is_("stopline_sender_smpp_bound", "sender", "0", "1", carrier="smpp"),
    "StoplineOutcomesUnknown": grows("stopline_sender_swept_to_unknown_total", "sender"),
    "StoplineMessagesFail": RuleCase({_SENT: "0+10x120", _FAILED: "0+5x120"}, {_SENT: "3x120", _FAILED: "0x35 2x85"}),
    "StoplineThrottled": grows("stopline_sender_throttled_total", "sender", "0+20x120", "0+1x120", carrier="twilio"),
    "StoplineMessagesOverdue": is_("stopline_sender_overdue_seconds", "sender", "300", "2"),
    "StoplineClockDiffers": is_("stopline_sender_clock_difference_seconds", "sender", "-3", "0.5"),
    "StoplineMessagesExpire": grows("stopline_sender_rejected_by_time_total", "sender", reason="expired"),
    "StoplineNoSendingHours": grows("stopline_sender_rejected_by_time_total", "sender", reason="unknown_place"),
    "StoplineRedecided": grows("stopline_sender_redecided_total", "sender", "0+120x120", "0+10x120"),
    "StoplineWrittenLate": grows("stopline_sender_written_late_total", "sender", "0x30 1x90", "1x120"),
    "StoplineConfirmationsLate": grows("stopline_sender_confirmations_total", "sender", verdict="too_late"),
    "StoplineCustomerWebhooksFail": grows("stopline_optout_webhooks_total", "api", outcome="failed"),
    "StoplineCustomerWebhooksSlow": RuleCase(
        {_RETRIED: "0+9x120", _DELIVERED: "0+3x120"}, {_RETRIED: "0+3x120", _DELIVERED: "0+9x120"}
    ),
    "StoplineClicksNotAcknowledged": grows(
        "stopline_optout_link_pages_total", "links", method="POST", page="unavailable"
    ),
    "StoplineLinksGuessed": grows(
        "stopline_optout_link_pages_total", "links", "0+20x120", "0+1x120", method="GET", page="too_many"
    ),
    "StoplineLoginsRefused": grows("stopline_optout_logins_refused_total", "api", reason="wrong"),
}
