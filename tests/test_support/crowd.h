/* A crowd: one function run many times at once, each with its number, by tasks, by plain threads
 * or by both. */
#ifndef BINE_TEST_CROWD_H
#define BINE_TEST_CROWD_H

#include "../test.h"

enum { CROWD_MAX_THREADS = 64 };

static struct {
    bine_waitgroup tasks;
    pthread_t threads[CROWD_MAX_THREADS];
    int thread_count;
} crowd;

struct crowd_call {
    void (*fn)(int);
    int number;
};

static inline void crowd_run_task(const struct crowd_call *call)
{
    call->fn(call->number);
    bine_waitgroup_done(&crowd.tasks);
}

static inline void *crowd_run_thread(void *arg)
{
    struct crowd_call call = *(struct crowd_call *)arg;
    free(arg);
    call.fn(call.number);
    return NULL;
}

static inline void crowd_add_task(void (*fn)(int), int number)
{
    struct crowd_call call = {fn, number};
    bine_waitgroup_add(&crowd.tasks, 1);
    CHECK_EQ(bine_go_copy(crowd_run_task, &call), 0);
}

static inline void crowd_add_thread(void (*fn)(int), int number)
{
    struct crowd_call *call = malloc(sizeof(*call));
    CHECK(call && crowd.thread_count < CROWD_MAX_THREADS);
    *call = (struct crowd_call){fn, number};
    crowd.threads[crowd.thread_count++] = test_thread(crowd_run_thread, call);
}

/* Starts fn(0) .. fn(count - 1) as tasks. */
static inline void crowd_start_tasks(void (*fn)(int), int count)
{
    for (int i = 0; i < count; i++)
        crowd_add_task(fn, i);
}

/* Starts fn(0) .. fn(count - 1), every fourth of them as a plain thread. */
static inline void crowd_start_mixed(void (*fn)(int), int count)
{
    for (int i = 0; i < count; i++)
        (i % 4 == 3 ? crowd_add_thread : crowd_add_task)(fn, i);
}

/* Waits until all that were started have ended. From a plain thread. */
static inline void crowd_join(void)
{
    CHECK_EQ(bine_waitgroup_wait(&crowd.tasks), 0);
    while (crowd.thread_count > 0)
        test_join(crowd.threads[--crowd.thread_count]);
}

#endif
