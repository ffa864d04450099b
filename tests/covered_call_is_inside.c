/*
 * Inside the library: a call that a task hands out, taken by another, is inside what was around the
 * task when it was handed out: its scopes that are still open, its deadline and its shield; a
 * cancel of the task, or of the scope, ends its waits; a scope it is in waits for it.
 */
#include "test.h"
#include "sched/park.h"
#include "sched/scope.h"

static bine_event never_set, go_on;
static _Atomic bool begun;

struct call {
    struct run *parent;
    struct cover cover;
    int result;
};

/* Stands for a worker that has taken the call. */
static int take(struct call *call)
{
    struct run *run = run_self();
    run_begin_covered(run, call->parent, call->cover);
    begun = true;
    call->result = bine_event_wait(&never_set);
    CHECK_EQ(bine_check(), call->result);
    run_end_covered(run);
    return 0;
}

static int take_briefly(struct call *call)
{
    struct run *run = run_self();
    run_begin_covered(run, call->parent, call->cover);
    begun = true;
    BINE_SHIELDED
    {
        CHECK_EQ(bine_event_wait(&go_on), 0);
    }
    call->result = bine_check();
    run_end_covered(run);
    return 0;
}

static bine_future(int) hand_out(struct call *call, int (*taker)(struct call *))
{
    call->parent = run_self();
    call->cover = run_cover(call->parent);
    begun = false;
    bine_future(int) future = bine_async(taker, call);
    CHECK(future);
    return future;
}

static int parent_of_one(void)
{
    struct call call;
    bine_future(int) child = hand_out(&call, take);
    bine_await(child);
    CHECK_EQ(call.result, -ECANCELED);
    return 0;
}

static void check_cancel_of_parent(void)
{
    bine_future(int) parent = bine_async(parent_of_one);
    EVENTUALLY(begun);
    bine_cancel(parent);
    CHECK_EQ(bine_await(parent), 0);
}

static int check_scope(void)
{
    struct call call;
    bine_scope scope;
    bine_scope_open(&scope, BINE_NEVER);
    bine_future(int) child = hand_out(&call, take);
    EVENTUALLY(begun);
    bine_scope_cancel(&scope, -EXDEV);
    CHECK_EQ(bine_scope_close(&scope), -EXDEV); /* after the child */
    CHECK_EQ(call.result, -ECANCELED);
    bine_await(child);
    return 0;
}

/* A scope that was opened after the call was handed out, and one that is closed by now. */
static int check_other_scopes(void)
{
    struct call call;
    bine_scope outer, scope;
    bine_scope_open(&outer, BINE_NEVER);
    call.parent = run_self();
    call.cover = run_cover(call.parent);
    bine_scope_open(&scope, BINE_NEVER);
    begun = false;
    bine_future(int) child = bine_async(take_briefly, &call);
    EVENTUALLY(begun);
    bine_scope_cancel(&scope, 0);
    CHECK_EQ(bine_scope_close(&scope), 0); /* without the child */
    bine_event_set(&go_on);
    CHECK_EQ(bine_scope_close(&outer), 0);
    CHECK_EQ(call.result, 0);
    bine_await(child);
    bine_event_clear(&go_on);

    bine_scope_open(&scope, BINE_NEVER);
    call.cover = run_cover(call.parent);
    CHECK_EQ(bine_scope_close(&scope), 0);
    bine_event_set(&go_on);
    bine_await(bine_async(take_briefly, &call));
    CHECK_EQ(call.result, 0);
    bine_event_clear(&go_on);
    return 0;
}

static int check_deadline_and_shield(void)
{
    struct call call, shielded;
    bine_scope scope;
    BINE_WITHIN (BINE_MS(1)) {
        bine_await(hand_out(&call, take));
        CHECK_EQ(call.result, -ETIMEDOUT);
    }
    bine_event_set(&go_on);
    bine_scope_open(&scope, BINE_NOW);
    bine_scope_cancel(&scope, 0);
    BINE_SHIELDED
    {
        bine_await(hand_out(&shielded, take_briefly));
        CHECK_EQ(shielded.result, 0);
    }
    CHECK_EQ(bine_scope_close(&scope), 0);
    bine_event_clear(&go_on);
    return 0;
}

int main(void)
{
    for (int i = 0; i < test_scaled(40); i++) {
        check_cancel_of_parent();
        CHECK_EQ(bine_run(check_scope), 0);
        CHECK_EQ(bine_run(check_other_scopes), 0);
        CHECK_EQ(bine_run(check_deadline_and_shield), 0);
        CHECK_EQ(check_scope(), 0); /* by a plain thread, too */
    }
    return 0;
}
