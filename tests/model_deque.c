/*
 * The deque of src/sched/deque.c, explored exhaustively: every order of the steps of an owner who
 * forks and joins, one who steals, one who asks, and one who exposes what is private, on a machine
 * with store buffers (x86-TSO: a thread's plain stores reach memory later, in order; its locked
 * operations wait until they have; a membarrier makes all threads' stores arrive).
 *
 * The owner's script is a row of forks and joins: "FFJFJJ". A step is what one instruction on
 * shared memory does, but for what is done with the lock held, whose stores are one step and arrive
 * one by one.
 *
 * Checked in every state:
 * 1. Who takes a child takes one that has been forked and that nobody has taken.
 * 2. What a thief finds in a place is the child that lies there.
 * Checked where nothing can go on:
 * 3. The owner has come to the end, and each child was taken once.
 *
 * The model can fail: each of a list of faults, each a rule of the algorithm left out, must be
 * found.
 */
/* test: workers=1 */
#include "test.h"

enum {
    PLACES_IN_DEQUE = 4,
    BUFFER = 9,  /* stores of a step, at most, and those before it */
    PENDING = 3, /* a thread with so many stores under way takes no further step */
    MOST_STATES = 1 << 20
};

/* Positions in the deque count from 1; 0 lies below its base. */
enum place {
    HEAD,
    LIMIT, /* 1: the short fork is closed */
    SPLIT, /* CLOSED, or a position */
    LOCK,
    TAIL,
    END,
    ASKED,
    EXPOSING,
    CHILD1, /* the number of the child at position 1; 0: none */
    LAST_CHILD = CHILD1 + PLACES_IN_DEQUE - 1,
    PLACES
};

enum { BASE = 1, CLOSED = 100 };

enum thread { OWNER, STEALER, ASKER, EXPOSER, THREADS };

#include "test_support/model.h"

enum fault {
    NO_FAULT,
    FENCE_FOR_BARRIER,
    HEAD_READ_BEFORE_BARRIER,
    SPLIT_CLOSED_AFTER_BARRIER,
    SPLIT_REOPENED_BY_OWNER,
    SPLIT_READ_BEFORE_LOWERING,
    HEAD_RAISED_BEFORE_PUTTING,
    JOIN_WITHOUT_LOCK,
    STEAL_WITHOUT_LOCK,
    END_NOT_LOWERED,
    TAIL_NOT_LOWERED,
    FAULTS
};

static const char *const fault_names[FAULTS] = {
    "none",
    "the exposer has a fence of its own in place of a membarrier",
    "the exposer reads head before its membarrier",
    "the exposer closes split after its membarrier",
    "the owner reopens split while a thief exposes",
    "the short join reads split before it lowers head",
    "the short fork raises head before it puts the child in",
    "a join below split looks at tail without the lock",
    "a thief takes without the lock",
    "a join below end leaves end where it was",
    "a join of a taken child leaves tail where it was",
};

struct scene {
    const char *script; /* of the owner: F and J */
    int steals;         /* tries of the stealer */
    int asks;           /* of the asker, each with a steal */
    int exposures;      /* of the exposer, each with a steal */
};

struct state {
    struct machine machine;
    uint8_t step[THREADS];
    uint8_t at; /* the owner's place in its script */
    uint8_t seen[THREADS];
    uint8_t left[THREADS];
    /* What only the checks look at: of each child, a bit. */
    uint8_t forked, taken;
    uint8_t stack[PLACES_IN_DEQUE + 1]; /* children not joined, by position */
};

static struct scene scene;
static enum fault broken;

/* A locked operation. */
static bool take_lock(struct state *s, int thread)
{
    if (!drained(s, thread) || s->machine.memory[LOCK])
        return false;
    s->machine.memory[LOCK] = 1;
    return true;
}

/* --- the algorithm --- */

static void take_child(struct state *s, int child)
{
    check(child > 0 && (s->forked & 1 << child), "somebody took a child that was never forked");
    check(!(s->taken & 1 << child), "a child was taken twice");
    s->taken |= (uint8_t)(1 << child);
}

/* With the lock held, as set_doors(). */
static void set_doors(struct state *s, int self)
{
    bool occupied = load(s, self, HEAD) > BASE;
    bool asked = load(s, self, ASKED), exposing = load(s, self, EXPOSING);
    if (broken == SPLIT_REOPENED_BY_OWNER)
        exposing = false;
    store(s, self, LIMIT, asked || !occupied);
    store(s, self, SPLIT, asked || exposing ? CLOSED : load(s, self, END));
}

static void share(struct state *s, int self, int head)
{
    int end = load(s, self, END);
    if (load(s, self, TAIL) == end && head > end)
        store(s, self, END, end + (head - end + 1) / 2);
    if (load(s, self, TAIL) < load(s, self, END))
        store(s, self, ASKED, 0);
}

enum owner_step {
    NEXT,
    FORK_PUT,
    FORK_RAISE,
    FORK_LOCK,
    FORK_SLOWLY,
    JOIN_LOWER,
    JOIN_LOOK,
    JOIN_LOCK,
    JOIN_SLOWLY
};

static int new_child(const struct state *s)
{
    int number = 1;
    for (int i = 0; i < s->at; i++)
        number += scene.script[i] == 'F';
    return number;
}

static void end_fork(struct state *s)
{
    s->at++;
    s->step[OWNER] = NEXT;
}

static void note_forked(struct state *s, int head)
{
    s->forked |= (uint8_t)(1 << new_child(s));
    s->stack[head] = (uint8_t)new_child(s);
}

/* The owner goes on with the join: it runs the child, or waits for the thief that has it. */
static void end_join(struct state *s, bool own, int head)
{
    int child = s->stack[head];
    if (own)
        take_child(s, child);
    else
        check(s->taken & 1 << child, "the owner waits for a child that nobody has");
    s->at++;
    s->step[OWNER] = NEXT;
}

static bool pop_slowly(struct state *s, int head)
{
    bool taken = head < load(s, OWNER, TAIL);
    if (taken && broken != TAIL_NOT_LOWERED)
        store(s, OWNER, TAIL, head);
    if (head < load(s, OWNER, END) && broken != END_NOT_LOWERED)
        store(s, OWNER, END, head);
    if (head == BASE)
        store(s, OWNER, ASKED, 0);
    else if (load(s, OWNER, ASKED))
        share(s, OWNER, head);
    set_doors(s, OWNER);
    store(s, OWNER, LOCK, 0);
    return !taken;
}

static bool step_owner(struct state *s)
{
    int head = load(s, OWNER, HEAD);
    switch ((enum owner_step)s->step[OWNER]) {
    case NEXT:
        if (!scene.script[s->at])
            return false;
        if (scene.script[s->at] == 'J') {
            s->step[OWNER] = JOIN_LOWER;
            if (broken == SPLIT_READ_BEFORE_LOWERING)
                s->seen[OWNER] = load(s, OWNER, SPLIT);
        } else {
            s->step[OWNER] = load(s, OWNER, LIMIT) ? FORK_LOCK : FORK_PUT;
        }
        return true;
    case FORK_PUT:
        note_forked(s, head);
        if (broken == HEAD_RAISED_BEFORE_PUTTING)
            store(s, OWNER, HEAD, head + 1);
        else
            store(s, OWNER, CHILD1 + head - 1, new_child(s));
        s->step[OWNER] = FORK_RAISE;
        return true;
    case FORK_RAISE:
        if (broken == HEAD_RAISED_BEFORE_PUTTING)
            store(s, OWNER, CHILD1 + head - 2, new_child(s));
        else
            store(s, OWNER, HEAD, head + 1);
        end_fork(s);
        return true;
    case FORK_LOCK:
        if (!take_lock(s, OWNER))
            return false;
        s->step[OWNER] = FORK_SLOWLY;
        return true;
    case FORK_SLOWLY:
        note_forked(s, head);
        store(s, OWNER, CHILD1 + head - 1, new_child(s));
        store(s, OWNER, HEAD, head + 1);
        share(s, OWNER, head + 1);
        set_doors(s, OWNER);
        store(s, OWNER, LOCK, 0);
        end_fork(s);
        return true;
    case JOIN_LOWER:
        store(s, OWNER, HEAD, head - 1);
        s->step[OWNER] = JOIN_LOOK;
        return true;
    case JOIN_LOOK:
        if (broken != SPLIT_READ_BEFORE_LOWERING)
            s->seen[OWNER] = load(s, OWNER, SPLIT);
        s->step[OWNER] = JOIN_LOCK;
        if (head >= s->seen[OWNER])
            end_join(s, true, head);
        else if (broken == JOIN_WITHOUT_LOCK)
            s->step[OWNER] = JOIN_SLOWLY;
        s->seen[OWNER] = 0;
        return true;
    case JOIN_LOCK:
        if (!take_lock(s, OWNER))
            return false;
        s->step[OWNER] = JOIN_SLOWLY;
        return true;
    case JOIN_SLOWLY:
        end_join(s, pop_slowly(s, head), head);
        return true;
    }
    return false;
}

enum thief_step {
    T_NEXT,
    T_LOCK,
    T_TAKE,
    A_LOCK,
    A_ASK,
    E_LOCK,
    E_CLOSE,
    E_BARRIER,
    E_LOCK_AGAIN,
    E_SHARE,
    T_GIVE_UP
};

static void end_try(struct state *s, int self)
{
    s->left[self]--;
    s->step[self] = T_NEXT;
}

static void steal(struct state *s, int self)
{
    int tail = load(s, self, TAIL), end = load(s, self, END);
    if (tail < end) {
        int child = load(s, self, CHILD1 + tail - 1);
        check(child == s->stack[tail], "a thief found another child than the one that lies there");
        take_child(s, child);
        store(s, self, TAIL, tail + 1);
        store(s, self, ASKED, tail + 1 == end);
        set_doors(s, self);
    }
    store(s, self, LOCK, 0);
    end_try(s, self);
}

static void ask(struct state *s)
{
    bool occupied = load(s, ASKER, HEAD) > BASE;
    if (occupied && load(s, ASKER, TAIL) == load(s, ASKER, END)) {
        store(s, ASKER, ASKED, 1);
        set_doors(s, ASKER);
    }
    store(s, ASKER, LOCK, 0);
    s->step[ASKER] = T_LOCK;
}

static void begin_exposing(struct state *s)
{
    bool wanted = load(s, EXPOSER, TAIL) == load(s, EXPOSER, END) &&
                  load(s, EXPOSER, HEAD) > load(s, EXPOSER, END);
    if (wanted && broken != SPLIT_CLOSED_AFTER_BARRIER) {
        store(s, EXPOSER, EXPOSING, 1);
        store(s, EXPOSER, SPLIT, CLOSED);
    }
    if (broken == HEAD_READ_BEFORE_BARRIER)
        s->seen[EXPOSER] = load(s, EXPOSER, HEAD);
    store(s, EXPOSER, LOCK, 0);
    s->step[EXPOSER] = wanted ? E_BARRIER : T_GIVE_UP;
}

static void end_exposing(struct state *s)
{
    int head = broken == HEAD_READ_BEFORE_BARRIER ? s->seen[EXPOSER] : load(s, EXPOSER, HEAD);
    if (broken == SPLIT_CLOSED_AFTER_BARRIER)
        store(s, EXPOSER, SPLIT, CLOSED);
    share(s, EXPOSER, head);
    store(s, EXPOSER, EXPOSING, 0);
    set_doors(s, EXPOSER);
    store(s, EXPOSER, LOCK, 0);
    s->seen[EXPOSER] = 0;
    s->step[EXPOSER] = T_LOCK;
}

static bool step_thief(struct state *s, int self)
{
    static const uint8_t first[THREADS] = {
        [STEALER] = T_LOCK, [ASKER] = A_LOCK, [EXPOSER] = E_LOCK};
    switch ((enum thief_step)s->step[self]) {
    case T_NEXT:
        if (s->left[self] == 0)
            return false;
        s->step[self] = first[self];
        return true;
    case T_LOCK:
        if (broken != STEAL_WITHOUT_LOCK && !take_lock(s, self))
            return false;
        s->step[self] = T_TAKE;
        return true;
    case T_TAKE:
        steal(s, self);
        return true;
    case A_LOCK:
    case E_LOCK:
    case E_LOCK_AGAIN:
        if (!take_lock(s, self))
            return false;
        s->step[self]++;
        return true;
    case A_ASK:
        ask(s);
        return true;
    case E_CLOSE:
        begin_exposing(s);
        return true;
    case E_BARRIER:
        if (!drained(s, EXPOSER))
            return false;
        if (broken != FENCE_FOR_BARRIER)
            for (int thread = 0; thread < THREADS; thread++)
                while (drain_one(s, thread))
                    ;
        s->step[EXPOSER] = E_LOCK_AGAIN;
        return true;
    case E_SHARE:
        end_exposing(s);
        return true;
    case T_GIVE_UP:
        end_try(s, self);
        return true;
    }
    return false;
}

/* --- the checks --- */

static bool step_thread(void *state, int thread)
{
    struct state *s = state;
    if (s->machine.buffer[thread].count >= PENDING)
        return false;
    return thread == OWNER ? step_owner(s) : step_thief(s, thread);
}

static void check_end(const void *state)
{
    const struct state *s = state;
    check(!scene.script[s->at] && s->step[OWNER] == NEXT, "the owner is stuck");
    for (int thread = STEALER; thread < THREADS; thread++)
        check(s->left[thread] == 0, "a thief is stuck");
    check(s->forked == s->taken, "a child was lost");
    check(s->machine.memory[HEAD] == BASE && s->machine.memory[TAIL] == BASE &&
              s->machine.memory[END] == BASE,
          "the deque is not empty in the end");
}

static void show_move(const void *state, int thread, bool arrives)
{
    static const char *const names[] = {"owner", "stealer", "asker", "exposer"};
    const struct state *s = state;
    const uint8_t *memory = s->machine.memory;
    printf("  %s%s -> step %d; head %d split %d tail %d end %d asked %d exposing %d lock %d\n",
           names[thread], arrives ? "'s store arrives" : "", s->step[thread], memory[HEAD],
           memory[SPLIT], memory[TAIL], memory[END], memory[ASKED], memory[EXPOSING], memory[LOCK]);
}

static const struct scene scenes[] = {
    {.script = "FJ", .steals = 2},
    {.script = "FFJJ", .steals = 2, .asks = 1},
    {.script = "FFJJ", .steals = 1, .exposures = 1},
    {.script = "FFFJJJ", .steals = 2, .exposures = 1},
    {.script = "FFFJFJJJ", .steals = 1, .exposures = 1},
    {.script = "FFJFJJFJ", .steals = 1, .asks = 1},
    {.script = "FFFJJFJJ", .steals = 1, .asks = 1, .exposures = 1},
    {.script = "FFFFJFJJJJ", .steals = 2, .exposures = 1},
    {.script = "FFFJFFJJJJFJ", .steals = 2, .asks = 1, .exposures = 1},
    {.script = "FFFFJJJJ", .steals = 2, .asks = 2, .exposures = 2},
};
enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static void begin(void *state, int number, int fault)
{
    struct state *s = state;
    uint8_t *memory = s->machine.memory;
    scene = scenes[number];
    broken = (enum fault)fault;
    memory[HEAD] = memory[TAIL] = memory[END] = memory[SPLIT] = BASE;
    memory[LIMIT] = 1;
    s->left[STEALER] = (uint8_t)scene.steals;
    s->left[ASKER] = (uint8_t)scene.asks;
    s->left[EXPOSER] = (uint8_t)scene.exposures;
}

int main(void)
{
    static const struct model deque = {
        .size = sizeof(struct state),
        .most = MOST_STATES,
        .scenes = SCENES,
        .faults = FAULTS,
        .fault_names = fault_names,
        .begin = begin,
        .step = step_thread,
        .end = check_end,
        .show = show_move,
    };
    model_run(&deque);
    return 0;
}
