/* One carrier call for each message (G3): two senders have the same message, because it was redelivered.
 *
 * The fence is fence.pml's: here a decision is always "send". README.md beside this file has the rest.
 *
 *   CRASHES   of senders, at any step; the process that starts next is another owner
 *   FAILURES  Postgres does not answer: what was written may have been written
 *   SWEEPS    lost calls are looked for; also those of a process that lives, and has slept
 */
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef FAILURES
#define FAILURES 2
#endif
#ifndef SWEEPS
#define SWEEPS 1
#endif
#ifndef REACH
#define REACH 0
#endif
#define reached(n) assert(REACH != n)
#define A_CALL 1
#define A_LOST_CALL_IS_SWEPT 2
#define A_CLAIM_IS_GIVEN_BACK 3
#define A_RECEIPT_SETTLES 4
#define A_CLAIM_IS_REFUSED 5
#define A_RESULT_IS_SETTLED_LATER 6
#define A_CRASH_DURING_A_CALL 7

/* States of the ledger row. */
#define NONE 0
#define PENDING 1
#define DISPATCHING 2
#define UNKNOWN 3
#define SENT 4

byte row = NONE;
byte owner = 0;
byte calls = 0;                   /* that the carrier has got */
byte next_owner = 1;
bool living[9];
byte crashes = CRASHES;
byte failures = FAILURES;
byte sweeps = SWEEPS;

/* Results of a call. */
#define NOT_CALLED 0              /* nothing has left, or the carrier took nothing */
#define ACCEPTED 1
#define NO_ANSWER 2               /* the carrier may have taken it */

inline settle_row(me) {
    if
#ifdef NO_OWNER_AT_SETTLE
    :: row == DISPATCHING || (row == UNKNOWN && result == ACCEPTED) ->
#else
    :: owner == me && (row == DISPATCHING || (row == UNKNOWN && result == ACCEPTED)) ->
#endif
        if
        :: result == ACCEPTED -> row = SENT
        :: result == NO_ANSWER -> row = UNKNOWN
        :: result == NOT_CALLED -> row = PENDING; owner = 0
        fi
    :: else
    fi
}

/* Where a sender is. */
#define CLAIM 0
#define CALL 1
#define SETTLE 2
#define ASK 3
#define DONE 4

inline begin_life() {
    me = next_owner;
    next_owner++;
    living[me] = true;
    at = CLAIM;
    result = NOT_CALLED;
    unsettled = false
}

proctype Sender() {
    byte me, at, result;
    bool unsettled;
    atomic { begin_life() }
end_sender:
    do
    /* settle_leftovers: what could not be settled when its result came; nothing is claimed before */
    :: atomic { at == CLAIM && unsettled ->
        if
        :: failures > 0 -> failures--
        :: reached(A_RESULT_IS_SETTLED_LATER); settle_row(me); unsettled = false; result = NOT_CALLED
        fi
       }
#ifdef NO_CLAIM
    :: atomic { at == CLAIM && !unsettled -> at = CALL }
#else
    :: atomic { at == CLAIM && !unsettled ->
        if
#ifdef NO_CLAIM_OF_PENDING_ALONE
        :: row == NONE || row == PENDING || (row == DISPATCHING && !living[owner]) ->
#else
        :: row == NONE || row == PENDING ->
#endif
            row = DISPATCHING;
            owner = me;
            if
            :: failures > 0 -> failures--; at = ASK     /* written, and the answer lost */
            :: at = CALL
            fi
        :: else -> reached(A_CLAIM_IS_REFUSED); at = ASK
        fi
       }
#endif
    :: atomic { at == CALL ->
        if
        :: result = NOT_CALLED                          /* too old, unreachable, throttled */
        :: calls++;
            assert(calls <= 1);                         /* G3 */
#ifndef NO_CLAIM
            assert(row != NONE && row != PENDING);      /* G4: no call without a claim */
#endif
            reached(A_CALL);
            if
            :: result = ACCEPTED
#ifdef NO_UNKNOWN_RESULT
            :: result = NOT_CALLED
#else
            :: result = NO_ANSWER
#endif
            :: crashes > 0 -> reached(A_CRASH_DURING_A_CALL); crashes--; living[me] = false; begin_life(); goto end_sender
            fi
        fi;
        at = SETTLE
       }
    :: atomic { at == SETTLE ->
        if
        :: failures > 0 -> failures--; unsettled = true
        :: settle_row(me); result = NOT_CALLED
        fi;
        at = ASK
       }
    /* asked again until the ledger has an outcome: that is published, and the offset committed */
    :: atomic { at == ASK ->
        if
        :: row == SENT || row == UNKNOWN -> at = (unsettled -> CLAIM : DONE)
        :: row == PENDING || row == NONE -> at = CLAIM
#ifndef NO_LEFTOVERS_FIRST
        :: row == DISPATCHING && unsettled -> at = CLAIM
        :: row == DISPATCHING && !unsettled && owner == me ->
#else
        :: row == DISPATCHING && owner == me ->
#endif
            reached(A_CLAIM_IS_GIVEN_BACK);
            row = PENDING; owner = 0; at = CLAIM
#ifdef NO_OWNER_AT_SETTLE
        :: row == DISPATCHING && owner != me -> row = PENDING; owner = 0; at = CLAIM
#else
        :: row == DISPATCHING && owner != me && !unsettled -> at = ASK  /* another's: looked at again */
#endif
        fi
       }
    :: atomic { crashes > 0 && at != DONE -> crashes--; living[me] = false; begin_life() }
    od
}

active proctype Sweeper() {
end_sweeper:
    do
    :: atomic { row == DISPATCHING && (!living[owner] || sweeps > 0) ->
        if
        :: !living[owner] -> reached(A_LOST_CALL_IS_SWEPT)
        :: else -> sweeps--
        fi;
#ifdef NO_UNKNOWN_STAYS
        row = PENDING
#else
        row = UNKNOWN
#endif
       }
    od
}

active proctype Receipts() {
end_receipts:
    do
    :: atomic { calls > 0 && (row == DISPATCHING || row == UNKNOWN) -> reached(A_RECEIPT_SETTLES); row = SENT }
    od
}

init { atomic { run Sender(); run Sender() } }
