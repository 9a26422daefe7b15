/* Sync protocol 1 between one terminal and the hub over a broker that loses,
 * doubles and reorders. Each step names the function that it stands for.
 *
 * RUNS journals of ROWS rows. Each fault has a budget; when all are spent every
 * row that was confirmed must come home. Seeded mistakes, to see that they are
 * caught: PUBACK_RELEASES, ACK_BEFORE_COMMIT, REWIND_FORGETS, NEVER_BEYOND. */
#ifndef RUNS
#define RUNS 2
#endif
#ifndef ROWS
#define ROWS 2
#endif
#ifndef LOSSES
#define LOSSES 1
#endif
#ifndef DOUBLES
#define DOUBLES 1
#endif
#ifndef SWAPS
#define SWAPS 1 /* two messages change places */
#endif
#ifndef HASTES
#define HASTES 1 /* timers that fire while the answer is under way */
#endif
#ifndef KILLS
#define KILLS 1 /* of the terminal */
#endif
#ifndef HUB_KILLS
#define HUB_KILLS 1
#endif
#ifndef HUB_RESTORES
#define HUB_RESTORES 0
#endif
#ifndef DISK_RESTORES
#define DISK_RESTORES 0
#endif
#ifndef AGEINGS
#define AGEINGS 0 /* copies that go */
#endif
#define SLOTS 2 /* messages under way in each direction */
#define WINDOW 2

#define NONE 0
#define BATCH 1
#define RESUME 2

typedef message {
    byte kind;
    byte journal;
    byte first;
    byte last;
}

/* The terminal's disk. */
byte newest[RUNS];
byte oldest[RUNS];
byte through[RUNS];
byte now_run;
/* The same as it was in the image. */
byte image_newest[RUNS], image_oldest[RUNS], image_through[RUNS];
bool image_taken;
/* The terminal's memory: struct track and struct flight. */
byte next[RUNS], highest[RUNS];
bool ended[RUNS], resume_due[RUNS], owed[RUNS], rewound[RUNS];
byte rewound_at[RUNS];
message flight[WINDOW];

/* The hub's disk: a bit for each row. */
byte hub_through[RUNS], archived[RUNS], holes[RUNS];
byte linked[RUNS]; /* journal_link: how far the next journal says it went */
byte saved_through[RUNS], saved_archived[RUNS], saved_holes[RUNS];
byte saved_linked[RUNS];
bool saved;
/* Acknowledged and not committed: only with ACK_BEFORE_COMMIT. */
message pending;

message up[SLOTS];   /* events, resume */
message down[SLOTS]; /* acks: `last` is through */
message flying;

/* What the world knows: rows that beeped, rows that no disk has any more
 * because an image without them was put back, the hub's best word. */
byte confirmed[RUNS], gone[RUNS], best[RUNS];

byte losses = LOSSES, swaps = SWAPS, hastes = HASTES, doubles = DOUBLES, kills = KILLS, hub_kills = HUB_KILLS;
byte hub_restores = HUB_RESTORES, disk_restores = DISK_RESTORES;
byte ageings = AGEINGS;

byte i, j; /* scratch of the inline steps, back at 0 behind each */

#define CLEAR(m)                                                               \
    m.kind = NONE;                                                             \
    m.journal = 0;                                                             \
    m.first = 0;                                                               \
    m.last = 0

/* Away from the broker, or once more. */

#define BIT(row) (1 << ((row)-1))
#define HELD(n) (newest[n] > 0 && oldest[n] <= newest[n])
/* What a link names and nobody holds any more is shown as a hole. */
#define SHOWN(n) ((BIT(linked[n] + 1) - 1) * !HELD(n))
#define HOME(n)                                                                \
    ((confirmed[n] == 0 ||                                                     \
      ((archived[n] | holes[n] | gone[n] | SHOWN(n)) & (BIT(confirmed[n] + 1) - 1)) ==    \
          (BIT(confirmed[n] + 1) - 1)) &&                                      \
     through[n] == newest[n])
#define IN_FLIGHT (flight[0].kind + flight[1].kind)

/* rewind_track */
inline rewind(n) {
    for (i : 0 .. WINDOW - 1) {
        if
        :: flight[i].kind && flight[i].journal == n -> CLEAR(flight[i])
        :: else
        fi
    }
#ifdef REWIND_FORGETS
    if
    :: next[n] < newest[n] + 1 -> next[n] = newest[n] + 1
    :: else
    fi;
#else
    next[n] = through[n] + 1;
#endif
    i = 0
}

/* land */
inline land(n, word) {
    for (i : 0 .. WINDOW - 1) {
        if
        :: flight[i].kind && flight[i].journal == n && flight[i].last <= word ->
            CLEAR(flight[i])
        :: else
        fi
    }
    i = 0
}

/* uplink_core_up: also load, after a start. */
inline session_begins() {
    for (j : 0 .. RUNS - 1) {
        rewind(j);
        rewound[j] = false;
        rewound_at[j] = 0;
        owed[j] = false;
        resume_due[j] = HELD(j)
    }
    j = 0
}

/* The first free slot; the sender has looked that there is one. */
#define POST(line, what, n, from, to)                                          \
    if                                                                         \
    :: line[0].kind == NONE -> i = 0                                           \
    :: else -> i = 1                                                           \
    fi;                                                                        \
    line[i].kind = what;                                                       \
    line[i].journal = n;                                                       \
    line[i].first = from;                                                      \
    line[i].last = to;                                                         \
    i = 0
#define ROOM(line) (line[0].kind == NONE || line[1].kind == NONE)

#define COPY(to, from)                                                         \
    to.kind = from.kind;                                                       \
    to.journal = from.journal;                                                 \
    to.first = from.first;                                                     \
    to.last = from.last

/* The first message goes, or stays to be delivered once more. */
#define LEAVES(line)                                                           \
    if                                                                         \
    :: COPY(line[0], line[1]);                                                 \
        CLEAR(line[1])                                                         \
    :: doubles > 0 -> doubles--                                                \
    fi

/* journal_append, journal_commit; the beep follows. */
active proctype Lane() {
end:
    do
    :: d_step {
        newest[now_run] < ROWS && gone[now_run] == 0 -> newest[now_run]++;
        confirmed[now_run] = newest[now_run];
        if
        :: oldest[now_run] == 0 -> oldest[now_run] = 1;
            next[now_run] = 1;
            resume_due[now_run] = true
        :: else
        fi
    }
    od
}

/* release: never beyond what the hub once had on its disk. */
inline release(n, word) {
    assert(word <= best[n]);
    through[n] = word
}

#define SENDABLE(n)                                                            \
    (HELD(n) && next[n] <= newest[n] && IN_FLIGHT < WINDOW &&                  \
     (next[n] >= oldest[n] || !owed[n])) /* hold_track */
#define LAST_RUN (RUNS - 1)
#define ANY_RESUME (resume_due[0] || resume_due[LAST_RUN])

/* resumes_sent, then choose: the oldest journal first. */
inline choose(n) {
    if
    :: resume_due[0] -> n = 0
    :: !resume_due[0] && resume_due[LAST_RUN] -> n = LAST_RUN
    :: !ANY_RESUME && SENDABLE(0) -> n = 0
    :: !ANY_RESUME && !SENDABLE(0) -> n = LAST_RUN
    fi
}

/* send_resume */
inline send_resume(n) {
    POST(up, RESUME, n, oldest[n], newest[n]);
    resume_due[n] = false;
    owed[n] = true;
    if
    :: highest[n] + 1 < oldest[n] -> highest[n] = oldest[n] - 1
    :: else
    fi
}

/* send_one, take_off */
inline send_batch(n, to) {
    POST(up, BATCH, n, next[n], to);
    if
    :: flight[0].kind == NONE -> i = 0
    :: else -> i = 1
    fi;
    flight[i].kind = BATCH;
    flight[i].journal = n;
    flight[i].first = next[n];
    flight[i].last = to;
    i = 0;
    if
    :: to > highest[n] -> highest[n] = to
    :: else
    fi;
    next[n] = to + 1;
#ifdef PUBACK_RELEASES
    if
    :: to > through[n] -> release(n, to)
    :: else
    fi
#endif
}

/* uplink_core_pump */
active proctype Sender() {
    byte at, to;
end:
    do
    :: atomic {
        ROOM(up) && (ANY_RESUME || SENDABLE(0) || SENDABLE(LAST_RUN)) ->
        choose(at);
        if
        :: resume_due[at] || next[at] < oldest[at] -> /* pass_hole */
            send_resume(at)
        :: else ->
            if
            :: to = next[at]
            :: to = newest[at]
            fi;
            send_batch(at, to)
        fi;
        at = 0;
        to = 0
    }
    od
}

/* give_up_waiting */
active proctype Timer() {
end:
    do
    :: d_step {
        (IN_FLIGHT > 0 || owed[0] || owed[LAST_RUN]) &&
                (hastes > 0 || (!up[0].kind && !down[0].kind)) ->
        hastes = hastes - (up[0].kind || down[0].kind);
        for (j : 0 .. RUNS - 1) {
            rewind(j);
            rewound[j] = false;
            rewound_at[j] = 0;
            if
            :: owed[j] -> resume_due[j] = true
            :: else
            fi
        }
        j = 0
    }
    od
}

/* flight_beyond */
#define BEYOND(k, n, word)                                                     \
    (flight[k].kind && flight[k].journal == n && flight[k].first > word + 1)

/* obey, with advance, fall_back and go_back */
inline obey(n, word) {
    land(n, word);
    if
    :: word > through[n] ->
        release(n, word);
        rewound[n] = false;
        if
        :: next[n] <= word -> next[n] = word + 1
        :: else
        fi
    :: word < through[n] ->
        release(n, word);
        rewind(n);
        rewound[n] = true;
        rewound_at[n] = word;
        if
        :: word + 1 < oldest[n] -> next[n] = oldest[n];
            resume_due[n] = true
        :: else
        fi
    :: else ->
        if
        :: !owed[n] && !(rewound[n] && rewound_at[n] == word) &&
                (BEYOND(0, n, word) || BEYOND(1, n, word)) ->
            rewind(n);
            rewound[n] = true;
            rewound_at[n] = word
        :: else
        fi
    fi;
    owed[n] = false
}

/* uplink_core_on_ack, with may_be_true */
active proctype Acks() {
    byte n, word;
end:
    do
    :: atomic {
        down[0].kind ->
        n = down[0].journal;
        word = down[0].last;
        LEAVES(down);
        if
        :: !HELD(n)
        :: HELD(n) && word <= highest[n] -> obey(n, word)
#ifdef NEVER_BEYOND
        :: HELD(n) && word > highest[n] && ended[n]
#else
        :: HELD(n) && word > highest[n] && ended[n] -> obey(n, newest[n])
#endif
        :: HELD(n) && word > highest[n] && !ended[n] /* alarm */
        fi;
        n = 0;
        word = 0
    }
    od
}

/* take_batch: rows from through + 1 on, each once, in order. */
inline take(n, from, to) {
    if
    :: from <= hub_through[n] + 1 && to > hub_through[n] ->
        for (i : hub_through[n] + 1 .. to) {
            assert(!(archived[n] & BIT(i)));
            archived[n] = archived[n] | BIT(i)
        }
        i = 0;
        /* on_started: the first row names the journal before. */
        if
        :: n > 0 && hub_through[n] == 0 -> linked[n - 1] = newest[n - 1]
        :: else
        fi;
        hub_through[n] = to;
        best[n] = (to > best[n] -> to : best[n])
    :: else
    fi
}

/* on_resume, fill_hole */
inline on_resume(n, from) {
    if
    :: from > hub_through[n] + 1 ->
        for (i : hub_through[n] + 1 .. from - 1) {
            holes[n] = holes[n] | BIT(i)
        }
        i = 0;
        hub_through[n] = from - 1;
        best[n] = (from - 1 > best[n] -> from - 1 : best[n])
    :: else
    fi
}

/* intake_take: commit, then the ack. */
active proctype Hub() {
end:
    do
    :: atomic {
        up[0].kind && ROOM(down) && pending.kind == NONE ->
        if
        :: up[0].kind == RESUME ->
            on_resume(up[0].journal, up[0].first);
            POST(down, BATCH, up[0].journal, 0, hub_through[up[0].journal])
        :: up[0].kind == BATCH ->
#ifdef ACK_BEFORE_COMMIT
            pending.kind = BATCH;
            pending.journal = up[0].journal;
            pending.first = up[0].first;
            pending.last = up[0].last;
            POST(down, BATCH, up[0].journal, 0, up[0].last)
#else
            take(up[0].journal, up[0].first, up[0].last);
            POST(down, BATCH, up[0].journal, 0, hub_through[up[0].journal])
#endif
        fi;
        LEAVES(up)
    }
#ifdef ACK_BEFORE_COMMIT
    :: atomic {
        pending.kind ->
        take(pending.journal, pending.first, pending.last);
        CLEAR(pending)
    }
#endif
    od
}

/* A new run: what was in memory is gone, a new journal begins. */
inline restart() {
    for (j : 0 .. RUNS - 1) {
        highest[j] = newest[j];
        ended[j] = HELD(j);
        next[j] = through[j] + 1
    }
    j = 0;
    now_run = (now_run < RUNS - 1 -> now_run + 1 : now_run);
    session_begins()
}

active proctype Faults() {
end:
    do
    :: d_step {
        losses > 0 && up[0].kind -> losses--;
        COPY(up[0], up[1]);
        CLEAR(up[1])
    }
    :: d_step {
        losses > 0 && down[0].kind -> losses--;
        COPY(down[0], down[1]);
        CLEAR(down[1])
    }
    :: d_step {
        swaps > 0 && up[1].kind -> swaps--;
        COPY(flying, up[0]);
        COPY(up[0], up[1]);
        COPY(up[1], flying);
        CLEAR(flying)
    }
    :: d_step {
        swaps > 0 && down[1].kind -> swaps--;
        COPY(flying, down[0]);
        COPY(down[0], down[1]);
        COPY(down[1], flying);
        CLEAR(flying)
    }
    :: atomic { /* what is left over is spent */
        true -> losses = 0;
        swaps = 0;
        hastes = 0;
        doubles = 0;
        kills = 0;
        hub_kills = 0;
        hub_restores = 0;
        disk_restores = 0;
        ageings = 0;
        break
    }
    :: d_step { kills > 0 && now_run < RUNS - 1 -> kills--; restart() }
    :: d_step { kills > 0 -> kills--; session_begins() } /* the line only */
    :: d_step { hub_kills > 0 -> hub_kills--; CLEAR(pending) }
    :: d_step { /* not the last row of all: the next one tells of it */
        ageings > 0 && HELD(0) && oldest[0] <= through[0] &&
                (oldest[0] < newest[0] || now_run > 0) ->
        ageings--;
        oldest[0]++;
        if /* load: the journal is gone from the list */
        :: !HELD(0) -> owed[0] = false;
            resume_due[0] = false
        :: else
        fi
    }
    :: d_step {
        hub_restores > 0 && !saved -> saved = true;
        for (j : 0 .. RUNS - 1) {
            saved_through[j] = hub_through[j];
            saved_archived[j] = archived[j];
            saved_holes[j] = holes[j];
            saved_linked[j] = linked[j]
        }
        j = 0
    }
    :: d_step { /* it says online, and each journal is named again; a broker
                   keeps the order of acks and of that word */
        hub_restores > 0 && saved && !down[0].kind -> hub_restores--;
        for (j : 0 .. RUNS - 1) {
            hub_through[j] = saved_through[j];
            archived[j] = saved_archived[j];
            holes[j] = saved_holes[j];
            linked[j] = saved_linked[j]
        }
        j = 0;
        session_begins()
    }
    :: d_step {
        disk_restores > 0 && !image_taken && now_run == 0 -> image_taken = true;
        image_newest[0] = newest[0];
        image_oldest[0] = oldest[0];
        image_through[0] = through[0]
    }
    :: d_step { /* rows behind the image are the hub's, or nobody's */
        disk_restores > 0 && image_taken && now_run == 0 -> disk_restores--;
        for (i : 1 .. ROWS) {
            if
            :: i > image_newest[0] && i <= newest[0] ->
                gone[0] = gone[0] | BIT(i)
            :: else
            fi
        }
        i = 0;
        newest[0] = image_newest[0];
        oldest[0] = image_oldest[0];
        through[0] = image_through[0];
        restart()
    }
    od
}

#define SPENT                                                                  \
    (losses == 0 && swaps == 0 && hastes == 0 && doubles == 0 && kills == 0 && hub_kills == 0 &&            \
     hub_restores == 0 && disk_restores == 0 && ageings == 0)
#define ALL_HOME (HOME(0) && HOME(LAST_RUN))

/* When nobody has anything left to do. */
active proctype Rest() {
end:
    timeout -> assert(ALL_HOME)
}

#ifdef DELIVERY
/* With the faults over, every event arrives or is a recorded hole. */
ltl delivery { <>SPENT -> <>[] ALL_HOME }
#endif
