/*
 * Trees of scopes, opened by tasks and plain threads, on two pools, with deadlines, limits and
 * shields, while tasks fail and add others, and anybody cancels anything. Every task that was
 * started runs and ends before its scope does; what closing returns has a reason that was there;
 * a wait ends for a reason that was there; once a scope is cancelled, its waits fail; and the scope
 * is gone, its memory overwritten, right after it is closed.
 */
#include "../test_support/storm.h"
#include <bine/scope.h>

enum { ACTORS = 8, DEPTH = 3, POISON = 0x5a, FIRST_ERROR = 1000, ERRORS = 16 };

static _Atomic long started, ended, refused, failures, timeouts, cancels, fine;
static bine_pool *other_pool;
static bine_event never_set;

/* A scope and what is known of it. It lives in the frame of who opens it. */
struct nest {
    bine_scope scope;
    struct nest *outer; /* that may end this one from above; NULL: none, or behind a shield */
    bine_time deadline; /* the nearest of its own and those above */
    unsigned limit;
    _Atomic long live;       /* its tasks */
    _Atomic bool ends;       /* said before it is cancelled, or its task, or before a task fails */
    _Atomic unsigned errors; /* that it may return: a bit each, also said before */
    _Atomic bool ended;      /* said after it was cancelled */
};

static struct nest no_nest = {.deadline = BINE_NEVER};

static int error_of(unsigned number)
{
    return -(int)(FIRST_ERROR + number);
}

/* Something at this scope or above was cancelled, or is about to be. */
static bool may_be_cancelled(const struct nest *nest)
{
    for (; nest; nest = nest->outer)
        if (nest->ends)
            return true;
    return false;
}

static bool is_cancelled(const struct nest *nest)
{
    for (; nest; nest = nest->outer)
        if (nest->ended)
            return true;
    return false;
}

static void check_wait(const struct nest *nest, int result)
{
    if (result == -ECANCELED) {
        CHECK(may_be_cancelled(nest));
        CHECK_EQ(bine_check(), -ECANCELED); /* a level: it stays */
    }
    if (result == -ETIMEDOUT)
        CHECK(bine_now() >= nest->deadline);
}

static void cancel(struct nest *nest, unsigned number)
{
    nest->errors |= 1u << number;
    nest->ends = true;
    bine_scope_cancel(&nest->scope, error_of(number));
    nest->ended = true;
}

/* Cancels this scope or one further out. */
static void cancel_some(struct nest *nest, uint64_t *state)
{
    while (nest->outer && nest->outer->outer && test_random_below(state, 2))
        nest = nest->outer;
    if (nest->outer)
        cancel(nest, (unsigned)test_random_below(state, ERRORS));
}

static void wait_somehow(struct nest *nest, uint64_t *state)
{
    bool before = is_cancelled(nest);
    int result;
    switch (test_random_below(state, 4)) {
    case 0:
        result = bine_sleep((bine_time)test_random_below(state, 100000));
        break;
    case 1:
        result = bine_event_wait_until(&never_set,
                                       bine_after((bine_time)test_random_below(state, 100000)));
        if (result == -ETIMEDOUT)
            result = 0;
        break;
    case 2: /* for ever, unless something above ends it */
        result = nest->deadline != BINE_NEVER || before ? bine_event_wait(&never_set) : 0;
        break;
    default:
        result = bine_check();
        break;
    }
    check_wait(nest, result);
    if (before)
        CHECK(result != 0 || bine_check() != 0);
}

static void open_nest(struct nest *outer, uint64_t seed, int depth);

static int task(struct nest *nest, uint64_t seed, int depth, bool may_fail)
{
    uint64_t state = seed;
    int result = 0;
    storm_shift(&state);
    for (int i = 0; i < 3; i++) {
        switch (test_random_below(&state, 8)) {
        case 0:
        case 1:
            if (depth > 0)
                open_nest(nest, test_random(&state), depth - 1);
            break;
        case 2:
            if (test_random_below(&state, 4) == 0)
                cancel_some(nest, &state);
            break;
        case 3:
            BINE_SHIELDED
            {
                CHECK_EQ(bine_sleep(100), 0);
                if (depth > 0)
                    open_nest(&no_nest, test_random(&state), depth - 1);
            }
            break;
        default:
            wait_somehow(nest, &state);
            break;
        }
        storm_shift(&state);
    }
    if (may_fail && test_random_below(&state, 6) == 0) {
        unsigned number = (unsigned)test_random_below(&state, ERRORS);
        nest->errors |= 1u << number;
        nest->ends = true;
        result = error_of(number);
        failures++;
    }
    nest->live--;
    ended++;
    return result;
}

/* With a future: its result is not the scope's concern, and a cancel of it is not the scope's. */
static void start_future(struct nest *nest, uint64_t *state, int depth)
{
    nest->live++;
    started++;
    bine_future(int) future =
        bine_async_with(BINE_OPTIONS(.scope = &nest->scope, .stack_size = 128 << 10), task, nest,
                        test_random(state), depth, false);
    if (!future) {
        CHECK_EQ(errno, ECANCELED);
        nest->live--;
        started--;
        refused++;
    } else if (test_random_below(state, 2)) {
        bine_drop(future);
    } else {
        CHECK_EQ(bine_await(future), 0);
    }
}

static void start(struct nest *nest, uint64_t *state, int depth)
{
    bool before = is_cancelled(nest);
    int error;
    nest->live++;
    started++;
    if (test_random_below(state, 5) == 0)
        error = bine_go_with(BINE_OPTIONS(.scope = &nest->scope, .pool = other_pool), task, nest,
                             test_random(state), depth, true);
    else
        error = bine_scope_go(&nest->scope, task, nest, test_random(state), depth, true);
    if (before)
        CHECK(error != 0);
    if (error == 0)
        return;
    nest->live--;
    started--;
    refused++;
    CHECK(error == -ECANCELED || (nest->limit && error == -ETIMEDOUT));
    CHECK(may_be_cancelled(nest) || bine_now() >= nest->deadline);
}

/* `before`: it was cancelled when closing began. */
static void check_close(const struct nest *nest, bool before, int result)
{
    CHECK_EQ(nest->live, 0);
    if (result == -ECANCELED)
        CHECK(may_be_cancelled(nest->outer));
    else if (result == -ETIMEDOUT)
        CHECK(bine_now() >= nest->deadline);
    else if (result != 0)
        CHECK(nest->errors & 1u << (-result - FIRST_ERROR));
    if (result == 0)
        CHECK_EQ(nest->errors, 0);
    if (result == 0 && before) /* one further out whose deadline had come first */
        CHECK(bine_now() >= nest->deadline);
    *(result == -ETIMEDOUT ? &timeouts : result ? &cancels : &fine) += 1;
}

static void open_nest(struct nest *outer, uint64_t seed, int depth)
{
    uint64_t state = seed;
    struct nest nest = {.outer = outer};
    bine_time own = test_random_below(&state, 3) == 0
                        ? bine_after((bine_time)test_random_below(&state, 400000))
                        : BINE_NEVER;
    nest.deadline = own < outer->deadline ? own : outer->deadline;
    bine_scope_open(&nest.scope, own);
    if (test_random_below(&state, 4) == 0) {
        nest.limit = 1 + (unsigned)test_random_below(&state, 3);
        bine_scope_limit(&nest.scope, nest.limit);
    }
    int tasks = (int)test_random_below(&state, 6);
    for (int i = 0; i < tasks; i++) {
        if (test_random_below(&state, 4) == 0 && !nest.limit)
            start_future(&nest, &state, depth);
        else
            start(&nest, &state, depth);
        storm_shift(&state);
    }
    if (test_random_below(&state, 3) == 0)
        wait_somehow(&nest, &state);
    if (test_random_below(&state, 4) == 0)
        cancel(&nest, (unsigned)test_random_below(&state, ERRORS));
    bool before = is_cancelled(&nest);
    int result = bine_scope_close(&nest.scope);
    check_close(&nest, before, result);
    memset(&nest, POISON, sizeof(nest));
    __asm__ volatile("" ::"r"(&nest) : "memory");
}

static void act(int number)
{
    uint64_t state = storm_state(number);
    while (!storm_is_over())
        open_nest(&no_nest, test_random(&state), DEPTH);
}

/* One whose future is cancelled: that goes into the scopes it has opened, and what is in those. */
static int victim(struct nest *mark, uint64_t seed)
{
    open_nest(mark, seed, DEPTH - 1);
    return 0;
}

static void act_on_futures(int number)
{
    uint64_t state = storm_state(ACTORS + number);
    while (!storm_is_over()) {
        struct nest mark = {.deadline = BINE_NEVER}; /* stands for the task */
        bine_future(int) future = bine_async(victim, &mark, test_random(&state));
        CHECK(future);
        storm_shift(&state);
        test_spin((unsigned)test_random_below(&state, 20000));
        mark.ends = true;
        bine_cancel(future);
        mark.ended = true;
        CHECK_EQ(bine_await(future), 0);
    }
}

int main(int argc, char **argv)
{
    storm_begin(argc, argv);
    CHECK_EQ(bine_pool_open(&other_pool, &(bine_pool_options){.workers = 2}), 0);
    crowd_start_mixed(act, ACTORS);
    crowd_start_tasks(act_on_futures, 2);
    crowd_join();
    CHECK_EQ(bine_pool_close(other_pool), 0);
    CHECK_EQ(started, ended);
    CHECK(failures > 0 && timeouts > 0 && cancels > 0 && fine > 0 && refused > 0);
    printf("%ld tasks, %ld refused, %ld failed; scopes: %ld fine, %ld timed out, %ld cancelled\n",
           (long)started, (long)refused, (long)failures, (long)fine, (long)timeouts, (long)cancels);
    return 0;
}
