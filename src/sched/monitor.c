/*
 * The monitor sees to it that no task keeps others waiting.
 *
 * It sleeps on a timerfd for as long as no worker gets up, so an idle program costs nothing. Once
 * a worker is awake it looks at all of them after 50 us, then at doubling times up to 1 ms, sooner
 * again when something was found:
 *
 *   seen                                                 done
 *   work waits, and waited at the look before, and the   wake a sleeping worker of the pool
 *   mean run is long or the owner picked nothing
 *   the same pick as at two looks 100 us apart, the      give the worker's seat to a spare
 *   thread in the kernel both times, work waits
 *   no pick, no task started and no upkeep for 2 ms,     give its seat to a spare
 *   or no pick for 100, work waits; ten times the 2 ms
 *   where it has to share its processor
 *   work has waited for 2 ms                             ask the task to yield at its next call
 *                                                        that may
 *   fresh tasks wait for 1 ms                            have the oldest one run next
 *   timers of a worker that cannot run them are due      run them
 *   nobody has asked the poller for a while              ask it, and wake a worker to watch it if
 *                                                        one that is awake stands still
 *
 * It also counts how many processors other programs take, and the process's own threads that are
 * not workers: see cpus.h.
 *
 * Nothing is lost where the monitor cannot run: there are only fewer workers awake.
 *
 * Nobody watches the poller while the worker that did runs a task. All others may sleep elsewhere,
 * so when the last worker lies down, or ends, and nobody watches, the monitor wakes one to do it.
 *
 * Arming against disarming: a worker that gets up stores its state, then reads `armed`; the monitor
 * stores `armed`, then reads the states. One sees the other.
 */
#include "sched/monitor.h"
#include "base/os.h"
#include "poll/poll.h"
#include "sched/cpus.h"
#include "sched/fatal.h"
#include "sched/fork.h"
#include "sched/park.h"
#include "sched/pool.h"
#include "stack/stack.h"
#include "time/clock.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_LOOK_NS = 50000,      /* after work began to wait */
    LAST_LOOK_NS = 1000000,     /* the longest time between two looks */
    DOZE_LOOK_NS = 300000,      /* to the next look where a worker that sleeps again was awake */
    BLOCKED_LOOK_NS = 100000,   /* between two looks at a thread that seems blocked */
    STUCK_NS = 2000000,         /* without a pick, while work waits */
    BUSY_STUCK_NS = 100000000,  /* the same for a task that starts others all the time */
    PATIENCE = 10,              /* so many times longer for one that gets no processor */
    AGED_NS = 1000000,          /* between two oldest fresh tasks */
    LONG_RUN_NS = 3000,         /* a mean run that is worth a second worker */
    POLL_PATIENCE_NS = 200000,  /* longer than a busy worker leaves the poller: what the monitor finds
                                   goes to the global queue, where a busy worker takes one at a time */
};
#define TRIM_NS INT64_C(10000000000) /* between two looks for memory to give back */

static struct {
    pthread_mutex_t mutex; /* protects starting */
    _Atomic int fd;        /* the timerfd, 0 until there is one; it is never descriptor 0 */
    int cpus_fd;           /* to count threads by, or below 0; constant once there is the timerfd */
    _Atomic bool armed;    /* looks will come */
    _Atomic bool hurried;  /* the next one is to come at once */
    _Atomic int threads;   /* plain threads that wait for descriptors */
    struct poll_batch batch; /* the monitor's own */
} monitor = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* What one round of looks has found. */
struct round {
    int64_t now;
    int64_t next;  /* ns from now: the soonest anybody wants to be looked at */
    int awake;     /* workers that are, and pools with plain threads that have forked */
    bool shared;   /* some pool has more than one seat */
    bool dozes;    /* some worker that is not was since the look before */
    bool stranded; /* of the pool looked at: tasks queue behind a worker without a seat */
    bool stands;   /* a worker is awake with the same pick as at the look before */
};

static void set_timer(int64_t ns)
{
    struct itimerspec at = {.it_value = {ns / 1000000000, ns % 1000000000}};
    timerfd_settime(atomic_load_explicit(&monitor.fd, memory_order_relaxed), 0, &at, NULL);
}

static void want_look(struct round *round, int64_t ns)
{
    if (ns < round->next)
        round->next = ns;
}

/* --- one worker --- */

/* True if the thread is in the kernel, and not for its turn on a processor. */
static bool stands_in_kernel(const struct worker *worker)
{
    char text[16];
    int fd = atomic_load(&worker->syscall_fd);
    ssize_t length = fd < 0 ? -1 : pread(fd, text, sizeof text, 0);
    return length > 0 && strncmp(text, "running", 7) != 0;
}

static bool timers_due(const struct worker *worker, int64_t now)
{
    return timers_earliest(&worker->timers) <= now;
}

/* Work that this worker would do if it came to pick: its own, the pool's, or what another one that
 * is stuck has left in its queues. */
static bool work_waits(const struct worker *worker, const struct round *round)
{
    return runq_count(&worker->runq) > 0 || timers_due(worker, round->now) ||
           RUNQ_READ(worker->pool->queued) > 0 || round->stranded;
}

static void wake_another(struct worker *worker, bool stands_still)
{
    int64_t mean_run = stands_still
                           ? INT64_MAX
                           : atomic_load_explicit(&worker->mean_run, memory_order_relaxed);
    if (mean_run > LONG_RUN_NS && pool_can_use_another(worker->pool, mean_run))
        pool_wake(worker->pool);
}

/* Processor time that the worker's thread has had, ns. */
static int64_t processor_time(const struct worker *worker)
{
    struct timespec ran = {0};
    int tid = atomic_load_explicit(&worker->tid, memory_order_relaxed);
    /* The kernel's number for that clock of a thread; pthread_getcpuclockid() wants one that lives. */
    clock_gettime((clockid_t)(~(unsigned)tid << 3 | 6), &ran);
    return ran.tv_sec * INT64_C(1000000000) + ran.tv_nsec;
}

/* The worker has neither picked nor started a task for 2 ms. One that had to wait for a processor is
 * not to be replaced at once: one thread more would only make the others wait longer, and be found
 * stuck. Nor is it where the monitor itself came late: all may have waited, then. */
static bool computes(const struct worker *worker, int64_t now)
{
    const struct worker_watch *watch = &worker->watch;
    int64_t stood = now - watch->started_at;
    return stood >= STUCK_NS && (processor_time(worker) - watch->ran_then >= stood / 2 ||
                                 stood >= PATIENCE * STUCK_NS);
}

/* One that starts tasks gets on: it may have a million to start, and a spare beside it would only
 * be in its way. It is stuck once it starts none, or after a long time. */
static bool is_stuck(const struct worker *worker, int64_t now)
{
    return computes(worker, now) || now - worker->watch.since >= BUSY_STUCK_NS;
}

/* It got on since the look before. */
static void begin_standing(struct worker *worker, int64_t now)
{
    struct worker_watch *watch = &worker->watch;
    watch->started = atomic_load_explicit(&worker->started, memory_order_relaxed);
    watch->upkeep = atomic_load_explicit(&worker->upkeep, memory_order_relaxed);
    watch->started_at = now;
    watch->ran_then = processor_time(worker);
}

/* The worker's pick is the one of the look before. */
static void look_at_standing(struct worker *worker, struct round *round)
{
    struct worker_watch *watch = &worker->watch;
    uint64_t started = atomic_load_explicit(&worker->started, memory_order_relaxed);
    uint32_t upkeep = atomic_load_explicit(&worker->upkeep, memory_order_relaxed);
    bool seated = atomic_load_explicit(&worker->seated, memory_order_relaxed);
    bool said = atomic_load_explicit(&worker->blocked, memory_order_relaxed);
    if (!seated || worker->pool->serial)
        return;
    if (started != watch->started || upkeep != watch->upkeep || (upkeep & UPKEEP_DEPTH))
        begin_standing(worker, round->now);
    bool stuck = said || is_stuck(worker, round->now);
    if (!stuck && !(upkeep & UPKEEP_DEPTH))
        watch->looks_blocked = stands_in_kernel(worker) ? watch->looks_blocked + 1 : 0;
    if (stuck || watch->looks_blocked >= 2) {
        watch->looks_blocked = 0;
        pool_replace(worker->pool, worker);
        want_look(round, FIRST_LOOK_NS);
    } else if (watch->looks_blocked > 0) {
        want_look(round, BLOCKED_LOOK_NS);
    } else if (round->now - watch->started_at < STUCK_NS) {
        want_look(round, watch->started_at + STUCK_NS - round->now);
    }
}

/* A stuck worker's timers are the monitor's to run, on time. */
static void look_at_timers(struct worker *worker, struct round *round)
{
    if (atomic_load_explicit(&worker->seated, memory_order_relaxed))
        return;
    int64_t earliest = timers_earliest(&worker->timers), before;
    do { /* some at a time */
        before = earliest;
        wait_run_timers(&worker->timers, round->now);
        earliest = timers_earliest(&worker->timers);
    } while (earliest <= round->now && earliest != before);
    if (earliest != BINE_NEVER)
        want_look(round, earliest > round->now ? earliest - round->now : 1);
}

static void look_at_age(struct worker *worker, struct round *round)
{
    struct worker_watch *watch = &worker->watch;
    if (runq_fresh_count(&worker->runq) == 0) {
        watch->aged_at = round->now;
    } else if (round->now - watch->aged_at >= AGED_NS) {
        watch->aged_at = round->now;
        atomic_fetch_or_explicit(&worker->runq.want, WANT_OLDEST, memory_order_relaxed);
    }
}

static void look_at_worker(struct worker *worker, struct round *round)
{
    struct worker_watch *watch = &worker->watch;
    uint32_t picks = RUNQ_READ(worker->runq.picks);
    /* seq_cst: see the head of the file. */
    enum worker_state state = atomic_load_explicit(&worker->state, memory_order_seq_cst);
    if (state == WORKER_ENDED)
        pool_reap(worker);
    if (state != WORKER_AWAKE) {
        round->dozes = round->dozes || picks != watch->picks;
        watch->picks = picks;
        watch->waited = false;
        watch->awake = false;
        watch->forked = false;
        return;
    }
    round->awake++;
    bool waits = work_waits(worker, round);
    bool same = picks == watch->picks && watch->awake;
    if (!same) {
        watch->picks = picks;
        watch->awake = true;
        watch->since = round->now;
        begin_standing(worker, round->now);
        watch->looks_blocked = 0;
    }
    round->stands = round->stands || same;
    if (!waits)
        watch->waits_since = round->now;
    if (waits) {
        if (round->now - watch->waits_since >= STUCK_NS) {
            watch->waits_since = round->now;
            atomic_store_explicit(&worker->yield_asked, 1, memory_order_relaxed);
        }
        if (watch->waited)
            wake_another(worker, same);
        if (same)
            look_at_standing(worker, round);
        look_at_age(worker, round);
    }
    bool forked = fork_has_untaken(worker);
    if (forked && watch->forked)
        wake_another(worker, true);
    look_at_timers(worker, round);
    watch->waited = waits;
    watch->forked = forked;
}

/* Plain threads that have forked stand beside the workers, and nobody else looks after them. */
static void look_at_guests(struct bine_pool *pool, struct round *round)
{
    if (!fork_guests_wait(pool))
        return;
    round->awake++;
    if (pool_can_use_another(pool, INT64_MAX))
        pool_wake(pool);
}

static void look_at_pool(struct bine_pool *pool, void *context)
{
    struct round *round = context;
    unsigned count = atomic_load_explicit(&pool->worker_count, memory_order_acquire);
    round->shared = round->shared || pool->seats_count > 1;
    round->stranded = false;
    for (unsigned i = 0; i < count; i++) {
        const struct worker *worker = pool_worker(pool, i);
        round->stranded = round->stranded || (!atomic_load(&worker->seated) &&
                                              runq_count(&worker->runq) > 0);
    }
    if (atomic_load_explicit(&pool->stranded, memory_order_relaxed) != round->stranded)
        atomic_store_explicit(&pool->stranded, round->stranded, memory_order_relaxed);
    for (unsigned i = 0; i < count; i++)
        look_at_worker(pool_worker(pool, i), round);
    look_at_guests(pool, round);
}

/* --- the poller --- */

/* Wakes one worker, which goes to watch the poller before it sleeps again. */
static void wake_watcher(struct bine_pool *pool, void *context)
{
    bool *woken = context;
    if (*woken || atomic_load_explicit(&pool->asleep, memory_order_relaxed) == 0)
        return;
    *woken = true;
    pool_wake(pool);
}

/* True if somebody sleeps in the poller or is on its way there. */
static bool see_to_watch(void)
{
    bool woken = poller_is_watched();
    if (!woken) {
        worker_forget_promise();
        pool_each(wake_watcher, &woken);
    }
    return woken;
}

static void look_at_poller(const struct round *round)
{
    if (!poller_is_due(round->now - POLL_PATIENCE_NS))
        return;
    poller_wait(&monitor.batch, BINE_NOW);
    poller_deliver(&monitor.batch);
    if (round->stands)
        see_to_watch();
}

void monitor_count_waiting_thread(int change)
{
    atomic_fetch_add_explicit(&monitor.threads, change, memory_order_seq_cst);
    if (change > 0 && !poller_is_watched())
        monitor_arm();
}

/* --- rounds --- */

/* Gives memory back that lay unused for TRIM_NS. Returns how long until there may be more, ns; 0:
 * nothing is left to give. */
static int64_t trim(int64_t now, bool idle)
{
    static int64_t trimmed_at;
    static bool more = true;
    if (now - trimmed_at >= TRIM_NS) {
        trimmed_at = now;
        more = stack_trim();
        more = !idle || record_trim() || more; /* the second takes its time */
    }
    return more ? trimmed_at + TRIM_NS - now : 0;
}

/* Nobody was awake: sleeps until somebody is, or until there may be memory to give back. */
static void disarm(struct round *round)
{
    set_timer(trim(round->now, true));
    /* seq_cst: see the head of the file. */
    atomic_store_explicit(&monitor.armed, false, memory_order_seq_cst);
    pool_each(look_at_pool, round);
    if (round->awake) {
        monitor_arm();
    } else if (poller_is_open() && !see_to_watch() &&
               atomic_load_explicit(&monitor.threads, memory_order_seq_cst) > 0) {
        /* No worker is there to watch, but plain threads wait: the monitor does it. */
        atomic_store_explicit(&monitor.armed, true, memory_order_seq_cst);
        set_timer(LAST_LOOK_NS);
    }
}

/* Nobody is awake, but somebody was: more is likely to come, and to be armed again would cost the worker
 * that gets up for it a microsecond. */
static void look_at_dozing(void)
{
    set_timer(DOZE_LOOK_NS);
    if (poller_is_open())
        see_to_watch();
}

static void *watch_workers(void *unused)
{
    int64_t span = FIRST_LOOK_NS;
    prctl(PR_SET_NAME, "bine-monitor", 0, 0, 0);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    os_ask_for_short_slices();
    for (;;) {
        uint64_t expirations;
        if (read(atomic_load(&monitor.fd), &expirations, sizeof expirations) < 0 &&
            errno != EINTR && errno != EAGAIN)
            return unused;
        atomic_store_explicit(&monitor.hurried, false, memory_order_seq_cst);
        struct round round = {.now = clock_now(), .next = INT64_MAX};
        pool_each(look_at_pool, &round);
        look_at_poller(&round);
        if (round.awake) {
            if (round.shared && monitor.cpus_fd >= 0)
                cpus_look(monitor.cpus_fd, round.awake + 1);
            trim(round.now, false);
            span = span < LAST_LOOK_NS / 2 ? span * 2 : LAST_LOOK_NS;
            set_timer(round.next < span ? round.next : span);
        } else {
            span = FIRST_LOOK_NS;
            if (round.dozes)
                look_at_dozing();
            else
                disarm(&round);
        }
        /* seq_cst, here, above and in monitor_hurry(): who came since the look may have set the timer
         * before it was set here. */
        if (atomic_load_explicit(&monitor.hurried, memory_order_seq_cst))
            set_timer(1);
    }
}

static void close_all(int fd)
{
    close(fd);
    if (monitor.cpus_fd >= 0)
        close(monitor.cpus_fd);
}

/* Mutex held. */
static int start(void)
{
    int fd = os_move_from_standard(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
    if (fd < 0)
        return fd;
    monitor.cpus_fd = cpus_open();
    atomic_store(&monitor.fd, fd);
    int error = os_start_detached(watch_workers, NULL, 0);
    if (error) {
        atomic_store(&monitor.fd, 0);
        close_all(fd);
    }
    return error;
}

static bool is_running(void)
{
    static _Atomic bool said;
    if (likely(atomic_load_explicit(&monitor.fd, memory_order_acquire)))
        return true;
    pthread_mutex_lock(&monitor.mutex);
    int error = atomic_load(&monitor.fd) ? 0 : start();
    pthread_mutex_unlock(&monitor.mutex);
    if (error && !atomic_exchange(&said, true))
        say("cannot start the monitor (%s): a task that blocks its thread may hold up others",
            strerror(-error));
    return error == 0;
}

void monitor_arm(void)
{
    /* seq_cst: see the head of the file. */
    if (atomic_load_explicit(&monitor.armed, memory_order_seq_cst) ||
        atomic_exchange_explicit(&monitor.armed, true, memory_order_seq_cst))
        return;
    if (is_running())
        set_timer(FIRST_LOOK_NS);
    else
        atomic_store(&monitor.armed, false);
}

void monitor_hurry(void)
{
    if (!is_running())
        return;
    atomic_store_explicit(&monitor.hurried, true, memory_order_seq_cst);
    set_timer(1);
}

void monitor_abandon(void)
{
    int fd = atomic_exchange(&monitor.fd, 0);
    if (fd)
        close_all(fd);
    pthread_mutex_init(&monitor.mutex, NULL);
    atomic_store(&monitor.armed, false);
    atomic_store(&monitor.threads, 0);
}
