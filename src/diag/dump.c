/*
 * The dump.
 *
 * 1. Nothing is stopped or locked while it looks: a task may go on, end, and its record serve
 *    another. So all is copied, and a copy counts only if the record has not changed meanwhile.
 *    The claim's number makes that certain for a task that waits, for it is new after each wait.
 *    One that is ready may run and come back with the same claim: its stack is compared, too.
 * 2. Records and workers are memory that stays (workers while pool_each() runs); everything else is
 *    reached by peek() alone, for what points to it may be stale.
 * 3. The descriptor is written while no lock is held.
 */
#define _GNU_SOURCE
#include "diag/backtrace.h"
#include "diag/report.h"
#include "sched/pool.h"
#include "sched/record.h"
#include "time/clock.h"
#include <bine/diag.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_SHOWN = 64,             /* bytes of a task's name, with the end */
    LOOKS = 3,                   /* at a task that changes while it is looked at */
    THREADS = 0xffff,            /* stands for a pool's number: plain threads */
    MUTEX_FLAGS = CACHE_LINE - 1 /* in a mutex's first word; the rest is the owner: see mutex.c */
};

enum state {
    STATE_NOT_STARTED,
    STATE_RUNNING,
    STATE_READY,
    STATE_WAITING,
    STATE_MOVING, /* it changed each time it was looked at */
    STATE_NONE,   /* there is no such task any more */
    STATES
};

/* A pool as it was when the dump began. */
struct seen_pool {
    const struct bine_pool *pool;
    unsigned number, workers, asleep, queued;
    char name[NAME_SIZE];
};

/* A worker, found by what it runs. */
struct seen_worker {
    const struct run *run;
    unsigned pool; /* its number */
    bool found;
    unsigned seat;
    int tid;
};

/* A task or plain thread as it was for a moment. */
struct view {
    struct task record;
    struct run run; /* unless it has not started */
    enum state state;
    struct seen_worker worker; /* STATE_RUNNING: where, if that is known */
    bool has_stack;            /* in dump->stack */
    char name[NAME_SHOWN];
    char waits_for[NAME_SHOWN];
};

struct dump {
    struct report out;
    uint64_t *tasks; /* pool number << 48 | address of the record */
    size_t tasks_count, tasks_room;
    struct seen_pool *pools;
    size_t pools_count, pools_room;
    size_t counts[STATES], ended, threads;
    struct view view;
    const void *calls[MOST_CALLS];
    struct stack_copy stack;
};

/* --- collecting --- */

/* Makes room in a list for one more item; false and dump->out.error where there is no memory. */
static bool make_room(struct dump *dump, void *list, size_t count, size_t *room, size_t item)
{
    void *memory;
    if (count < *room)
        return true;
    size_t wanted = *room ? *room * 2 : 64;
    memcpy(&memory, list, sizeof memory);
    memory = realloc(memory, wanted * item);
    if (!memory) {
        dump->out.error = -ENOMEM;
        return false;
    }
    memcpy(list, &memory, sizeof memory);
    *room = wanted;
    return true;
}

/* Memory that stays, and that its owner may be changing: the race detector need not know. */
static __attribute__((noinline, no_sanitize("thread"))) void
copy_words(void *copy, const void *from, size_t size)
{
    typedef uint64_t __attribute__((may_alias)) word;
    for (size_t i = 0; i < size / sizeof(word); i++)
        ((word *)copy)[i] = ((const volatile word *)from)[i];
}

static void see_pool(struct bine_pool *pool, void *context)
{
    struct dump *dump = context;
    if (!make_room(dump, &dump->pools, dump->pools_count, &dump->pools_room, sizeof *dump->pools))
        return;
    struct seen_pool *seen = &dump->pools[dump->pools_count++];
    *seen = (struct seen_pool){
        pool, pool->number, pool->seats_count, RUNQ_READ(pool->asleep), RUNQ_READ(pool->queued),
        ""};
    memcpy(seen->name, pool->name, sizeof seen->name);
}

static enum claim_state state_of_claim(const struct task *task)
{
    return claim_state(atomic_load_explicit(&task->claim, memory_order_relaxed));
}

static bool waits(const struct task *task)
{
    enum claim_state state = state_of_claim(task);
    return state == CLAIM_WAITING || state == CLAIM_FIRM || state == CLAIM_SHELTERED;
}

static bool is_not_started(const struct task *task)
{
    return task_is_fresh(task) || task_stage(task) == STAGE_STARTING;
}

static void see_task(struct task *task, void *context)
{
    struct dump *dump = context;
    struct task record;
    uint64_t group = THREADS;
    copy_words(&record, task, sizeof record);
    dump->ended += task_stage(&record) == STAGE_ENDED;
    if (is_not_started(&record) || task_has_started(&record))
        group = task_pool(&record);
    else if (task_stage(&record) != STAGE_THREAD || !waits(&record))
        return;
    if (make_room(dump, &dump->tasks, dump->tasks_count, &dump->tasks_room, sizeof *dump->tasks))
        dump->tasks[dump->tasks_count++] = group << 48 | (uintptr_t)task;
}

static int compare_tasks(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

static void sort_tasks(struct dump *dump)
{
    if (dump->tasks_count > 0) /* else there is no array */
        qsort(dump->tasks, dump->tasks_count, sizeof *dump->tasks, compare_tasks);
}

/* --- looking at a task --- */

/* True if the worker runs it. Its owner's fields are read as copy_words() does. */
static __attribute__((noinline, no_sanitize("thread"))) bool see_worker(const struct worker *worker,
                                                                        struct seen_worker *seen)
{
    if (worker->run != seen->run)
        return false;
    seen->seat = worker->seat;
    seen->tid = worker->tid;
    return true;
}

static void see_workers(struct bine_pool *pool, void *context)
{
    struct seen_worker *seen = context;
    if (pool->number != seen->pool)
        return;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    for (unsigned i = 0; i < count && !seen->found; i++)
        seen->found = see_worker(pool_worker(pool, i), seen);
}

/* Finds the worker that runs the task; false if none does. */
static bool find_worker(struct view *view)
{
    view->worker = (struct seen_worker){.run = view->record.run, .pool = task_pool(&view->record)};
    pool_each(see_workers, &view->worker);
    return view->worker.found;
}

static void look_at_fresh(struct view *view)
{
    struct task_more more;
    view->state = STATE_NOT_STARTED;
    if (task_has(&view->record, TASK_MORE) &&
        peek(&more, (const void *)view->record.arg[0], sizeof more))
        peek_text(view->name, sizeof view->name, more.name);
}

static bool awaits_in_place(const struct view *view)
{
    return strcmp(view->waits_for, "task in its place") == 0;
}

static enum state judge(struct view *view)
{
    const struct task *record = &view->record;
    if (waits(record))
        return STATE_WAITING;
    if (find_worker(view))
        return STATE_RUNNING;
    if (awaits_in_place(view))
        return STATE_WAITING;
    /* The rest of a wait's beginning is short, and one that has never left its worker runs. */
    return state_of_claim(record) == CLAIM_PREPARE || !record->sp ? STATE_RUNNING : STATE_READY;
}

/* Reads the name that a copy of the run points to: as long as the run itself does, it is there. */
static void peek_name(char name[NAME_SHOWN], const struct run *copy, const struct run *run)
{
    const char *now;
    if (peek_text(name, NAME_SHOWN, copy->name) &&
        (!peek(&now, &run->name, sizeof now) || now != copy->name))
        name[0] = '\0';
}

static bool look_at_run(struct view *view, const struct task *task)
{
    view->state = STATE_WAITING; /* all that a plain thread is shown for */
    if (!peek(&view->run, view->record.run, sizeof view->run) || view->run.task != task)
        return false;
    peek_name(view->name, &view->run, view->record.run);
    peek_text(view->waits_for, sizeof view->waits_for, view->run.waits_for);
    return true;
}

static bool look_at_started(struct dump *dump, const struct task *task)
{
    struct view *view = &dump->view;
    if (!look_at_run(view, task))
        return false;
    view->state = judge(view);
    if (view->state != STATE_READY && !waits(&view->record))
        return true;
    view->has_stack = stack_copy_take(&dump->stack, view->run.stack, view->record.sp);
    return true;
}

/* True if a record has not changed but in what others write: next, join and the marks. */
static bool same_record(const struct task *before, const struct task *now)
{
    return atomic_load_explicit(&now->claim, memory_order_relaxed) ==
               atomic_load_explicit(&before->claim, memory_order_relaxed) &&
           memcmp(now->arg, before->arg, sizeof now->arg) == 0 && now->fn == before->fn &&
           task_site(now) == task_site(before) && task_stage(now) == task_stage(before);
}

/* True if a ready task has not run meanwhile. */
static bool has_rested(struct dump *dump)
{
    struct view *view = &dump->view;
    struct run now;
    return !find_worker(view) && peek(&now, view->record.run, sizeof now) &&
           memcmp(&now, &view->run, sizeof now) == 0 &&
           (!view->has_stack || stack_copy_is_current(&dump->stack));
}

static bool look_once(struct dump *dump, const struct task *task)
{
    struct view *view = &dump->view;
    struct task now;
    memset(view, 0, sizeof *view);
    copy_words(&view->record, task, sizeof view->record);
    bool seen = true;
    if (is_not_started(&view->record))
        look_at_fresh(view);
    else if (task_has_started(&view->record))
        seen = look_at_started(dump, task);
    else if (task_stage(&view->record) == STAGE_THREAD && waits(&view->record))
        seen = look_at_run(view, task);
    else
        view->state = STATE_NONE;
    copy_words(&now, task, sizeof now);
    if (!seen || !same_record(&view->record, &now))
        return false;
    return view->state != STATE_READY || has_rested(dump);
}

static void look(struct dump *dump, const struct task *task)
{
    for (int i = 0; i < LOOKS; i++)
        if (look_once(dump, task))
            return;
    dump->view = (struct view){.state = STATE_MOVING};
}

/* --- showing it --- */

static void print_name(struct dump *dump, const struct task *task, uint64_t id, const char *name)
{
    if (id)
        report_print(&dump->out, "task %llu", (unsigned long long)id);
    else
        report_print(&dump->out, "task %p", (const void *)task); /* nobody has asked for its id */
    if (*name)
        report_print(&dump->out, " '%s'", name);
}

/* Something that another task waits for or in: it may have ended, or be no task at all. */
static void print_reference(struct dump *dump, const struct task *task)
{
    struct task record, now;
    struct run run = {0};
    char name[NAME_SHOWN] = "";
    if (!peek(&record, task, sizeof record)) {
        report_print(&dump->out, "%p", (const void *)task);
        return;
    }
    if (task_stage(&record) == STAGE_THREAD) {
        report_print(&dump->out, "a plain thread");
        return;
    }
    bool started = task_has_started(&record) && peek(&run, record.run, sizeof run);
    if (started)
        peek_name(name, &run, record.run);
    if (started && run.task == task && peek(&now, task, sizeof now) && same_record(&record, &now))
        print_name(dump, task, run.id, name);
    else
        print_name(dump, task, 0, "");
}

static const struct seen_pool *find_pool(const struct dump *dump, const void *pool)
{
    for (size_t i = 0; i < dump->pools_count; i++)
        if (dump->pools[i].pool == pool)
            return &dump->pools[i];
    return NULL;
}

static void print_mutex(struct dump *dump, const void *mutex)
{
    uintptr_t word;
    report_print(&dump->out, " %p", mutex);
    if (!peek(&word, mutex, sizeof word) || word <= MUTEX_FLAGS)
        return;
    report_print(&dump->out, ", locked by ");
    print_reference(dump, (const struct task *)(word & ~(uintptr_t)MUTEX_FLAGS));
}

static void print_waited_on(struct dump *dump, const struct view *view)
{
    const void *on = view->run.waits_on;
    const struct seen_pool *pool = NULL;
    if (strcmp(view->waits_for, "task") == 0 || awaits_in_place(view)) {
        report_print(&dump->out, "the end of ");
        print_reference(dump, on);
        if (awaits_in_place(view))
            report_print(&dump->out, ", in its place");
        return;
    }
    report_print(&dump->out, "%s", view->waits_for);
    if (strcmp(view->waits_for, "mutex") == 0) {
        print_mutex(dump, on);
    } else if (strcmp(view->waits_for, "pool") == 0 && (pool = find_pool(dump, on))) {
        report_print(&dump->out, " '%s'", pool->name);
    } else if (on) {
        report_print(&dump->out, " %p", on);
    }
}

static void print_wait(struct dump *dump, const struct view *view)
{
    report_print(&dump->out, "waiting");
    if (waits(&view->record)) {
        int64_t ns = clock_now() - view->run.waits_since;
        int64_t ms = ns < 0 ? 0 : ns / 1000000;
        report_print(&dump->out, " for %lld.%03d s", (long long)(ms / 1000), (int)(ms % 1000));
    }
    report_print(&dump->out, ": ");
    print_waited_on(dump, view);
}

static void print_state(struct dump *dump, const struct view *view)
{
    switch (view->state) {
    case STATE_NOT_STARTED:
        report_print(&dump->out, "not started");
        break;
    case STATE_RUNNING:
        report_print(&dump->out, "running");
        if (view->worker.found)
            report_print(&dump->out, " on worker %u, thread %d", view->worker.seat, view->worker.tid);
        break;
    case STATE_READY:
        report_print(&dump->out, "ready");
        break;
    case STATE_WAITING:
        print_wait(dump, view);
        break;
    default:
        report_print(&dump->out, "moved on while it was looked at");
    }
}

static void print_marks(struct dump *dump, const struct view *view)
{
    if (task_marked(&view->record, MARK_PINNED))
        report_print(&dump->out, ", pinned");
    if (view->run.shielded)
        report_print(&dump->out, ", shielded");
    if (task_marked(&view->record, MARK_CANCELLED))
        report_print(&dump->out, ", cancelled");
}

static void print_start(struct dump *dump, const struct view *view)
{
    report_print(&dump->out, "    runs ");
    report_code(&dump->out, (const void *)(uintptr_t)(view->record.fn & ADDRESS_MASK));
    report_print(&dump->out, ", started at ");
    report_call(&dump->out, task_site(&view->record));
    report_end_line(&dump->out);
}

/* The awaiter's calls are below those of the task that it awaits in place. */
static void print_outer(struct dump *dump, const struct view *view)
{
    struct run outer;
    if (!view->run.outer || !peek(&outer, view->run.outer, sizeof outer))
        return;
    report_print(&dump->out, "    in the place of ");
    print_reference(dump, outer.task);
    report_print(&dump->out, ", which awaits it");
    report_end_line(&dump->out);
}

static void print_calls(struct dump *dump)
{
    unsigned count = stack_copy_calls(&dump->stack, dump->calls);
    for (unsigned i = 0; i < count; i++) {
        report_print(&dump->out, "    #%-2u ", i);
        report_call(&dump->out, dump->calls[i]);
        report_end_line(&dump->out);
    }
    if (count == MOST_CALLS) {
        report_print(&dump->out, "    and more");
        report_end_line(&dump->out);
    }
}

static void show_thread(struct dump *dump, const struct task *task)
{
    struct view *view = &dump->view;
    if (view->state != STATE_WAITING)
        return;
    if (dump->threads++ == 0) {
        report_print(&dump->out, "plain threads");
        report_end_line(&dump->out);
    }
    report_print(&dump->out, "  thread %p", (const void *)task);
    if (*view->name)
        report_print(&dump->out, " '%s'", view->name);
    report_print(&dump->out, ": ");
    print_wait(dump, view);
    report_end_line(&dump->out);
}

static void show_task(struct dump *dump, const struct task *task)
{
    struct view *view = &dump->view;
    dump->counts[view->state]++;
    if (view->state == STATE_NONE)
        return;
    report_print(&dump->out, "  ");
    print_name(dump, task, view->run.id, view->name);
    report_print(&dump->out, ": ");
    print_state(dump, view);
    print_marks(dump, view);
    report_end_line(&dump->out);
    if (view->state == STATE_MOVING)
        return;
    print_start(dump, view);
    print_outer(dump, view);
    if (view->has_stack)
        print_calls(dump);
}

static void show_pool(struct dump *dump, const struct seen_pool *pool)
{
    report_print(&dump->out, "pool '%s': %u workers, %u asleep, %u tasks in its queue", pool->name,
          pool->workers, pool->asleep, pool->queued);
    report_end_line(&dump->out);
}

/* The tasks of one pool, or of none; returns the first one after them. Pools that were opened when
 * the dump had begun are left out. */
static size_t show_group(struct dump *dump, size_t i, uint64_t group)
{
    while (i < dump->tasks_count && dump->tasks[i] >> 48 < group)
        i++;
    for (; i < dump->tasks_count && dump->tasks[i] >> 48 == group && !dump->out.error; i++) {
        const struct task *task = (const struct task *)(uintptr_t)(dump->tasks[i] & ADDRESS_MASK);
        look(dump, task);
        if (group == THREADS)
            show_thread(dump, task);
        else
            show_task(dump, task);
    }
    return i;
}

/* Both lists are in the order of the pools' numbers. */
static void show_all(struct dump *dump)
{
    size_t i = 0;
    for (size_t p = 0; p < dump->pools_count && !dump->out.error; p++) {
        show_pool(dump, &dump->pools[p]);
        i = show_group(dump, i, dump->pools[p].number);
    }
    show_group(dump, i, THREADS);
}

static void show_sum(struct dump *dump)
{
    const size_t *counts = dump->counts;
    size_t sum = 0;
    for (int state = 0; state < STATE_NONE; state++)
        sum += counts[state];
    report_print(&dump->out, "%zu tasks: %zu running, %zu ready, %zu waiting, %zu not started", sum,
          counts[STATE_RUNNING] + counts[STATE_MOVING], counts[STATE_READY], counts[STATE_WAITING],
          counts[STATE_NOT_STARTED]);
    report_print(&dump->out, "; %zu ended and not awaited; %zu plain threads wait", dump->ended, dump->threads);
    report_end_line(&dump->out);
}

int bine_dump(int fd)
{
    struct dump *dump = calloc(1, sizeof *dump);
    if (!dump)
        return -ENOMEM;
    dump->out.fd = fd;
    pool_each(see_pool, dump);
    record_each(see_task, dump);
    if (!dump->out.error) {
        sort_tasks(dump);
        show_all(dump);
        show_sum(dump);
        report_flush(&dump->out);
    }
    int error = dump->out.error;
    free(dump->tasks);
    free(dump->pools);
    free(dump);
    return error;
}
