/* The suppression cache (G1, G4): nobody is taken for not opted out because the cache lacks it.
 *
 * Phone A has opted out, before all that happens here, and stays so; phone B opts out and in. Each message is to both: to A
 * it must never pass, to B not while B is out. The opt-out service is one process here, and a step of it is a transaction: fence.pml has what it does in between.
 *
 *   CHANGES     of phone B
 *   RECREATES   the topic suppressions is deleted and made again: it is empty, and has another id
 *   COMPACTIONS of the topic
 *   RESTARTS    of the sender, whose cache begins from its snapshot, or from the beginning of the topic
 */
#ifndef CHANGES
#define CHANGES 1
#endif
#ifndef RECREATES
#define RECREATES 0
#endif
#ifndef COMPACTIONS
#define COMPACTIONS 0
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#ifndef PLACES
#define PLACES 12
#endif
#ifndef MARKERS
#define MARKERS 2
#endif
#ifndef REACH
#define REACH 0
#endif
#define reached(n) assert(REACH != n)
#define A_DROP 1
#define A_MESSAGE_TO_B_PASSES 2
#define A_CHECKPOINT_DIFFERS 3
#define COMPACTION_EXPLAINS_A_DIFFERENCE 4
#define A_SNAPSHOT_IS_USED 5
#define A_SNAPSHOT_IS_REFUSED 6
#define THE_TOPIC_IS_REPAIRED 7
#define A_TOPIC_IS_FOUND_RECREATED 8

/* Records of suppressions; a hole is what compaction has taken away. */
#define HOLE 0
#define CHANGE_A 1
#define CHANGE_B 2
#define CHECKPOINT 3
#define WATERMARK 4

byte kind[PLACES];
byte value[PLACES];               /* of a change: 1 opted out; of a checkpoint: A's state + 2 B's; of a watermark: the offset */
byte end = 0;
byte topic = 1;                   /* its id */

/* ---- the opt-out service ---- */
bool b_out = false;
byte inbound_end = 1;             /* of inbound-messages: the first record was A's STOP */
byte decided = 1;
byte its_topic = 1;
byte changes_left = CHANGES;
byte markers_left = MARKERS;
byte recreates = RECREATES;
byte compactions = COMPACTIONS;
byte restarts = RESTARTS;

/* ---- the cache ---- */
byte at = 0;
byte read_from = 0;               /* the topic's id when it began to read; 0: it has to begin */
byte ends = 0;                    /* the topic's end then */
bool has_state = false;
byte origin = 0;                  /* of which topic the state is */
bool a_out_here = false, b_out_here = false;
byte watermark_here = 0;
bool proven = false, differs = false, explained = false, caught_up = false;
byte keys_differ = 0, judge_from = 0, changed_since = 0;
byte generation = 0;              /* of the state: another after each rebuild */

/* ---- the snapshot ---- */
byte kept_origin = 0;             /* 0: there is none */
byte kept_at = 0, kept_watermark = 0;
bool kept_a = false, kept_b = false;

/* ---- the decision ---- */
byte passed_generation = 0, passed_topic = 0;
bool b_must_not = false;          /* B had opted out when the decision began, and has not opted in since */

#define healthy (read_from != 0 && has_state NOT_BEFORE_CAUGHT_UP AND_PROVEN)
#ifdef NO_CAUGHT_UP
#define NOT_BEFORE_CAUGHT_UP
#else
#define NOT_BEFORE_CAUGHT_UP && caught_up
#endif
#ifdef NO_PROOF
#define AND_PROVEN
#else
#define AND_PROVEN && proven && !differs
#endif

inline write(what, that) {
    kind[end] = what;
    value[end] = that;
    end++
}

#define digest (1 + (b_out -> 2 : 0))

inline change_b() {
    changes_left--;
    b_out = !b_out;
    b_must_not = b_must_not && b_out;
    write(CHANGE_B, b_out)
}

proctype OptOut() {
end_optout:
    do
    /* A reply of B, or a marker, is decided and published; a checkpoint is due now and then. Whether the topic is still
     * the same it asks once a second: it may publish to another one until then. */
    :: atomic { decided < inbound_end && end + 3 <= PLACES ->
        decided++;
        if
        :: changes_left > 0 -> change_b()
        :: true
        fi;
        if
        :: write(CHECKPOINT, digest)
        :: true
        fi;
        write(WATERMARK, decided)
       }
    /* A session begins: the topic is repaired where it is another one. */
    :: atomic { its_topic != topic && end + 4 <= PLACES ->
        reached(THE_TOPIC_IS_REPAIRED);
        its_topic = topic;
        write(CHANGE_A, 1);
        write(CHANGE_B, b_out);
        write(CHECKPOINT, digest);
        write(WATERMARK, decided)
       }
    od
}

proctype Kafka() {
    byte i, j;
end_kafka:
    do
    :: atomic { recreates > 0 ->
        recreates--;
        i = 0;
        do
        :: i < end -> kind[i] = HOLE; value[i] = 0; i++
        :: else -> break
        od;
        i = 0;
        end = 0;
        topic++
       }
    /* of each key the newest record stays, and so does the last one of the topic */
    :: atomic { compactions > 0 && end > 1 ->
        compactions--;
        i = 0;
        do
        :: i < end - 1 ->
            j = i + 1;
            do
            :: j < end && kind[j] == kind[i] -> kind[i] = HOLE; value[i] = 0; break
            :: j < end && kind[j] != kind[i] -> j++
            :: else -> break
            od;
            i++
        :: else -> break
        od;
        i = 0; j = 0
       }
    od
}

inline forget() {
    has_state = false; at = 0; a_out_here = false; b_out_here = false; watermark_here = 0; origin = 0;
    proven = false; differs = false; explained = false; keys_differ = 0; judge_from = 0; changed_since = 0
}

inline judge() {
    if
    :: differs && at >= judge_from ->
        if
        :: explained || changed_since < (keys_differ > 0 -> keys_differ : 1) ->
            reached(A_CHECKPOINT_DIFFERS);
            forget(); kept_origin = 0; kept_at = 0; kept_watermark = 0; kept_a = false; kept_b = false; read_from = 0;
            caught_up = false
        :: else ->
            reached(COMPACTION_EXPLAINS_A_DIFFERENCE);
#ifdef NO_PROOF_AFTER_EXPLANATION
            proven = true;
#else
            proven = false;                             /* until the next checkpoint agrees */
#endif
            differs = false; explained = true; keys_differ = 0; judge_from = 0; changed_since = 0
        fi
    :: else
    fi
}

#define here ((a_out_here -> 1 : 0) + (b_out_here -> 2 : 0))
#define count(d) ((d & 1) + (d >> 1))
#define difference(a, b) (a > b -> a - b : b - a)

proctype Cache() {
end_cache:
    do
    /* begins where it was, or where the snapshot was made, or at the beginning of the topic */
    :: atomic { read_from == 0 ->
        read_from = topic;
        ends = end;
        caught_up = false;
        if
#ifdef NO_ORIGIN
        :: has_state && at <= end
#else
        :: has_state && origin == topic && at <= end
#endif
        :: else ->
            forget();
            generation = 1 - generation;
            has_state = true;
            if
#ifdef NO_ORIGIN
            :: kept_origin != 0 && kept_at <= end ->
#else
            :: kept_origin == topic && kept_at <= end ->
#endif
                reached(A_SNAPSHOT_IS_USED);
                at = kept_at; watermark_here = kept_watermark; a_out_here = kept_a; b_out_here = kept_b; proven = true
            :: else ->
                if
                :: kept_origin != 0 -> reached(A_SNAPSHOT_IS_REFUSED)
                :: else
                fi
            fi;
            origin = topic
        fi;
        caught_up = (at >= ends)
       }
    :: atomic { read_from != 0 && at < end ->
        if
        :: kind[at] == CHANGE_A -> a_out_here = value[at]; changed_since = changed_since + differs
        :: kind[at] == CHANGE_B -> b_out_here = value[at]; changed_since = changed_since + differs
        :: kind[at] == WATERMARK -> watermark_here = value[at]
        :: kind[at] == CHECKPOINT ->
            if
            :: value[at] == here ->
                proven = true; differs = false; explained = false; keys_differ = 0; judge_from = 0; changed_since = 0
            :: else ->
                differs = true;
                keys_differ = difference(count(value[at]), count(here));
                judge_from = end;
                changed_since = 0
            fi
        :: kind[at] == HOLE
        fi;
        at++;
        judge();
        caught_up = (caught_up || (read_from != 0 && at >= ends))
       }
    /* out of range, or a look at the topic's id: it begins again */
    :: atomic { read_from != 0 && read_from != topic -> reached(A_TOPIC_IS_FOUND_RECREATED); read_from = 0; caught_up = false }
    :: atomic { read_from != 0 && at > end -> read_from = 0; caught_up = false }
#ifdef NO_SNAPSHOT_OF_A_HEALTHY_CACHE
    :: atomic { read_from != 0 && has_state && kept_at != at ->
#else
    :: atomic { healthy && restarts > 0 && kept_at != at ->
#endif
        kept_origin = origin; kept_at = at; kept_watermark = watermark_here; kept_a = a_out_here; kept_b = b_out_here
       }
    :: atomic { restarts > 0 && read_from != 0 -> restarts--; forget(); read_from = 0; caught_up = false }
    od
}

proctype Sender() {
    byte marker;
    bool a_free, b_free;
again:
end_no_room:
    atomic { markers_left > 0 && healthy ->
        markers_left--;
        marker = inbound_end;
        inbound_end++;
        b_must_not = b_out
    }
end_waits:
    atomic { healthy && watermark_here > marker ->
        a_free = !a_out_here;
        b_free = !b_out_here;
        passed_generation = generation;
        passed_topic = read_from
    }
#ifndef NO_VERIFY_SOURCE
    /* Kafka says that the topic is the one that the decision was made from */
    if
    :: atomic { passed_topic != topic || read_from != passed_topic || generation != passed_generation -> goto again }
    :: atomic { passed_topic == topic && read_from == passed_topic && generation == passed_generation }
    fi;
#endif
    atomic {
        assert(!a_free && !(b_free && b_must_not));     /* G1 */
        reached(A_DROP);
        if
        :: b_free -> reached(A_MESSAGE_TO_B_PASSES)
        :: else
        fi;
        a_free = false; b_free = false; b_must_not = false; marker = 0;
        goto again
    }
}

init {
    atomic {
        write(CHANGE_A, 1);
        write(CHECKPOINT, 1);
        write(WATERMARK, 1);
        run OptOut(); run Kafka(); run Cache(); run Sender()
    }
}
