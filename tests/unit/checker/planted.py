"""The mutations by name, each with the guarantees that the checker must then find broken."""

from checker.mutations import (
    Mutation,
    announce_late,
    bring_back_by_a_zombie,
    call_a_little_late_by_the_kernels_clock,
    call_another_phone,
    call_in_an_outage,
    call_on_a_stale_decision,
    call_twice,
    call_unannounced,
    call_what_nobody_requested,
    change_another_list,
    change_in_silence,
    change_the_record,
    contradict_an_outcome,
    decide_twice,
    decide_what_is_not_there,
    drop_for_nothing,
    forget_an_outcome,
    leave_undecided,
    lose_a_webhook,
    lose_an_opt_out_in_the_database,
    lose_an_opt_out_in_the_topic,
    opt_out_of_another_list,
    publish_a_change_twice,
    receive_without_a_call,
    say_sent_though_refused,
    say_sent_without_a_call,
    send_after_stop,
    send_long_after_stop_on_an_old_claim,
    skip_a_bad_record,
)


def _found_by(*rules: str) -> frozenset[tuple[str, str]]:
    return frozenset((rule.split()[0], rule.split()[1]) for rule in rules)


MUTATIONS = {
    plant.__name__: Mutation(plant, _found_by(*rules))
    for plant, *rules in (
        (lose_a_webhook, "G2 webhook_lost"),
        (leave_undecided, "G2 not_decided"),
        (decide_twice, "G2 decided_twice"),
        (decide_what_is_not_there, "G2 decided_without_event"),
        (change_the_record, "G8 record_changed"),
        (call_twice, "G3 called_twice"),
        (call_in_an_outage, "G4 called_during_outage"),
        (call_unannounced, "G1 unannounced_call"),
        (announce_late, "G1 announced_late"),
        (call_on_a_stale_decision, "G1 stale_decision"),
        (call_a_little_late_by_the_kernels_clock, "G1 stale_decision"),
        (send_after_stop, "G1 sent_after_stop"),
        (send_long_after_stop_on_an_old_claim, "G1 sent_after_stop"),
        (forget_an_outcome, "G2 no_fate"),
        (contradict_an_outcome, "G2 fates_contradict"),
        (say_sent_without_a_call, "G2 sent_without_call"),
        (say_sent_though_refused, "G2 sent_without_call"),
        (lose_an_opt_out_in_the_topic, "G2 opt_out_lost"),
        (bring_back_by_a_zombie, "G2 opt_out_lost"),
        (lose_an_opt_out_in_the_database, "G2 opt_out_lost"),
        (opt_out_of_another_list, "G5 forbidden_without_wish"),
        (change_another_list, "G5 wrong_scope"),
        (change_in_silence, "G2 change_missing"),
        (publish_a_change_twice, "G2 change_told_twice"),
        (call_what_nobody_requested, "G6 never_requested"),
        (call_another_phone, "G6 never_requested"),
        (receive_without_a_call, "G6 received_without_call"),
        (drop_for_nothing, "G5 dropped_for_nothing"),
        (skip_a_bad_record, "G2 not_parked"),
    )
}
