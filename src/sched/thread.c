#include "sched/thread.h"
#include "sched/fatal.h"
#include "sched/key.h"
#include "sched/scope.h"
#include "time/clock.h"
#include <pthread.h>
#include <stdlib.h>

struct thread {
    struct run run;
    struct record_cache records;
    bool in_use;
};

static __thread struct thread thread_self;
static pthread_key_t end_key;
static pthread_once_t end_key_made = PTHREAD_ONCE_INIT;

static void end_thread(void *argument)
{
    struct thread *thread = argument;
    struct task *task = thread->run.task;
    run_leave_scopes(&thread->run);
    if (thread->run.keys.value)
        key_end_run(&thread->run);
    thread->in_use = false;
    task_set_stage(task, STAGE_FREE);
    record_free(&thread->records, task);
    record_flush(&thread->records);
}

static void make_end_key(void)
{
    if (pthread_key_create(&end_key, end_thread) != 0) {
        say("no thread-specific key left");
        abort();
    }
}

static void begin_with(struct thread *thread, struct task *task)
{
    pthread_once(&end_key_made, make_end_key);
    if (!task || pthread_setspecific(end_key, thread) != 0) {
        say("no memory for a thread's record");
        abort();
    }
    thread->in_use = true;
    thread->run = (struct run){
        .task = task, .marked = task, .deadline = BINE_NEVER, .base_deadline = BINE_NEVER};
    atomic_store_explicit(&task->site, 0, memory_order_relaxed);
    atomic_store_explicit(&task->fn, 0, memory_order_relaxed);
    task->run = &thread->run;
    atomic_store_explicit(&task->join, JOIN_DETACHED, memory_order_relaxed);
    task_set_stage(task, STAGE_THREAD);
}

void thread_adopt(const struct run *run)
{
    begin_with(&thread_self, run->task);
    run_adopt_cover(&thread_self.run, run);
}

void thread_leave_tasks(void)
{
    if (thread_self.in_use)
        run_adopt_cover(&thread_self.run, &thread_self.run);
}

struct run *thread_run(void)
{
    if (unlikely(!thread_self.in_use))
        begin_with(&thread_self, record_take(&thread_self.records));
    return &thread_self.run;
}

struct record_cache *thread_records(void)
{
    thread_run(); /* so that the cache is given back at the thread's end */
    return &thread_self.records;
}
