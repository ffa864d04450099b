/*
 * The owner's and the thieves' way into a worker's queues, src/sched/runq.c, explored exhaustively
 * on a machine with store buffers: an owner without a fence, two thieves, a few tasks.
 *
 * The owner pushes and pops his newest task, each time by enter and leave. A thief asks; may lose
 * patience at any moment; then locks, makes all buffers drain (membarrier), looks whether the owner
 * is out, or gives up on that at any moment, too; helps himself to the older half; and lets the
 * owner in. Owner and thieves come a few times only, and then no more. So whoever waits for
 * somebody who need not come is found where nothing can go on.
 *
 * Checked in every state:
 * 1. Nobody is inside while another one is.
 * 2. No task is taken twice.
 * 3. A thief's loot is touched by the owner only until he has his answer.
 * Checked where nothing can go on:
 * 4. Nobody waits: each thief has got his answer or his lock, and the owner has got in.
 * 5. Each task pushed was taken or is in the queue: none is lost.
 * 6. Nobody is kept out: no question, no lock and no asker are left.
 *
 * The model can fail: each of a list of faults, each a rule left out, must be found.
 */
/* test: workers=1 */
#include "test.h"

enum { RING = 4, THIEVES = 2, MOST_TASKS = 8 };

enum place {
    BUSY,
    WANT,  /* number of the question * WANT_NUMBER, and the bits below */
    ASKER, /* 1 + the thief; 0: nobody */
    HEAD,
    TAIL,
    RING0,
    LOOT0 = RING0 + RING,      /* what the owner gave each thief: a bit per task */
    ANSWER0 = LOOT0 + THIEVES, /* he gave it */
    PLACES = ANSWER0 + THIEVES
};

enum { WANT_LOCKED = 1, WANT_ASKED = 2, WANT_NUMBER = 4 };

enum thread { THIEF0, THIEF1, OWNER, THREADS };

enum { BUFFER = 5, MOST_STATES = 1 << 20 };

#include "test_support/model.h"

enum fault {
    NO_FAULT,
    NO_MEMBARRIER,
    QUESTION_WITHOUT_NUMBER,
    LOCK_LEAVES_QUESTION,
    LET_IN_CLEARS_ASKER_FIRST,
    IMPATIENT_THIEF_TAKES,
    ANSWER_CLEARS_ASKER_FIRST,
    ANSWER_BEFORE_LOOT,
    ANSWER_WITHOUT_LOOKING,
    OWNER_COMES_BACK_WITHOUT_LOOKING,
    FAULTS
};

static const char *const fault_names[FAULTS] = {
    "none",
    "the thief looks at busy without a membarrier",
    "a question has no number: a thief takes another's for his own",
    "the lock leaves the question standing",
    "let_in clears asker before it unlocks",
    "a thief that gave up on the owner helps himself all the same",
    "the answer clears asker before it takes the question",
    "the answer comes before the loot is filled",
    "the owner does not look whether the question still stood when he cleared it",
    "the owner comes back after a lock without looking at want again",
};

struct scene {
    int tasks;          /* in the queue at first */
    const char *script; /* what the owner does: + push, - pop the newest */
    int tries[THIEVES]; /* how often each thief comes */
};

struct state {
    struct machine machine;
    uint8_t step[THREADS];
    uint8_t left[THIEVES];   /* tries */
    uint8_t number[THIEVES]; /* of the thief's question; 0: he has none */
    uint8_t done;            /* so much of the owner's script */
    uint8_t answering;       /* 1 + the thief */
    /* What only the checks look at. */
    uint8_t inside;        /* a bit per thread */
    uint8_t pushed, taken; /* a bit per task */
    uint8_t next;          /* task to push */
};

static struct scene scene;
static enum fault broken;

static bool go(struct state *s, int thread, int step)
{
    s->step[thread] = (uint8_t)step;
    return true;
}

static uint8_t bit(int number)
{
    return (uint8_t)(1 << number);
}

static void come_inside(struct state *s, int thread)
{
    check(s->inside == 0, "two are inside");
    s->inside |= bit(thread);
}

static void go_outside(struct state *s, int thread)
{
    s->inside &= (uint8_t)~bit(thread);
}

static void take_tasks(struct state *s, uint8_t tasks)
{
    check((s->taken & tasks) == 0, "a task was taken twice");
    check((tasks & ~s->pushed) == 0, "something was taken that was never pushed");
    s->taken |= tasks;
}

/* Takes the older half out of the queue; one store. */
static uint8_t take_half(struct state *s, int thread)
{
    uint8_t head = load(s, thread, HEAD), count = (uint8_t)(load(s, thread, TAIL) - head);
    uint8_t half = (uint8_t)((count + 1) / 2), tasks = 0;
    for (int i = 0; i < half; i++)
        tasks |= bit(load(s, thread, RING0 + (head + i) % RING));
    store(s, thread, HEAD, head + half);
    return tasks;
}

/* --- the thief --- */

enum thief_step {
    T_COME,
    T_WAIT,
    T_WAIT_FIRMLY,
    T_COLLECT,
    T_KEEP_OUT,
    T_TAKE,
    T_CLEAR_ASKER,
    /* locked operations */
    T_CLAIM_ASKER,
    T_ASK,
    T_LOCK,
    T_MEMBARRIER,
    T_LET_IN,
    T_LET_IN_LATE,
};

static bool thief_leaves(struct state *s, int self)
{
    s->left[self]--;
    s->number[self] = 0;
    return go(s, self, T_COME);
}

static bool thief_claims_asker(struct state *s, int self)
{
    if (s->machine.memory[ASKER])
        return thief_leaves(s, self);
    s->machine.memory[ASKER] = (uint8_t)(self + 1);
    return go(s, self, T_ASK);
}

static bool thief_asks(struct state *s, int self)
{
    uint8_t *want = &s->machine.memory[WANT];
    *want = (uint8_t)((*want + WANT_NUMBER) | WANT_ASKED);
    s->number[self] = *want / WANT_NUMBER;
    return go(s, self, T_WAIT);
}

static bool thief_locks(struct state *s, int self)
{
    uint8_t *want = &s->machine.memory[WANT];
    bool mine = *want / WANT_NUMBER == s->number[self] || broken == QUESTION_WITHOUT_NUMBER;
    if (!(*want & WANT_ASKED) || !mine)
        return go(s, self, T_WAIT_FIRMLY);
    if (broken != LOCK_LEAVES_QUESTION)
        *want &= (uint8_t)~WANT_ASKED;
    *want |= WANT_LOCKED;
    return go(s, self, broken == NO_MEMBARRIER ? T_KEEP_OUT : T_MEMBARRIER);
}

/* Every processor passes a fence. */
static bool thief_calls_membarrier(struct state *s, int self)
{
    for (int thread = 0; thread < THREADS; thread++)
        while (drain_one(s, thread))
            ;
    return go(s, self, T_KEEP_OUT);
}

static int first_of_let_in(void)
{
    return broken == LET_IN_CLEARS_ASKER_FIRST ? T_CLEAR_ASKER : T_LET_IN;
}

static bool thief_keeps_out(struct state *s, int self)
{
    if (load(s, self, BUSY) && broken != IMPATIENT_THIEF_TAKES)
        return go(s, self, first_of_let_in());
    come_inside(s, self);
    return go(s, self, T_TAKE);
}

static bool thief_clears_asker(struct state *s, int self)
{
    store(s, self, ASKER, 0);
    if (broken == LET_IN_CLEARS_ASKER_FIRST)
        return go(s, self, T_LET_IN_LATE);
    return thief_leaves(s, self);
}

static void thief_unlocks(struct state *s, int self)
{
    s->machine.memory[WANT] &= (uint8_t)~WANT_LOCKED;
    go_outside(s, self);
}

static bool step_thief(struct state *s, int self)
{
    if (s->step[self] >= T_CLAIM_ASKER && !drained(s, self))
        return false;
    switch ((enum thief_step)s->step[self]) {
    case T_COME:
        if (s->left[self] == 0)
            return false;
        store(s, self, ANSWER0 + self, 0);
        return go(s, self, T_CLAIM_ASKER);
    case T_CLAIM_ASKER:
        return thief_claims_asker(s, self);
    case T_ASK:
        return thief_asks(s, self);
    case T_WAIT: /* until it is answered, or so long */
        return go(s, self, load(s, self, ANSWER0 + self) ? T_COLLECT : T_LOCK);
    case T_LOCK:
        return thief_locks(s, self);
    case T_MEMBARRIER:
        return thief_calls_membarrier(s, self);
    case T_KEEP_OUT: /* until the owner is out, or so long */
        return thief_keeps_out(s, self);
    case T_TAKE:
        take_tasks(s, take_half(s, self));
        return go(s, self, first_of_let_in());
    case T_LET_IN:
        thief_unlocks(s, self);
        return go(s, self, T_CLEAR_ASKER);
    case T_CLEAR_ASKER:
        return thief_clears_asker(s, self);
    case T_LET_IN_LATE:
        thief_unlocks(s, self);
        return thief_leaves(s, self);
    case T_WAIT_FIRMLY:
        return load(s, self, ANSWER0 + self) && go(s, self, T_COLLECT);
    case T_COLLECT:
        take_tasks(s, load(s, self, LOOT0 + self));
        return thief_leaves(s, self);
    }
    return false;
}

/* --- the owner --- */

enum owner_step {
    O_ENTER,
    O_LOOK,
    O_STEP_OUT,
    O_STAY_OUT,
    O_STEP_IN,
    O_CLEAR_ASKER_EARLY,
    O_TAKE_QUESTION,
    O_READ_ASKER,
    O_GIVE,
    O_CLEAR_ASKER,
    O_ANSWER,
    O_GIVE_LATE,
    O_WORK,
    O_LEAVE
};

static bool owner_comes_inside(struct state *s)
{
    come_inside(s, OWNER);
    return go(s, OWNER, O_WORK);
}

static bool owner_looks(struct state *s)
{
    uint8_t want = load(s, OWNER, WANT);
    if (want & WANT_LOCKED)
        return go(s, OWNER, O_STEP_OUT);
    if (!(want & WANT_ASKED))
        return owner_comes_inside(s);
    bool early = broken == ANSWER_CLEARS_ASKER_FIRST;
    return go(s, OWNER, early ? O_CLEAR_ASKER_EARLY : O_TAKE_QUESTION);
}

/* A locked operation. */
static bool owner_takes_question(struct state *s)
{
    uint8_t *want = &s->machine.memory[WANT];
    bool stood = (*want & WANT_ASKED) || broken == ANSWER_WITHOUT_LOOKING;
    *want &= (uint8_t)~WANT_ASKED;
    if (!stood)
        return go(s, OWNER, O_LOOK); /* the thief has lost patience */
    return go(s, OWNER, broken == ANSWER_CLEARS_ASKER_FIRST ? O_GIVE : O_READ_ASKER);
}

static bool owner_gives(struct state *s)
{
    int thief = s->answering - 1;
    check(thief >= 0, "the owner answers nobody");
    if (thief < 0)
        return false;
    come_inside(s, OWNER);
    store(s, OWNER, LOOT0 + thief, take_half(s, OWNER));
    go_outside(s, OWNER);
    return go(s, OWNER, broken == ANSWER_BEFORE_LOOT ? O_LOOK : O_CLEAR_ASKER);
}

/* Inside, alone. */
static void owner_works(struct state *s)
{
    uint8_t head = load(s, OWNER, HEAD), tail = load(s, OWNER, TAIL);
    if (scene.script[s->done] == '+') {
        store(s, OWNER, RING0 + tail % RING, s->next);
        store(s, OWNER, TAIL, tail + 1);
        s->pushed |= bit(s->next++);
    } else if (head != tail) {
        take_tasks(s, bit(load(s, OWNER, RING0 + (tail - 1) % RING)));
        store(s, OWNER, TAIL, tail - 1);
    }
    s->done++;
}

static bool step_owner(struct state *s)
{
    switch ((enum owner_step)s->step[OWNER]) {
    case O_ENTER:
        if (!scene.script[s->done])
            return false;
        store(s, OWNER, BUSY, 1);
        return go(s, OWNER, O_LOOK);
    case O_LOOK:
        return owner_looks(s);
    case O_STEP_OUT:
        store(s, OWNER, BUSY, 0);
        return go(s, OWNER, O_STAY_OUT);
    case O_STAY_OUT:
        return !(load(s, OWNER, WANT) & WANT_LOCKED) && go(s, OWNER, O_STEP_IN);
    case O_STEP_IN:
        store(s, OWNER, BUSY, 1);
        if (broken == OWNER_COMES_BACK_WITHOUT_LOOKING)
            return owner_comes_inside(s);
        return go(s, OWNER, O_LOOK);
    case O_CLEAR_ASKER_EARLY:
        s->answering = load(s, OWNER, ASKER);
        store(s, OWNER, ASKER, 0);
        return go(s, OWNER, O_TAKE_QUESTION);
    case O_TAKE_QUESTION:
        return drained(s, OWNER) && owner_takes_question(s);
    case O_READ_ASKER:
        s->answering = load(s, OWNER, ASKER);
        return go(s, OWNER, broken == ANSWER_BEFORE_LOOT ? O_ANSWER : O_GIVE);
    case O_GIVE:
    case O_GIVE_LATE:
        return owner_gives(s);
    case O_CLEAR_ASKER:
        if (broken != ANSWER_CLEARS_ASKER_FIRST)
            store(s, OWNER, ASKER, 0);
        return go(s, OWNER, O_ANSWER);
    case O_ANSWER:
        store(s, OWNER, ANSWER0 + s->answering - 1, 1);
        return go(s, OWNER, broken == ANSWER_BEFORE_LOOT ? O_GIVE_LATE : O_LOOK);
    case O_WORK:
        owner_works(s);
        return go(s, OWNER, O_LEAVE);
    case O_LEAVE:
        store(s, OWNER, BUSY, 0);
        go_outside(s, OWNER);
        return go(s, OWNER, O_ENTER);
    }
    return false;
}

/* --- the checks --- */

static bool step_thread(void *state, int thread)
{
    struct state *s = state;
    if (!can_store(s, thread, 3)) /* as many as a step has at most */
        return false;
    return thread == OWNER ? step_owner(s) : step_thief(s, thread);
}

static void check_arrival(const void *state, int thread)
{
    const struct state *s = state;
    int place = s->machine.buffer[thread].place[0];
    if (thread != OWNER || place < LOOT0)
        return;
    int thief = (place - LOOT0) % THIEVES;
    check(s->number[thief], "the owner touches the loot of a thief that has left");
}

static void check_end(const void *state)
{
    const struct state *s = state;
    const uint8_t *memory = s->machine.memory;
    check(s->step[OWNER] == O_ENTER, "the owner waits for ever");
    for (int i = 0; i < THIEVES; i++)
        check(s->step[i] == T_COME, "a thief waits for ever");
    check(memory[ASKER] == 0, "nobody can ask any more");
    check((memory[WANT] & (WANT_LOCKED | WANT_ASKED)) == 0, "a question or a lock is left");
    uint8_t queued = 0;
    for (uint8_t i = memory[HEAD]; i != memory[TAIL]; i++)
        queued |= bit(memory[RING0 + i % RING]);
    check((queued & s->taken) == 0, "a task was taken and is still queued");
    check((queued | s->taken) == s->pushed, "a task was lost");
}

static void show_move(const void *state, int thread, bool arrives)
{
    static const char *const names[] = {"thief 0", "thief 1", "owner"};
    const struct state *s = state;
    const uint8_t *memory = s->machine.memory;
    printf("  %s%s -> step %d; busy %d want %d.%d asker %d queue %d-%d answers %d %d\n",
           names[thread], arrives ? "'s store arrives" : "", s->step[thread], memory[BUSY],
           memory[WANT] / WANT_NUMBER, memory[WANT] % WANT_NUMBER, memory[ASKER], memory[HEAD],
           memory[TAIL], memory[ANSWER0], memory[ANSWER0 + 1]);
}

static const struct scene scenes[] = {
    {.tasks = 2, .script = "", .tries = {1, 1}},    {.tasks = 2, .script = "-", .tries = {1, 0}},
    {.tasks = 3, .script = "-+-", .tries = {1, 0}}, {.tasks = 3, .script = "--", .tries = {1, 1}},
    {.tasks = 2, .script = "+--", .tries = {2, 1}}, {.tasks = 1, .script = "+-+-", .tries = {2, 2}},
};

enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static void begin(void *state, int number, int fault)
{
    struct state *s = state;
    scene = scenes[number];
    broken = (enum fault)fault;
    for (int i = 0; i < scene.tasks; i++)
        s->machine.memory[RING0 + i] = (uint8_t)i;
    s->machine.memory[TAIL] = s->next = (uint8_t)scene.tasks;
    s->pushed = (uint8_t)(bit(scene.tasks) - 1);
    for (int i = 0; i < THIEVES; i++)
        s->left[i] = (uint8_t)scene.tries[i];
}

int main(void)
{
    static const struct model rob = {
        .size = sizeof(struct state),
        .most = MOST_STATES,
        .scenes = SCENES,
        .faults = FAULTS,
        .fault_names = fault_names,
        .begin = begin,
        .step = step_thread,
        .arrive = check_arrival,
        .end = check_end,
        .show = show_move,
    };
    model_run(&rob);
    return 0;
}
