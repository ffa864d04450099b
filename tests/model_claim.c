/*
 * The claim protocol of docs/design.md, "Waiting and waking", explored exhaustively: every order of
 * the steps of a waiter, two who grant, one who cancels and two timers, on a machine with store
 * buffers (x86-TSO: a thread's plain stores reach memory later, in order; its locked operations and
 * fences wait until they have).
 *
 * The waiter waits twice in a row with one record: first on all queues, then on queue 0 alone. A
 * granter puts a token into its queue: to the node in line, or to be taken by who comes later.
 *
 * In scenes that move, the second queue is a mutex's and the first a condition's: whom granter 0
 * has claimed takes a token of the other queue, too, and where there is none waits there, firmly,
 * by a second node (wait_further() in sched/park.c). The second wait is for the mutex alone.
 *
 * Checked in every state:
 * 1. A claim that succeeds was meant for the wait that it ends. (One wins per wait.)
 * 2. Nobody touches a node after its wait has returned.
 * Checked where nothing can go on:
 * 3. The waiter does not sleep while a token lies in one of its queues, after it was cancelled, or
 *    after its timer came: no wake-up is lost.
 * 4. The tokens given are those received and those still there: no grant is lost or doubled.
 * 5. Nobody else is stuck.
 *
 * The model can fail: each of a list of faults, each a rule of the protocol left out, must be
 * found. That shows that the rule is needed, and that the model would see it broken.
 */
/* test: workers=1 */
#include "test.h"

enum { QUEUES = 2, WAITS = 2, BUFFER = 3, MOST_STATES = 1 << 21 };

enum place {
    CLAIM, /* wait * CLAIM_STATES + enum claim */
    FLAG,  /* cancelled */
    READY, /* the wait whose waiter was put into a run queue */
    LOCK0,
    LOCK1,
    NODE0, /* the wait whose node is in line; 0: the line is empty */
    NODE1,
    TOKENS0, /* free to take */
    TOKENS1,
    PLACES
};

enum claim { RUNNING, PREPARE, WAITING, GRANTED, CANCELLED, TIMED_OUT, FIRM, CLAIM_STATES = 8 };

enum thread { WAITER, GRANTER0, GRANTER1, CANCELLER, TIMER1, TIMER2, THREADS };

#include "test_support/model.h"

enum fault {
    NO_FAULT,
    FLAG_READ_BEFORE_PREPARE,
    WAITER_WITHOUT_FENCE,
    CANCELLER_WITHOUT_FENCE,
    CANCELLER_PASSES_OVER_PREPARE,
    TIMER_PASSES_OVER_PREPARE,
    LOSER_PASSES_BY_THE_LOCK,
    CLAIM_WITHOUT_SEQUENCE,
    UNLOCK_BEFORE_COMMIT,
    UNLINK_WITHOUT_CLAIM,
    GRANT_DROPPED_BY_LOSER,
    WRITE_AFTER_READY,
    MOVE_WITH_OLD_NUMBER,
    MOVE_QUEUES_FIRST,
    MOVE_PASSES_BY_TOKEN,
    FAULTS
};

static const char *const fault_names[FAULTS] = {
    "none",
    "the waiter reads its cancel flag before it stores PREPARE",
    "the waiter's PREPARE may linger in its store buffer when it reads the flag",
    "the canceller's flag may linger in its store buffer when it reads the claim",
    "the canceller takes PREPARE for not waiting",
    "the timer takes PREPARE for not waiting",
    "a waiter that was not granted returns without passing through the lock",
    "the claim has no sequence number",
    "the waiter unlocks before it stores WAITING",
    "a granter takes an unlinked node for granted",
    "a granter that loses the claim drops the token",
    "a granter writes to the waiter after it has readied it",
    "a claimed wait goes on under its old number, to be ended by all",
    "a claimed wait goes on in the other queue before it can be claimed",
    "a claimed wait goes on waiting beside a token",
};

/* Who takes part; the waiter always does. */
struct scene {
    int queues;         /* that the first wait stands in */
    int grants[QUEUES]; /* tokens given to each queue */
    bool cancels, times_first, times_second;
    bool moves;
};

struct state {
    struct machine machine;
    uint8_t step[THREADS];
    /* The waiter's own. */
    uint8_t wait, queue, result, granted_by; /* wait: its number */
    uint8_t ended;                           /* waits that have returned */
    bool saw_flag;
    /* A granter's own, the canceller's, a timer's. */
    uint8_t left[QUEUES], node[QUEUES];
    bool won[QUEUES];
    uint8_t seen[THREADS];
    /* What only the checks look at. */
    uint8_t received, alive, sleeping, armed, fired; /* the last four: one bit per wait */
    uint8_t timed[WAITS];                            /* the number of each wait, for its timer */
    uint8_t moved;                                   /* 1 + the number of the second node */
    bool took_other;                                 /* who moves has taken the other token */
};

static struct scene scene;
static enum fault broken;

/* --- the protocol --- */

static uint8_t claim_word(int wait, enum claim state)
{
    return (uint8_t)(wait * CLAIM_STATES + state);
}

static int claim_wait(uint8_t word)
{
    return word / CLAIM_STATES;
}

static enum claim claim_of(uint8_t word)
{
    return word % CLAIM_STATES;
}

static uint8_t bit(int wait)
{
    return (uint8_t)(1 << wait);
}

static void touch_node(const struct state *s, int wait)
{
    check(s->alive & bit(wait), "a node was touched after its wait had returned");
}

/* A locked operation: call it with the buffer drained. */
static bool take_lock(struct state *s, int queue)
{
    if (s->machine.memory[LOCK0 + queue])
        return false;
    s->machine.memory[LOCK0 + queue] = 1;
    return true;
}

/* A locked operation: call it with the buffer drained. `meant` is the wait it is to end. */
static bool try_claim(struct state *s, int meant, enum claim outcome)
{
    uint8_t word = s->machine.memory[CLAIM];
    if (claim_of(word) != WAITING && (claim_of(word) != FIRM || outcome != GRANTED))
        return false;
    if (claim_wait(word) != meant && broken != CLAIM_WITHOUT_SEQUENCE)
        return false;
    check(claim_wait(word) == meant, "a wait was ended by a claim that was meant for another");
    s->machine.memory[CLAIM] = claim_word(claim_wait(word), outcome);
    return true;
}

enum waiter_step {
    W_BEGIN,
    W_PREPARE,
    W_LOCK,
    W_TAKE,
    W_ENQUEUE,
    W_READ_FLAG,
    W_ARM,
    W_COMMIT,
    W_UNLOCK,
    W_COMMIT_LATE,
    W_SLEEP,
    W_PASS_LOCK,
    W_PASS_REMOVE,
    W_PASS_UNLOCK,
    W_BACK_OUT,
    W_BACK_REMOVE,
    W_BACK_UNLOCK,
    W_RETURN,
    W_DONE
};

/* The queues that the current wait stands in. */
static int first_queue(const struct state *s)
{
    return scene.moves && s->ended > 0;
}

static int end_queue(const struct state *s)
{
    return first_queue(s) + (s->ended == 0 ? scene.queues : 1);
}

static bool wait_has_timer(int ended)
{
    return ended == 0 ? scene.times_first : scene.times_second;
}

/* The nodes of the current wait. */
static uint8_t node_bits(const struct state *s)
{
    return (uint8_t)(bit(s->wait) | (scene.moves && s->ended == 0 ? bit(s->wait + 1) : 0));
}

/* Goes from queue to queue of the wait; from the last one to `after`. */
static void next_queue(struct state *s, int same, int after)
{
    s->queue++;
    s->step[WAITER] = (uint8_t)same;
    if (s->queue >= end_queue(s)) {
        s->queue = (uint8_t)first_queue(s);
        s->step[WAITER] = (uint8_t)after;
    }
}

static bool waiter_lock(struct state *s, int after)
{
    bool fenced = broken != WAITER_WITHOUT_FENCE;
    if ((fenced && !drained(s, WAITER)) || !take_lock(s, s->queue))
        return false;
    next_queue(s, s->step[WAITER], after);
    return true;
}

/* With the locks held: a token that is there is taken, and nothing waits. */
static void waiter_take(struct state *s)
{
    s->step[WAITER] = W_ENQUEUE;
    for (int q = first_queue(s); q < end_queue(s); q++) {
        int tokens = load(s, WAITER, TOKENS0 + q);
        if (tokens > 0) {
            store(s, WAITER, TOKENS0 + q, tokens - 1);
            s->result = GRANTED;
            s->step[WAITER] = W_BACK_OUT;
            return;
        }
    }
}

static void waiter_read_flag(struct state *s)
{
    bool early = broken == FLAG_READ_BEFORE_PREPARE;
    bool cancelled = early ? s->saw_flag : load(s, WAITER, FLAG) != 0;
    s->step[WAITER] = W_ARM;
    if (cancelled) {
        s->result = CANCELLED;
        s->step[WAITER] = W_BACK_REMOVE;
    }
}

static void waiter_resume(struct state *s)
{
    s->sleeping &= (uint8_t)~bit(s->wait);
    s->result = (uint8_t)claim_of(load(s, WAITER, CLAIM));
    check(s->result >= GRANTED && s->result <= TIMED_OUT,
          "a waiter was resumed that nobody had claimed");
    s->step[WAITER] = W_PASS_LOCK;
    if (broken == LOSER_PASSES_BY_THE_LOCK || s->moved)
        s->step[WAITER] = W_RETURN;
}

/* Its node may still be in a line, or in the hands of who holds that lock. */
static bool waiter_pass_lock(struct state *s)
{
    if (s->result == GRANTED && s->granted_by == s->queue) {
        next_queue(s, W_PASS_LOCK, W_RETURN); /* out of that line, and nobody else can have it */
        return true;
    }
    if (!drained(s, WAITER) || !take_lock(s, s->queue))
        return false;
    s->step[WAITER] = W_PASS_REMOVE;
    return true;
}

static void waiter_return(struct state *s)
{
    int number = claim_wait(load(s, WAITER, CLAIM));
    store(s, WAITER, CLAIM, claim_word(number, RUNNING));
    s->alive &= (uint8_t)~node_bits(s);
    s->received += s->result == GRANTED ? 1 + (s->moved || s->took_other) : 0;
    s->result = s->granted_by = s->moved = 0;
    s->saw_flag = s->took_other = false;
    s->wait = (uint8_t)(number + 1);
    s->ended++;
    s->queue = (uint8_t)first_queue(s);
    s->step[WAITER] = s->ended == WAITS ? W_DONE : W_BEGIN;
}

static bool step_waiter(struct state *s)
{
    switch ((enum waiter_step)s->step[WAITER]) {
    case W_BEGIN:
        s->saw_flag = load(s, WAITER, FLAG) != 0; /* used by a fault only */
        s->alive |= node_bits(s);
        s->step[WAITER] = W_PREPARE;
        return true;
    case W_PREPARE:
        store(s, WAITER, CLAIM, claim_word(s->wait, PREPARE));
        s->step[WAITER] = W_LOCK;
        return true;
    case W_LOCK:
        return waiter_lock(s, W_TAKE);
    case W_TAKE:
        waiter_take(s);
        return true;
    case W_ENQUEUE:
        store(s, WAITER, NODE0 + s->queue, s->wait);
        next_queue(s, W_ENQUEUE, W_READ_FLAG);
        return true;
    case W_READ_FLAG:
        waiter_read_flag(s);
        return true;
    case W_ARM: /* takes the lock of the timers */
        if (wait_has_timer(s->ended) && !drained(s, WAITER))
            return false;
        s->timed[s->ended] = s->wait;
        s->armed |= bit(s->ended);
        s->step[WAITER] = broken == UNLOCK_BEFORE_COMMIT ? W_UNLOCK : W_COMMIT;
        return true;
    case W_COMMIT:
        store(s, WAITER, CLAIM, claim_word(s->wait, WAITING));
        s->step[WAITER] = W_UNLOCK;
        return true;
    case W_UNLOCK:
        store(s, WAITER, LOCK0 + s->queue, 0);
        next_queue(s, W_UNLOCK, broken == UNLOCK_BEFORE_COMMIT ? W_COMMIT_LATE : W_SLEEP);
        if (s->step[WAITER] == W_SLEEP)
            s->sleeping |= bit(s->wait);
        return true;
    case W_COMMIT_LATE:
        store(s, WAITER, CLAIM, claim_word(s->wait, WAITING));
        s->sleeping |= bit(s->wait);
        s->step[WAITER] = W_SLEEP;
        return true;
    case W_SLEEP:
        if (load(s, WAITER, READY) != (s->moved ? s->moved - 1 : s->wait))
            return false;
        waiter_resume(s);
        return true;
    case W_PASS_LOCK:
        return waiter_pass_lock(s);
    case W_PASS_REMOVE:
        if (load(s, WAITER, NODE0 + s->queue) == s->wait)
            store(s, WAITER, NODE0 + s->queue, 0);
        s->step[WAITER] = W_PASS_UNLOCK;
        return true;
    case W_PASS_UNLOCK:
        store(s, WAITER, LOCK0 + s->queue, 0);
        next_queue(s, W_PASS_LOCK, W_RETURN);
        return true;
    case W_BACK_REMOVE:
        store(s, WAITER, NODE0 + s->queue, 0);
        next_queue(s, W_BACK_REMOVE, W_BACK_OUT);
        return true;
    case W_BACK_OUT:
        store(s, WAITER, CLAIM, claim_word(s->wait, RUNNING));
        s->step[WAITER] = W_BACK_UNLOCK;
        return true;
    case W_BACK_UNLOCK:
        store(s, WAITER, LOCK0 + s->queue, 0);
        next_queue(s, W_BACK_UNLOCK, W_RETURN);
        return true;
    case W_RETURN:
        waiter_return(s);
        return true;
    case W_DONE:
        break;
    }
    return false;
}

enum granter_step {
    G_LOCK,
    G_LOOK,
    G_UNLINK,
    G_CLAIM,
    G_KEEP,
    G_WRITE,
    G_UNLOCK,
    G_READY,
    G_WRITE_LATE,
    G_MOVE_LOCK,
    G_MOVE,
    G_MOVE_UNLOCK,
    G_MOVE_LATE,
    G_NEXT,
};

/* The node is out of the line, the lock is held. */
static void granter_claim(struct state *s, int self, int queue)
{
    s->won[queue] = try_claim(s, s->node[queue], GRANTED);
    if (broken == UNLINK_WITHOUT_CLAIM)
        s->won[queue] = true;
    if (s->won[queue])
        s->step[self] = broken == WRITE_AFTER_READY ? G_UNLOCK : G_WRITE;
    else
        s->step[self] = broken == GRANT_DROPPED_BY_LOSER ? G_UNLOCK : G_KEEP;
}

static void granter_write(struct state *s, int queue)
{
    touch_node(s, s->node[queue]);
    s->granted_by = (uint8_t)queue;
}

/* The mutex's lock is held: the claimed wait takes its token, or goes on in its queue. */
static void granter_move(struct state *s, int self)
{
    int tokens = load(s, self, TOKENS1);
    bool keeps_number = broken == MOVE_WITH_OLD_NUMBER;
    int number = s->node[0] + !keeps_number;
    s->step[self] = G_MOVE_UNLOCK;
    if (tokens > 0 && broken != MOVE_PASSES_BY_TOKEN) {
        store(s, self, TOKENS1, tokens - 1);
        s->took_other = true;
        return;
    }
    touch_node(s, s->node[0] + 1);
    s->moved = (uint8_t)(1 + number);
    if (broken != MOVE_QUEUES_FIRST)
        store(s, self, CLAIM, claim_word(number, keeps_number ? WAITING : FIRM));
    store(s, self, NODE1, number);
}

static bool step_granter(struct state *s, int self)
{
    int queue = self - GRANTER0;
    switch ((enum granter_step)s->step[self]) {
    case G_LOCK:
        if (s->left[queue] == 0 || !drained(s, self) || !take_lock(s, queue))
            return false;
        s->step[self] = G_LOOK;
        return true;
    case G_LOOK:
        s->node[queue] = load(s, self, NODE0 + queue);
        s->step[self] = s->node[queue] ? G_UNLINK : G_KEEP;
        return true;
    case G_UNLINK:
        touch_node(s, s->node[queue]); /* reads its links, its record and its sequence */
        store(s, self, NODE0 + queue, 0);
        s->step[self] = G_CLAIM;
        return true;
    case G_CLAIM:
        if (!drained(s, self))
            return false;
        touch_node(s, s->node[queue]);
        granter_claim(s, self, queue);
        return true;
    case G_KEEP:
        store(s, self, TOKENS0 + queue, load(s, self, TOKENS0 + queue) + 1);
        s->step[self] = G_UNLOCK;
        return true;
    case G_WRITE:
        granter_write(s, queue);
        s->step[self] = G_UNLOCK;
        return true;
    case G_UNLOCK:
        store(s, self, LOCK0 + queue, 0);
        s->step[self] = !s->won[queue]                    ? G_NEXT
                        : scene.moves && self == GRANTER0 ? G_MOVE_LOCK
                                                          : G_READY;
        return true;
    case G_MOVE_LOCK:
        if (!drained(s, self) || !take_lock(s, 1))
            return false;
        s->step[self] = G_MOVE;
        return true;
    case G_MOVE:
        granter_move(s, self);
        return true;
    case G_MOVE_UNLOCK:
        store(s, self, LOCK1, 0);
        s->step[self] = s->took_other                 ? G_READY
                        : broken == MOVE_QUEUES_FIRST ? G_MOVE_LATE
                                                      : G_NEXT;
        return true;
    case G_MOVE_LATE:
        store(s, self, CLAIM, claim_word(s->node[0] + 1, FIRM));
        s->step[self] = G_NEXT;
        return true;
    case G_READY:
        store(s, self, READY, s->node[queue]);
        s->step[self] = broken == WRITE_AFTER_READY ? G_WRITE_LATE : G_NEXT;
        return true;
    case G_WRITE_LATE:
        granter_write(s, queue);
        s->step[self] = G_NEXT;
        return true;
    case G_NEXT:
        s->won[queue] = false;
        s->node[queue] = 0;
        s->left[queue]--;
        s->step[self] = G_LOCK;
        return true;
    }
    return false;
}

enum ender_step { E_SET, E_FENCE, E_READ, E_CLAIM, E_READY, E_DONE };

/* Reads the claim. Returns false where it has to look again. */
static bool ender_read(struct state *s, int self, bool passes_over_prepare)
{
    uint8_t word = load(s, self, CLAIM);
    if (claim_of(word) == PREPARE && !passes_over_prepare)
        return false;
    s->seen[self] = (uint8_t)claim_wait(word);
    s->step[self] = claim_of(word) == WAITING ? E_CLAIM : E_DONE;
    return true;
}

static bool ender_claim(struct state *s, int self, enum claim outcome)
{
    if (!drained(s, self))
        return false;
    s->step[self] = try_claim(s, s->seen[self], outcome) ? E_READY : E_DONE;
    return true;
}

static bool step_canceller(struct state *s)
{
    switch ((enum ender_step)s->step[CANCELLER]) {
    case E_SET:
        if (!scene.cancels)
            return false;
        store(s, CANCELLER, FLAG, 1);
        s->step[CANCELLER] = broken == CANCELLER_WITHOUT_FENCE ? E_READ : E_FENCE;
        return true;
    case E_FENCE:
        if (!drained(s, CANCELLER))
            return false;
        s->step[CANCELLER] = E_READ;
        return true;
    case E_READ:
        return ender_read(s, CANCELLER, broken == CANCELLER_PASSES_OVER_PREPARE);
    case E_CLAIM:
        return ender_claim(s, CANCELLER, CANCELLED);
    case E_READY:
        store(s, CANCELLER, READY, s->seen[CANCELLER]);
        s->step[CANCELLER] = E_DONE;
        return true;
    case E_DONE:
        break;
    }
    return false;
}

/* A timer holds the record and the sequence of its wait, and may come when that is long over. */
static bool step_timer(struct state *s, int self)
{
    int ended = self - TIMER1, wait = s->timed[ended];
    uint8_t word = load(s, self, CLAIM);
    switch ((enum ender_step)s->step[self]) {
    case E_SET:
    case E_FENCE:
        if (!wait_has_timer(ended) || !(s->armed & bit(ended)))
            return false;
        s->fired |= bit(ended);
        s->step[self] = E_READ;
        return true;
    case E_READ:
        if (claim_wait(word) != wait && broken != CLAIM_WITHOUT_SEQUENCE) {
            s->step[self] = E_DONE;
            return true;
        }
        if (!ender_read(s, self, broken == TIMER_PASSES_OVER_PREPARE))
            return false;
        s->seen[self] = (uint8_t)wait;
        return true;
    case E_CLAIM:
        return ender_claim(s, self, TIMED_OUT);
    case E_READY:
        store(s, self, READY, s->seen[self]);
        s->step[self] = E_DONE;
        return true;
    case E_DONE:
        break;
    }
    return false;
}

/* --- the checks --- */

static bool step_thread(void *state, int thread)
{
    struct state *s = state;
    if (!can_store(s, thread, 1))
        return false;
    switch ((enum thread)thread) {
    case WAITER:
        return step_waiter(s);
    case GRANTER0:
    case GRANTER1:
        return step_granter(s, thread);
    case CANCELLER:
        return step_canceller(s);
    case TIMER1:
    case TIMER2:
        return step_timer(s, thread);
    case THREADS:
        break;
    }
    return false;
}

/* Nothing can go on: is this how it may end? */
static void check_end(const void *state)
{
    const struct state *s = state;
    int tokens = 0, given = 0;
    for (int q = 0; q < QUEUES; q++) {
        tokens += s->machine.memory[TOKENS0 + q];
        given += scene.grants[q];
        check(s->left[q] == 0, "a granter is stuck");
    }
    int moving = s->moved && s->step[WAITER] == W_SLEEP; /* its first token is used up */
    check(given == tokens + s->received + moving, "a grant was lost or doubled");
    check(!scene.cancels || s->step[CANCELLER] == E_DONE, "the canceller is stuck");
    if (s->step[WAITER] == W_DONE)
        return;
    check(s->step[WAITER] == W_SLEEP, "the waiter is stuck");
    if (s->moved) {
        check(s->machine.memory[TOKENS1] == 0,
              "a wake-up was lost: a moved waiter sleeps beside a token");
        return;
    }
    check(!s->machine.memory[FLAG], "a wake-up was lost: the waiter sleeps, and was cancelled");
    check(!(s->fired & bit(s->ended)), "a wake-up was lost: the waiter sleeps past its deadline");
    for (int q = first_queue(s); q < end_queue(s); q++)
        check(s->machine.memory[TOKENS0 + q] == 0,
              "a wake-up was lost: the waiter sleeps beside a token");
}

static void show_move(const void *state, int thread, bool arrives)
{
    static const char *const names[] = {"waiter",    "granter 0", "granter 1",
                                        "canceller", "timer 1",   "timer 2"};
    const struct state *s = state;
    const uint8_t *memory = s->machine.memory;
    printf("  %s%s -> step %d; claim %d.%d flag %d ready %d nodes %d %d tokens %d %d\n",
           names[thread], arrives ? "'s store arrives" : "", s->step[thread],
           claim_wait(memory[CLAIM]), claim_of(memory[CLAIM]), memory[FLAG], memory[READY],
           memory[NODE0], memory[NODE1], memory[TOKENS0], memory[TOKENS1]);
}

static const struct scene scenes[] = {
    {.queues = 1, .cancels = true},
    {.queues = 1, .times_first = true, .times_second = true},
    {.queues = 1, .cancels = true, .times_first = true, .times_second = true},
    {.queues = 1, .grants = {2}, .cancels = true, .times_first = true},
    {.queues = 1, .grants = {2}, .times_first = true, .times_second = true},
    {.queues = 2, .grants = {1, 1}},
    {.queues = 2, .grants = {1, 1}, .cancels = true},
    {.queues = 2, .grants = {1, 1}, .times_first = true},
    {.queues = 2, .grants = {2, 1}, .cancels = true, .times_first = true, .times_second = true},
    {.queues = 1, .grants = {1, 1}, .moves = true},
    {.queues = 1, .grants = {1, 2}, .cancels = true, .times_first = true, .moves = true},
    {.queues = 1, .grants = {2, 2}, .times_first = true, .times_second = true, .moves = true},
};

enum { SCENES = sizeof(scenes) / sizeof(scenes[0]) };

static void begin(void *state, int number, int fault)
{
    struct state *s = state;
    scene = scenes[number];
    broken = (enum fault)fault;
    s->wait = 1;
    for (int q = 0; q < QUEUES; q++)
        s->left[q] = (uint8_t)scene.grants[q];
}

static bool may_show(int number, int fault)
{
    return scenes[number].moves || fault < MOVE_WITH_OLD_NUMBER;
}

int main(void)
{
    static const struct model claim = {
        .size = sizeof(struct state),
        .most = MOST_STATES,
        .scenes = SCENES,
        .faults = FAULTS,
        .fault_names = fault_names,
        .begin = begin,
        .may_show = may_show,
        .step = step_thread,
        .end = check_end,
        .show = show_move,
    };
    model_run(&claim);
    return 0;
}
