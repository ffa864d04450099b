/*
 * How a scope ends while it is cancelled, explored exhaustively: every order of the steps of its
 * owner, who closes it; a task that waits in it; a task that cancels it and ends; and somebody who
 * cancels the scope around it and comes down. Steps are single locked operations or sections under
 * one lock; the order of plain stores is the matter of model_claim.c.
 *
 * Checked in every state:
 * 1. Nobody touches the scope after its owner has gone on.
 * 2. The owner goes on only when no task is left, and is woken once for each time that it parks.
 * Checked where nothing can go on:
 * 3. Everybody has come to his end: the waiting task was told, and the owner woken.
 *
 * The model can fail: each of a list of faults, each a rule left out, must be found.
 */
/* test: workers=1 */
#include "test.h"

enum fault {
    NO_FAULT,
    NO_PIN,
    PIN_AFTER_UNLOCK,
    NO_LAST_LOOK,
    NO_DETACH,
    WAITED_STAYS,
    COUNT_THEN_LOOK,
    MARK_READ_BEFORE_JOINING,
    PREPARE_PASSED_OVER,
    COMMIT_WITHOUT_LOOK,
    FAULTS
};

static const char *const fault_names[FAULTS] = {
    "none",
    "the one who walks does not pin the scope",
    "the scope is pinned after the list it was found in is unlocked",
    "the owner does not look once more after it has left the tree",
    "the owner goes without leaving the tree",
    "who wakes the owner leaves the mark that it waits",
    "a task is counted off, then its ender looks whether the owner waits",
    "a waiter looks whether it is cancelled before it joins the list",
    "who walks takes a waiter that prepares for one that does not wait",
    "the owner parks without another look whether it is empty",
};

enum claim { RUNNING, PREPARE, WAITING, CANCELLED };

enum actor { OWNER, TASK, CANCELLER, WALKER, ACTORS };

struct state {
    uint8_t at[ACTORS];
    uint8_t tasks, pins, waited; /* the scope's word */
    uint8_t outer_lock, lock;    /* of the scope around it, and its own: who holds it, + 1 */
    uint8_t linked, cancelled, alive;
    uint8_t listed, claim; /* the waiting task's */
    uint8_t saw_mark, woken;
    uint8_t parked, ready; /* the owner's */
    uint8_t last_look;
    uint8_t noted[ACTORS]; /* the claim that was read; by who walks */
    uint8_t wakes[ACTORS]; /* has to wake the owner */
};

static enum fault fault;
static const char *violation;

static void check(bool holds, const char *what)
{
    if (!holds && !violation)
        violation = what;
}

static void touch(const struct state *s)
{
    check(s->alive, "the scope was touched after its owner had gone on");
}

static bool lock(struct state *s, enum actor self)
{
    touch(s);
    if (s->lock)
        return false;
    s->lock = (uint8_t)(self + 1);
    return true;
}

/* Takes a task or a pin away; the scope may be gone after that. */
static void take_away(struct state *s, enum actor self, uint8_t *count)
{
    touch(s);
    --*count;
    s->wakes[self] = s->waited && s->tasks + s->pins == 0;
    if (s->wakes[self] && fault != WAITED_STAYS)
        s->waited = 0;
}

static void wake_owner(struct state *s, enum actor self)
{
    if (fault == COUNT_THEN_LOOK) {
        touch(s);
        s->wakes[self] = s->waited && s->tasks + s->pins == 0;
        s->waited = 0;
    }
    if (!s->wakes[self])
        return;
    touch(s); /* reads who waits */
    check(s->parked, "the owner was woken though it does not wait");
    s->ready = 1;
}

enum owner_step { O_LOOK, O_COMMIT, O_SLEEP, O_LOCK_OUTER, O_DETACH, O_GO, O_DONE };

static bool step_owner(struct state *s)
{
    bool empty = s->tasks + s->pins == 0;
    switch ((enum owner_step)s->at[OWNER]) {
    case O_LOOK:
        s->at[OWNER] = !empty ? O_COMMIT : s->last_look ? O_GO : O_LOCK_OUTER;
        if (empty && fault == NO_DETACH)
            s->at[OWNER] = O_GO;
        return true;
    case O_COMMIT:
        s->at[OWNER] = O_SLEEP;
        if (empty && fault != COMMIT_WITHOUT_LOOK)
            s->at[OWNER] = O_LOOK;
        else
            s->waited = s->parked = 1;
        return true;
    case O_SLEEP:
        if (!s->ready)
            return false;
        s->ready = s->parked = 0;
        s->at[OWNER] = O_LOOK;
        return true;
    case O_LOCK_OUTER:
        if (s->outer_lock)
            return false;
        s->outer_lock = OWNER + 1;
        s->at[OWNER] = O_DETACH;
        return true;
    case O_DETACH:
        s->linked = 0;
        s->outer_lock = 0;
        s->last_look = 1;
        s->at[OWNER] = fault == NO_LAST_LOOK ? O_GO : O_LOOK;
        return true;
    case O_GO:
        check(s->tasks == 0, "the owner went on before a task had ended");
        s->alive = 0;
        s->at[OWNER] = O_DONE;
        return true;
    case O_DONE:
        break;
    }
    return false;
}

enum task_step {
    T_BEGIN,
    T_LOCK,
    T_JOIN,
    T_PREPARE,
    T_LOOK,
    T_COMMIT,
    T_SLEEP,
    T_LEAVE_LOCK,
    T_LEAVE,
    T_END,
    T_WAKE,
    T_DONE
};

static bool step_task(struct state *s)
{
    uint8_t *at = &s->at[TASK];
    switch ((enum task_step) * at) {
    case T_BEGIN:
        s->saw_mark = s->cancelled;
        *at = T_LOCK;
        return true;
    case T_LOCK:
        if (!lock(s, TASK))
            return false;
        *at = T_JOIN;
        return true;
    case T_JOIN:
        s->listed = 1;
        s->lock = 0;
        *at = T_PREPARE;
        return true;
    case T_PREPARE:
        s->claim = PREPARE;
        *at = T_LOOK;
        return true;
    case T_LOOK:
        touch(s);
        if (fault != MARK_READ_BEFORE_JOINING)
            s->saw_mark = s->cancelled;
        *at = s->saw_mark ? T_LEAVE_LOCK : T_COMMIT;
        if (s->saw_mark)
            s->claim = RUNNING;
        return true;
    case T_COMMIT:
        s->claim = WAITING;
        *at = T_SLEEP;
        return true;
    case T_SLEEP:
        if (!s->woken)
            return false;
        s->claim = RUNNING;
        *at = T_LEAVE_LOCK;
        return true;
    case T_LEAVE_LOCK:
        if (!lock(s, TASK))
            return false;
        *at = T_LEAVE;
        return true;
    case T_LEAVE:
        s->listed = 0;
        s->lock = 0;
        *at = T_END;
        return true;
    case T_END:
        take_away(s, TASK, &s->tasks);
        *at = T_WAKE;
        return true;
    case T_WAKE:
        wake_owner(s, TASK);
        *at = T_DONE;
        return true;
    case T_DONE:
        break;
    }
    return false;
}

/* From W_TELL on the same for both who walk. */
enum walk_step {
    W_LOCK_OUTER,
    W_FIND,
    W_LOCK,
    W_MARK,
    W_PIN,
    W_UNLOCK_OUTER,
    W_PIN_LATE,
    W_TELL_LOCK,
    W_TELL,
    W_INTERRUPT,
    W_UNPIN,
    W_WAKE,
    W_END,
    W_END_WAKE,
    W_DONE
};

static bool step_walk(struct state *s, enum actor self)
{
    uint8_t *at = &s->at[self];
    bool from_above = self == WALKER;
    switch ((enum walk_step) * at) {
    case W_LOCK_OUTER: /* the canceller is a task of the scope, and needs none */
        if (from_above && s->outer_lock)
            return false;
        if (from_above)
            s->outer_lock = WALKER + 1;
        *at = from_above ? W_FIND : W_LOCK;
        return true;
    case W_FIND:
        *at = s->linked ? W_LOCK : W_DONE;
        if (!s->linked)
            s->outer_lock = 0;
        return true;
    case W_LOCK:
        if (!lock(s, self))
            return false;
        *at = W_MARK;
        return true;
    case W_MARK:
        s->noted[self] = !s->cancelled; /* it is the first */
        s->cancelled = 1;
        s->lock = 0;
        *at = W_PIN;
        return true;
    case W_PIN:
        if (s->noted[self] && fault != NO_PIN && (fault != PIN_AFTER_UNLOCK || !from_above))
            s->pins++;
        *at = W_UNLOCK_OUTER;
        return true;
    case W_UNLOCK_OUTER:
        if (from_above)
            s->outer_lock = 0;
        *at = s->noted[self] ? W_PIN_LATE : from_above ? W_DONE : W_END;
        return true;
    case W_PIN_LATE:
        if (fault == PIN_AFTER_UNLOCK && from_above) {
            touch(s);
            s->pins++;
        }
        *at = W_TELL_LOCK;
        return true;
    case W_TELL_LOCK:
        if (!lock(s, self))
            return false;
        *at = W_TELL;
        return true;
    case W_TELL:
        s->noted[self] = s->listed ? s->claim : RUNNING;
        s->lock = 0;
        *at = W_INTERRUPT;
        return true;
    case W_INTERRUPT:
        if (s->noted[self] == PREPARE && s->claim == PREPARE && fault != PREPARE_PASSED_OVER)
            return false; /* looks again */
        if (s->noted[self] != RUNNING && s->claim == WAITING &&
            (fault != PREPARE_PASSED_OVER || s->noted[self] == WAITING)) {
            s->claim = CANCELLED;
            s->woken = 1;
        }
        *at = W_UNPIN;
        return true;
    case W_UNPIN:
        s->wakes[self] = 0;
        if (fault != NO_PIN)
            take_away(s, self, &s->pins);
        *at = W_WAKE;
        return true;
    case W_WAKE:
        if (fault != NO_PIN)
            wake_owner(s, self);
        *at = from_above ? W_DONE : W_END;
        return true;
    case W_END:
        take_away(s, self, &s->tasks);
        *at = W_END_WAKE;
        return true;
    case W_END_WAKE:
        wake_owner(s, self);
        *at = W_DONE;
        return true;
    case W_DONE:
        break;
    }
    return false;
}

static bool step(struct state *s, enum actor actor)
{
    return actor == OWNER ? step_owner(s) : actor == TASK ? step_task(s) : step_walk(s, actor);
}

/* --- the search --- */

enum { MOST_STATES = 1 << 20, SLOTS = MOST_STATES * 2 };

static struct state *states;
static uint32_t *slots; /* index + 1 */
static uint32_t state_count;

static void add_state(const struct state *s)
{
    uint64_t hash = UINT64_C(1469598103934665603);
    for (size_t i = 0; i < sizeof(*s); i++)
        hash = (hash ^ ((const unsigned char *)s)[i]) * UINT64_C(1099511628211);
    uint32_t slot = (uint32_t)((hash ^ (hash >> 29)) % SLOTS);
    for (; slots[slot]; slot = (slot + 1) % SLOTS)
        if (memcmp(&states[slots[slot] - 1], s, sizeof(*s)) == 0)
            return;
    CHECK(state_count < MOST_STATES);
    states[state_count] = *s;
    slots[slot] = ++state_count;
}

static void check_end(const struct state *s)
{
    check(s->at[TASK] == T_DONE, "the task waits on, in a scope that is cancelled");
    check(s->at[CANCELLER] == W_DONE && s->at[WALKER] == W_DONE, "who cancels is stuck");
    check(s->at[OWNER] == O_DONE, "the owner was not woken");
}

static const char *explore(enum fault with)
{
    struct state start;
    memset(&start, 0, sizeof(start));
    start.tasks = 2;
    start.linked = start.alive = 1;
    memset(slots, 0, SLOTS * sizeof(*slots));
    fault = with;
    violation = NULL;
    state_count = 0;
    add_state(&start);
    for (uint32_t i = 0; i < state_count && !violation; i++) {
        bool moved = false;
        for (int actor = 0; actor < ACTORS && !violation; actor++) {
            struct state next = states[i];
            if (step(&next, (enum actor)actor)) {
                moved = true;
                add_state(&next);
            }
        }
        if (!moved)
            check_end(&states[i]);
    }
    return violation;
}

int main(void)
{
    states = malloc((size_t)MOST_STATES * sizeof(*states));
    slots = malloc((size_t)SLOTS * sizeof(*slots));
    CHECK(states && slots);
    const char *found = explore(NO_FAULT);
    printf("%u states\n", state_count);
    if (found)
        test_fail(__FILE__, __LINE__, found);
    for (int with = NO_FAULT + 1; with < FAULTS; with++) {
        found = explore((enum fault)with);
        printf("fault: %s\n  %s\n", fault_names[with], found ? found : "not found");
        CHECK(found);
    }
    free(states);
    free(slots);
    return 0;
}
