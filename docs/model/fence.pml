/* The fence (G1, G2, G4): from a reply that Kafka has acknowledged to a carrier call, with one phone and one partition.
 *
 * README.md beside this file says what is modelled, what is left out and why, and which line of code keeps each guard.
 * Every guard has a switch: -DNO_... takes it away. Bounds and faults are set by -D, too:
 *
 *   RECORDS      places in inbound-messages: replies and fence markers (fewer markers than that: the rest is replies)
 *   REPLIES      how many replies the phone writes, each a STOP or a START
 *   BATCHES      transactions in suppressions that the cache has not read yet
 *   CRASHES      of opt-out services, at any step (the sender's are in ledger.pml, its cache's in cache.pml)
 *   REBALANCES   the partition goes to the other opt-out service, and the first does not know: it is a zombie
 *   FREEZES      an opt-out service stops at any step, and goes on later or never
 *   RESTORES     Postgres falls back to an earlier state
 *   TRUNCATIONS  inbound-messages loses its tail
 *   TICKS        the decision grows too old
 *   DUPLICATES   an append is answered without an offset
 *   VERDICTS     a START may be decided differently when it is decided again
 */
#ifndef RECORDS
#define RECORDS 4
#endif
#ifndef REPLIES
#define REPLIES 2
#endif
#ifndef BATCHES
#define BATCHES 4
#endif
#ifndef CRASHES
#define CRASHES 0
#endif
#ifndef REBALANCES
#define REBALANCES 0
#endif
#ifndef FREEZES
#define FREEZES 0
#endif
#ifndef RESTORES
#define RESTORES 0
#endif
#ifndef TRUNCATIONS
#define TRUNCATIONS 0
#endif
#ifndef TICKS
#define TICKS 0
#endif
#ifndef DUPLICATES
#define DUPLICATES 0
#endif
/* Without a restore neither is needed: the other faults are verified without their help. */
#if RESTORES == 0
#define NO_WATERMARK_HELD_BACK
#define NO_CHECKPOINT
#endif
#ifndef REACH
#define REACH 0
#endif

/* What may be reached: compiled with -DREACH=n, Spin must find the place. */
#define reached(n) assert(REACH != n)
#define A_SEND 1
#define A_DROP 2
#define A_ZOMBIE_IS_REFUSED_BY_KAFKA 3
#define A_ZOMBIE_IS_REFUSED_BY_POSTGRES 4
#define A_REPLAY_AFTER_A_RESTORE 5
#define ENTRIES_PUBLISHED_AFTER_A_CRASH 6
#define A_DECISION_IS_TOO_OLD 7
#define A_MARKER_IS_REFUSED 8
#define A_WORKER_HALTS 9
#define AN_OPEN_TRANSACTION_IS_ABORTED 10
#define A_PREDECESSOR_IS_ENDED 11
#define A_WATERMARK_WENT_BACK_AFTER_THE_FENCE 12
#define STORED_ENTRIES_WERE_LOST 13
#define A_SEND_AFTER_AN_OPT_IN 14
#define A_CHECKPOINT_DIFFERS 15
#define MARKERS_OF_ANOTHER_SESSION_ARE_PASSED_OVER 16

/* Records of inbound-messages. */
#define STOP 1
#define START 2
#define MARKER 3

/* Entries of the decision log, and the states that are published. */
#define NOTHING 0
#define OUT 1
#define IN 2
#define UNCHANGED 3

/* Transactions in suppressions. */
#define OPEN(w) (1 + w)
#define COMMITTED 3
#define ABORTED 4
#define PASSED 5                  /* markers alone: one record, outside of transactions, with its session */

/* ---- Kafka ---- */
byte inbound[RECORDS];
byte inbound_end = 0;
byte committed = 0;               /* the offset of the group */
bool fenced_off[2];               /* a successor has started under the same transactional id */
byte change[BATCHES];             /* suppressions, from where the cache is: one transaction after the other */
byte watermark[BATCHES];
byte checkpoint[BATCHES];         /* what the record holds, where the transaction says so */
byte status[BATCHES];
byte session[BATCHES];            /* which session of a worker has written it */
byte sessions = 0;
byte unread = 0;

/* ---- Postgres: the decision log ---- */
byte position = 0;
byte entry[RECORDS];
byte recorded_state = OUT;
byte row_lock = 0;                /* 1 + the worker whose transaction has moved the position */

/* ---- the consumer group ---- */
byte assigned = 0;
bool believes[2];
bool frozen[2];
bool wakes = false;

/* ---- budgets of faults ---- */
byte crashes = CRASHES;
byte rebalances = REBALANCES;
byte freezes = FREEZES;
byte restores = RESTORES;
byte truncations = TRUNCATIONS;
byte ticks = TICKS;
byte duplicates = DUPLICATES;

/* ---- the workers (services/optout/pipeline), one of each of two processes ---- */
#define IDLE 0
#define INIT 1
#define END_PREDECESSORS 2
#define READ_POSITION 3
#define RUN 5
#define RECORD 6
#define RECORD_COMMIT 7
#define SEND 8
#define COMMIT 9
#define HALTED 10
#define PASS 11
byte at[2];
byte my_position[2];
byte my_session[2];
byte next[2];                     /* the next offset to publish */
byte in_step_from[2];             /* 1 + where the log ended when the session began; 0: once it is in step */
byte began_at[2];
byte to_next[2];
byte to_check[2];
byte to_publish[2];               /* change, watermark, whether the offset is committed with it */
byte to_watermark[2];
bool to_commit[2];

/* ---- the cache (shared/suppressions) ---- */
bool cache_half = false;          /* half of a transaction's records are applied */
byte cache_state = OUT;
byte cache_watermark = 0;
byte cache_session = 0;           /* of the newest watermark in a transaction */
bool cache_doubts = false;        /* a checkpoint differs: nothing is sent until the topic is repaired */

/* ---- the decision (services/sender) ---- */
bool undecided = false;           /* a decision has begun, and has no outcome */
bool old = false;                 /* it is older than a second: true time */
bool seen_old = false;            /* the same, by the sender's clock */
bool marking = false;             /* between its look at the watermark and the marker's place */

/* ---- what the guarantees are about ---- */
byte last_stop = 0;               /* 1 + the offset of the newest acknowledged STOP; 0: the one before the log */
bool stopped = true;              /* a STOP is acknowledged, and no opt-in after it has been published */
byte began_after_stop = 0;        /* last_stop when the decision began */
bool must_not = false;            /* a STOP was acknowledged when the decision began, and not lifted since */
bool was_up = false;              /* since the decision began, the opt-out service has published a watermark */
bool was_restored = false;
bool unnoticed = false;           /* no session has read the position since */
bool truncated = false;           /* nor since the log lost its tail: nothing is appended before */

inline append(kind) {
    inbound[inbound_end] = kind;
    inbound_end++
}

inline forget_publication(w) {
    to_publish[w] = NOTHING; to_watermark[w] = 0; to_next[w] = 0; to_check[w] = NOTHING; to_commit[w] = false
}

/* A session ends: what it had open in Postgres is rolled back. A worker that was fenced off pauses for longer than its
 * consumer needs to find out that the partition is another's; so it begins again only where the partition is its own. */
inline end_session(w) {
    if
    :: row_lock == w + 1 -> row_lock = 0
    :: else
    fi;
    forget_publication(w);
    my_position[w] = 0; my_session[w] = 0; next[w] = 0; in_step_from[w] = 0; began_at[w] = 0;
    at[w] = IDLE
}

inline publish(w, state, offset, commits) {
    to_publish[w] = state;
    to_next[w] = offset;
    to_commit[w] = commits;
    if
#ifndef NO_WATERMARK_HELD_BACK
    :: offset + 1 < in_step_from[w] -> to_watermark[w] = began_at[w]
#endif
    :: else -> to_watermark[w] = offset
    fi;
    if
    :: in_step_from[w] > 0 && offset >= in_step_from[w] - 1 -> to_check[w] = recorded_state; in_step_from[w] = 0
    :: else
    fi;
    at[w] = SEND
}

/* ---- a phone: every append is acknowledged by all in-sync replicas, or it never was ---- */
active proctype Phone() {
    byte left = REPLIES;
end_no_room:
    do
    :: atomic { left > 0 && inbound_end < RECORDS && !truncated ->
        left--;
        if
        :: last_stop = inbound_end + 1; stopped = true; append(STOP)
        :: append(START)
#ifdef NO_ACKS_ALL
        :: last_stop = inbound_end + 1; stopped = true  /* acknowledged by a leader that is lost with it */
#endif
        fi
       }
    :: left == 0 -> break
    od
}

inline decide(w) {
    assert(TRUNCATIONS > 0 || entry[next[w]] == NOTHING);                  /* G2: decided once */
    if
    :: inbound[next[w]] == STOP ->
        entry[next[w]] = (recorded_state == OUT -> UNCHANGED : OUT);
        recorded_state = OUT
    :: inbound[next[w]] == START && recorded_state == OUT -> entry[next[w]] = IN; recorded_state = IN
    :: inbound[next[w]] == START && recorded_state == IN -> entry[next[w]] = UNCHANGED
#ifdef VERDICTS
    :: inbound[next[w]] == START -> entry[next[w]] = UNCHANGED
#endif
    fi
}

/* A batch: one reply, or with the marker after it. */
inline choose_end(w) {
    if
    :: end = next[w] + 1
    :: next[w] + 1 < inbound_end && inbound[next[w] + 1] == MARKER -> end = next[w] + 2
    fi
}

inline published_change(w, offset) {
    to_publish[w] = (entry[offset] == OUT || entry[offset] == IN -> entry[offset] : NOTHING)
}

inline everything_is_decided(before) {
    i = 0;
    do
    :: i < before -> assert(TRUNCATIONS > 0 || inbound[i] == MARKER || entry[i] != NOTHING); i++    /* G2: nothing lost */
    :: else -> break
    od;
    i = 0
}

proctype Worker(byte w) {
    byte start, end, i;
end_worker:
    do
    :: atomic { at[w] == IDLE && believes[w] && !frozen[w] ->
        if
        :: assigned == w -> at[w] = INIT
        :: else -> believes[w] = false
        fi
       }

    /* init_transactions: no predecessor's transaction can commit any more */
    :: atomic { at[w] == INIT && !frozen[w] ->
        sessions++;
        my_session[w] = sessions;
        fenced_off[w] = false;
        fenced_off[1 - w] = true;
#ifndef NO_KAFKA_FENCE
        i = 0;
        do
        :: i < unread && (status[i] == OPEN(0) || status[i] == OPEN(1)) ->
            reached(AN_OPEN_TRANSACTION_IS_ABORTED);
            status[i] = ABORTED;
            i++
        :: i < unread && status[i] != OPEN(0) && status[i] != OPEN(1) -> i++
        :: else -> break
        od;
        i = 0;
#endif
        at[w] = END_PREDECESSORS
       }
    :: atomic { at[w] == END_PREDECESSORS && !frozen[w] ->
#ifndef NO_END_PREDECESSORS
        if
        :: row_lock == 2 - w -> reached(A_PREDECESSOR_IS_ENDED); row_lock = 0
        :: else
        fi;
#endif
        at[w] = READ_POSITION
       }
    /* Where it starts. One step: nobody else can commit an offset any more, and the position only matters with it. */
    :: atomic { at[w] == READ_POSITION && !frozen[w] && row_lock == 0 ->
        my_position[w] = position;
        unnoticed = false;
        truncated = false;
        start = (my_position[w] < committed -> my_position[w] : committed);
#ifdef NO_START_AT_COMMITTED
        start = my_position[w];
#endif
#ifdef NO_START_AT_POSITION
        start = committed;
#endif
        if
#ifndef NO_HALT_ON_MISSING_RECORDS
        :: my_position[w] > inbound_end || committed > inbound_end -> reached(A_WORKER_HALTS); at[w] = HALTED
#endif
        :: else ->
            next[w] = start; 
#if RESTORES > 0
            began_at[w] = start; in_step_from[w] = inbound_end + 1;
#endif
            if
            :: was_restored && start < committed -> reached(A_REPLAY_AFTER_A_RESTORE)
            :: else
            fi;
#ifdef NO_WATERMARK_AT_START
            at[w] = RUN
#else
            publish(w, NOTHING, start, true)
#endif
        fi;
        start = 0
       }

    /* the next record */
    :: atomic { at[w] == RUN && !frozen[w] && next[w] < inbound_end ->
        if
        :: inbound[next[w]] == MARKER ->
            if
            :: publish(w, NOTHING, next[w] + 1, true)
            :: in_step_from[w] == 0 -> at[w] = PASS
            fi
        :: inbound[next[w]] != MARKER && next[w] < my_position[w] ->
            if
#ifndef NO_POSITION_WITH_STORED
            :: position < my_position[w] -> reached(STORED_ENTRIES_WERE_LOST); end_session(w)
#endif
            :: else ->
                reached(ENTRIES_PUBLISHED_AFTER_A_CRASH);
                choose_end(w);
                publish(w, NOTHING, end, true);
                published_change(w, next[w]);
                end = 0
            fi
        :: else -> at[w] = RECORD
        fi
       }

    /* Markers alone need no transaction, so that nothing fences off a zombie here. */
    :: atomic { at[w] == PASS && !frozen[w] && unread < BATCHES ->
        watermark[unread] = next[w] + 1;
        status[unread] = PASSED;
        session[unread] = my_session[w];
        unread++;
        was_up = true;
        next[w] = next[w] + 1;
        at[w] = RUN
       }

    /* now and then the position moves past markers */
    :: atomic { at[w] == RUN && !frozen[w] && next[w] > my_position[w] && row_lock == 0 ->
        if
        :: position != my_position[w] -> end_session(w)
        :: else -> position = next[w]; my_position[w] = next[w]
        fi
       }

    /* the transaction in Postgres: the position moves first, which locks its row */
    :: atomic { at[w] == RECORD && !frozen[w] && row_lock == 0 ->
        if
#ifndef NO_POSITION_CHECK
        :: position != my_position[w] -> reached(A_ZOMBIE_IS_REFUSED_BY_POSTGRES); end_session(w)
#endif
        :: else -> row_lock = w + 1; at[w] = RECORD_COMMIT
        fi
       }
#ifndef NO_END_PREDECESSORS
    /* the row is locked by one that sleeps: a deadline ends the session, and the next one ends the predecessor */
    :: atomic { at[w] == RECORD && !frozen[w] && row_lock == 2 - w && frozen[1 - w] -> end_session(w) }
    :: atomic { at[w] == READ_POSITION && !frozen[w] && row_lock == 2 - w && frozen[1 - w] -> end_session(w) }
#endif
    :: atomic { at[w] == RECORD_COMMIT && !frozen[w] ->
        if
        :: row_lock != w + 1 -> end_session(w)          /* its database session was ended */
        :: else ->
            decide(w);
            choose_end(w);
            position = end;
            row_lock = 0;
            everything_is_decided(position);
            my_position[w] = position;
            publish(w, NOTHING, end, true);
            published_change(w, next[w])
        fi;
        end = 0
       }

    /* the transaction in Kafka */
    :: atomic { at[w] == SEND && !frozen[w] && unread < BATCHES ->
        if
#ifndef NO_KAFKA_FENCE
        :: fenced_off[w] -> reached(A_ZOMBIE_IS_REFUSED_BY_KAFKA); end_session(w)
#endif
        :: else ->
#ifdef NO_OFFSET_IN_TRANSACTION
            if
            :: to_commit[w] -> committed = to_next[w]
            :: else
            fi;
#endif
            change[unread] = to_publish[w];
            watermark[unread] = to_watermark[w];
            checkpoint[unread] = to_check[w];
            status[unread] = OPEN(w);
            session[unread] = my_session[w];
            unread++;
            at[w] = COMMIT
        fi
       }
    :: atomic { at[w] == COMMIT && !frozen[w] ->
        if
#ifndef NO_KAFKA_FENCE
        :: fenced_off[w] -> reached(A_ZOMBIE_IS_REFUSED_BY_KAFKA); end_session(w)
#endif
        :: else ->
            i = 0;
            do
            :: i < unread && status[i] == OPEN(w) -> status[i] = COMMITTED; i++
            :: i < unread && status[i] != OPEN(w) -> i++
            :: else -> break
            od;
            i = 0;
#ifndef NO_OFFSET_IN_TRANSACTION
            if
            :: to_commit[w] -> committed = to_next[w]
            :: else
            fi;
#endif
            was_up = true;
            if
            :: to_publish[w] == IN && to_next[w] > last_stop -> stopped = false; must_not = false
            :: to_publish[w] == IN && to_next[w] <= last_stop && to_next[w] > began_after_stop ->
                must_not = false
            :: else
            fi;
            next[w] = to_next[w];
            forget_publication(w);
            at[w] = RUN
        fi
       }

    :: atomic { crashes > 0 && at[w] != IDLE && at[w] != HALTED -> crashes--; end_session(w) }
    od
}

/* ---- the cache follows suppressions: records in their order, as far as transactions have ended ---- */
inline apply_change() {
    if
    :: change[0] != NOTHING -> cache_state = change[0]
    :: else
    fi;
#ifndef NO_CHECKPOINT
    if
    :: checkpoint[0] != NOTHING && checkpoint[0] != cache_state -> reached(A_CHECKPOINT_DIFFERS); cache_doubts = true
    :: else
    fi
#endif
}

inline apply_watermark() {
    cache_session = session[0];
    cache_watermark = watermark[0]
}

inline move_on() {
    at_batch = 0;
    do
    :: at_batch < unread - 1 ->
        change[at_batch] = change[at_batch + 1];
        watermark[at_batch] = watermark[at_batch + 1];
        checkpoint[at_batch] = checkpoint[at_batch + 1];
        status[at_batch] = status[at_batch + 1];
        session[at_batch] = session[at_batch + 1];
        at_batch++
    :: else -> break
    od;
    at_batch = 0;
    unread--;
    change[unread] = NOTHING; watermark[unread] = 0; checkpoint[unread] = NOTHING; status[unread] = 0; session[unread] = 0
}

active proctype Cache() {
    byte at_batch;
end_cache:
    do
#ifdef NO_READ_COMMITTED
    :: atomic { unread > 0 && status[0] != PASSED && !cache_half ->
#else
    :: atomic { unread > 0 && status[0] == ABORTED -> move_on() }
    :: atomic { unread > 0 && status[0] == COMMITTED && !cache_half ->
#endif
#ifdef NO_WATERMARK_LAST
        apply_watermark();
#else
        apply_change();
#endif
        cache_half = true
       }
    :: atomic { unread > 0 && status[0] == PASSED ->
        if
        :: watermark[0] > cache_watermark && session[0] == cache_session -> cache_watermark = watermark[0]
        :: watermark[0] > cache_watermark && session[0] != cache_session ->
            reached(MARKERS_OF_ANOTHER_SESSION_ARE_PASSED_OVER)
        :: else
        fi;
        move_on()
       }
    :: atomic { cache_half ->
#ifdef NO_WATERMARK_LAST
        apply_change();
#else
        apply_watermark();
#endif
        cache_half = false;
        move_on()
       }
    od
}

/* ---- one message: decided until it is dropped or has left ---- */
inline begin() {
    undecided = true;
    old = false;
    seen_old = false;
    began_after_stop = last_stop;
    must_not = stopped;
    was_up = false
}

#define passed (cache_watermark > marker && !cache_doubts)

active proctype Sender() {
    byte marker = 0, before = 0;
    bool unknown = false;
again:
    atomic {
        marker = 0; before = 0; unknown = false;
#ifndef NO_NEXT_ROUND
        begin();
#endif
        before = cache_watermark;
        marking = true
    }
#ifdef NO_MARKER
    /* asks where the log ends: a leader that was cut off answers with an old end */
    atomic {
        if
        :: inbound_end > 0 -> marker = inbound_end - 1
        :: inbound_end > 1 -> marker = inbound_end - 2
        :: inbound_end == 0
        fi
    }
#else
end_no_room:
    atomic { inbound_end < RECORDS && !truncated ->
        marker = inbound_end;
        append(MARKER);
        marking = false;
        if
        :: duplicates > 0 -> duplicates--; unknown = true
        :: true
        fi;
        if
#ifdef NO_OFFSET_UNKNOWN
        :: unknown -> before = 0; goto check            /* -1 + 1: any watermark has passed it */
#else
        :: unknown -> goto again
#endif
#ifndef NO_MARKER_BELOW_WATERMARK
        :: !unknown && marker < before -> reached(A_MARKER_IS_REFUSED); goto again
#endif
        :: else -> before = 0
        fi
    }
#endif
#ifdef NO_NEXT_ROUND
    begin();                                            /* joins a marker that is under way already */
#endif
end_waits:
#ifndef NO_WAIT
    atomic { passed ->
#ifdef NO_CLOCK_FIRST
        seen_old = false
#else
        skip
#endif
    }
#endif
    /* Other partitions of the same message may take until now: their fences are waited for together. */
check:
    atomic {
        if
#if !defined(NO_WATERMARK_AGAIN) && !defined(NO_WAIT)
        :: !passed && !unknown -> reached(A_WATERMARK_WENT_BACK_AFTER_THE_FENCE); goto again
#endif
        :: else ->
            if
            :: cache_state == OUT -> reached(A_DROP); goto done
            :: else
            fi
        fi
    }
    atomic {
        if
#ifndef NO_CLOCK_AT_THE_WRITE
        :: seen_old -> reached(A_DECISION_IS_TOO_OLD); goto again
#endif
        :: else ->
            assert(!must_not);                          /* G1: no send after STOP */
            assert(!old);                               /* G1: no bytes on a decision older than a second */
            assert(was_up);                             /* G4: the opt-out service was there since it began */
            if
            :: inbound_end > 0 && inbound[0] == START -> reached(A_SEND_AFTER_AN_OPT_IN)
            :: else
            fi;
            reached(A_SEND)
        fi
    }
done:
    atomic { marker = 0; undecided = false; old = false; seen_old = false; began_after_stop = 0; must_not = false; was_up = false }
}

/* ---- what goes wrong around them ---- */
proctype Faults() {
    byte to, i;
end_faults:
    do
    :: atomic { rebalances > 0 -> rebalances--; assigned = 1 - assigned; believes[assigned] = true }
    :: atomic { freezes > 0 && !frozen[0] ->
        freezes--;
        frozen[0] = true;
        if
        :: wakes = true
        :: wakes = false
        fi
       }
    :: atomic { frozen[0] && wakes -> frozen[0] = false; wakes = false }
    :: atomic { ticks > 0 && undecided && !old ->
        ticks--;
        old = true;
#ifdef NO_BOOTTIME
        if
        :: seen_old = true
        :: true                                         /* the process was frozen, and its clock with it */
        fi
#else
        seen_old = true
#endif
       }
    :: atomic { restores > 0 && position > 0 ->
        restores--;
        was_restored = true;
        unnoticed = true;
        row_lock = 0;
        select(to : 0 .. position - 1);
        i = to;
        do
        :: i < position -> entry[i] = NOTHING; i++
        :: else -> break
        od;
        position = to;
        recorded_state = OUT;                           /* before the log begins, the phone has opted out */
        i = 0;
        do
        :: i < position && (entry[i] == OUT || entry[i] == IN) -> recorded_state = entry[i]; i++
        :: i < position && entry[i] != OUT && entry[i] != IN -> i++
        :: else -> break
        od;
        i = 0; to = 0
       }
    /* what it had acknowledged is lost, and owed to nobody; sessions end with the broker that loses it */
    :: atomic { truncations > 0 && inbound_end > 0 && unread == 0 && !marking ->
        truncations--;
        select(to : 0 .. inbound_end - 1);
        i = to;
        do
        :: i < inbound_end -> inbound[i] = NOTHING; i++
        :: else -> break
        od;
        inbound_end = to;
        truncated = true;
        stopped = false; must_not = false; last_stop = 0; began_after_stop = 0;
        end_session(0);
        end_session(1);
        i = 0; to = 0
       }
    od
}

/* G2: where nothing can happen any more, and the worker that has the partition runs, every reply is decided, and the
 * cache has what the record says. */
#define runs(w) (assigned == w && !frozen[w] && at[w] != HALTED)
proctype AtTheEnd() {
    byte i;
end_waits:
    atomic { timeout ->
        if
        :: (runs(0) || runs(1)) && TRUNCATIONS == 0 && !unnoticed ->
            everything_is_decided(inbound_end);
            assert(was_restored || unread == BATCHES || cache_state == recorded_state)
        :: else
        fi
    }
}

init {
    atomic {
        believes[0] = true;
        run Worker(0);
        run Worker(1);
        run Faults();
        run AtTheEnd()
    }
}
