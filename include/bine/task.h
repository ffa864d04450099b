/* Tasks: functions that run concurrently on the pool's workers, and futures: tasks whose result is
 * awaited. */
#ifndef BINE_TASK_H
#define BINE_TASK_H

#include <bine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct bine_task bine_task;
struct bine_pool;
struct bine_scope;

/* Where and how a task starts; all-zero asks for the defaults. */
typedef struct bine_task_options {
    const char *name;         /* shown in dumps and traces; not copied, must outlive the task */
    size_t stack_size;        /* bytes; 0: the pool's default. Rounded up as the machine needs */
    struct bine_pool *pool;   /* NULL: the caller's pool, or the default one */
    struct bine_scope *scope; /* NULL: belongs to no scope */
    size_t copy_size;         /* not 0: the first argument points at this many bytes, at most 1024;
                                 fn gets a pointer to the task's own copy of them, which lives as
                                 long as the task */
    bool pinned;              /* never moves to another OS thread */
} bine_task_options;

/* BINE_OPTIONS(.name = "n", .scope = &s, .pool = p): options for one call of bine_go_with or
 * bine_async_with. */
#define BINE_OPTIONS(...) (&(const bine_task_options){__VA_ARGS__})

int bine_task_go_(const bine_task_options *options, struct bine_call call);
bine_task *bine_task_async_(const bine_task_options *options, struct bine_call call);
int bine_task_go3_(void (*fn)(void), unsigned result, uintptr_t a, uintptr_t b, uintptr_t c);
bine_task *bine_task_async3_(void (*fn)(void), unsigned result, uintptr_t a, uintptr_t b,
                             uintptr_t c);
uintptr_t bine_task_await_(bine_task *task);
int bine_task_await_until_(bine_task *task, void *result, size_t size, bine_time deadline);
void bine_task_drop_(bine_task *task);
void bine_task_cancel_(bine_task *task);
int bine_task_await_any_(bine_task *const *tasks, size_t count, bine_time deadline);

/* int bine_go(fn, args...): starts fn(args...) as a task of its own and returns at once.
 * Up to six arguments, integers or pointers, checked against fn's parameters at compile time; a
 * floating, struct or enum parameter does not compile: pass larger things by pointer, or by copy
 * with bine_go_copy, and enums as int. A narrow parameter must be given a value that fits it. Any
 * result of fn is ignored. The task belongs to no scope and inherits no deadline. The runtime
 * starts by itself on first use.
 * Returns 0, -ENOMEM, -EPIPE (the pool is closing). */
#define bine_go(fn, ...) bine_go_with((const bine_task_options *)0, fn __VA_OPT__(, ) __VA_ARGS__)

/* int bine_go_with(options, fn, args...): bine_go with options. Returns 0, -ENOMEM, -EINVAL, -EPIPE
 * (the pool is closing), -ECANCELED (the scope is cancelled or closed). */
#define bine_go_with(options, fn, ...)                                                             \
    __extension__({                                                                                \
        BINE_CHECK_CALL_(fn, __VA_ARGS__)                                                          \
        bine_task_go_call_((options), BINE_CALL_(fn, __VA_ARGS__));                                \
    })

/* int bine_go_copy(fn, const T *value): starts fn(&copy), where copy is the task's own copy of
 * *value (at most 1024 bytes), freed when the task ends. Returns as bine_go_with; with options: see
 * copy_size. */
#define bine_go_copy(fn, ...)                                                                      \
    bine_go_with(BINE_OPTIONS(.copy_size = sizeof *(__VA_ARGS__)), fn,                             \
                 (__typeof__(((void)0, *(__VA_ARGS__))) *)(__VA_ARGS__))

/* bine_future(R): the type of a handle to a task that returns R. R is void, an integer, a pointer,
 * float or double. A future is owned by one place at a time and ends in exactly one bine_await,
 * successful bine_await_until, or bine_drop. (The handle is a pointer that carries R in its
 * type.) */
#define bine_future(...) __typeof__(__typeof__(__VA_ARGS__) (*)(struct bine_task *))

/* bine_future(R) bine_async(fn, args...): starts fn(args...) in parallel, as bine_go does, and
 * returns its future, or NULL where bine_go would fail. Nothing more is needed for it to run:
 * awaiting only collects. */
#define bine_async(fn, ...)                                                                        \
    bine_async_with((const bine_task_options *)0, fn __VA_OPT__(, ) __VA_ARGS__)

#define bine_async_with(options, fn, ...)                                                          \
    __extension__({                                                                                \
        BINE_CHECK_CALL_(fn, __VA_ARGS__)                                                          \
        (bine_future(__typeof__((fn)(__VA_ARGS__))))                                               \
            bine_task_async_call_((options), BINE_CALL_(fn, __VA_ARGS__));                         \
    })

/* R bine_await(future): waits until the task has ended, frees it and returns its result. Not ended
 * by cancellation or deadlines of the caller: cancel the awaited task, or use bine_await_until.
 * Awaiting NULL stops the program. */
#define bine_await(future)                                                                         \
    __extension__({                                                                                \
        BINE_AWAIT_CAST_((future)((struct bine_task *)0),                                          \
                         bine_task_await_(BINE_TASK_OF_(future)));                                 \
    })

/* int bine_await_until(future, R *result, deadline): as bine_await; 0, -ETIMEDOUT, -EAGAIN,
 * -ECANCELED. On failure the future is still owned by the caller. For a void future pass NULL as
 * result. */
#define bine_await_until(future, result, deadline)                                                 \
    __extension__(bine_task_await_until_(BINE_TASK_OF_(future),                                    \
                                         BINE_TYPED_(BINE_OF_(future) *, result),                  \
                                         sizeof(BINE_OF_(future)), (deadline)))

/* int bine_await_any(futures, count): index of a future in the array that has ended (it is not
 * consumed; NULL entries are skipped), -ECANCELED, -ETIMEDOUT, -EINVAL (none to wait for). */
#define bine_await_any(futures, count) bine_await_any_until(futures, count, BINE_NEVER)
#define bine_await_any_until(futures, count, deadline)                                             \
    ((void)sizeof((futures)[0]((struct bine_task *)0), 0),                                         \
     bine_task_await_any_((bine_task *const *)(const void *)(futures), (count), (deadline)))

/* Gives the future up: the task goes on, its result is thrown away. NULL does nothing. */
#define bine_drop(future) bine_task_drop_(BINE_TASK_OF_(future))

/* Asks the task to stop: its waits, and those in the scopes it opened, return -ECANCELED from now
 * on. Does not wait for it. A task that has not started yet still runs: what it was given is never
 * lost. NULL does nothing. */
#define bine_cancel(future) bine_task_cancel_(BINE_TASK_OF_(future))

/* --- the calling task --- */

/* A number no other task of this process has had or will have; 0 on a plain thread. */
uint64_t bine_id(void);

/* Lets other ready tasks run first. On a plain thread: sched_yield. */
void bine_yield(void);

/* 0, or -ECANCELED once the task or a scope around it is cancelled, or -ETIMEDOUT once a deadline
 * around it has passed. For loops that compute without waiting. */
int bine_check(void);

/* While shielded, the task's waits and bine_check ignore cancellation and the deadlines that were
 * around it when the shield went up; what is set up inside, scopes and BINE_WITHIN, still counts.
 * For clean-up. Returns the state before. */
bool bine_shield(bool on);

/* BINE_SHIELDED { ... }: the block runs shielded; break and continue leave the block only. */
#define BINE_SHIELDED BINE_SHIELDED_(BINE_NEW_(bine_before_), BINE_NEW_(bine_once_))
#define BINE_SHIELDED_(before, once)                                                               \
    for (bool before __attribute__((unused, cleanup(bine_shield_restore_))) = bine_shield(true),   \
              once = true;                                                                         \
         once; once = false)
static inline void bine_shield_restore_(const bool *before)
{
    bine_shield(*before);
}

/* Names the calling task in dumps and traces; the string is not copied and must outlive the
 * task. */
void bine_set_name(const char *name);

/* While pinned, the calling task stays on its OS thread: for libraries that use thread-local state.
 * Nests. Other tasks still run on that thread. */
void bine_pin(void);
void bine_unpin(void);

/* Values of a task's own, as pthread_key_t is for threads. `destroy` (or NULL) runs on the value
 * when its task ends. On a plain thread the values are the thread's. Make returns 0, -ENOMEM,
 * -EAGAIN (1024 keys). */
typedef unsigned bine_key;
int bine_key_make(bine_key *key, void (*destroy)(void *value));
void *bine_key_get(bine_key key);
int bine_key_set(bine_key key, void *value); /* 0, -ENOMEM */

/* --- behind the macros --- */

/* Most calls have no options and at most three arguments: those go in registers. Always inline, for
 * the address that is called from is shown as the place where the task was started. */
static inline bool bine_call_is_small_(const bine_task_options *options, const struct bine_call *call)
{
    return !options && !(call->arg[3] | call->arg[4] | call->arg[5]);
}
__attribute__((always_inline)) static inline int
bine_task_go_call_(const bine_task_options *options, struct bine_call call)
{
    return bine_call_is_small_(options, &call)
               ? bine_task_go3_(call.fn, call.result, call.arg[0], call.arg[1], call.arg[2])
               : bine_task_go_(options, call);
}
__attribute__((always_inline)) static inline bine_task *
bine_task_async_call_(const bine_task_options *options, struct bine_call call)
{
    return bine_call_is_small_(options, &call)
               ? bine_task_async3_(call.fn, call.result, call.arg[0], call.arg[1], call.arg[2])
               : bine_task_async_(options, call);
}

double bine_word_to_double_(uintptr_t word);
float bine_word_to_float_(uintptr_t word);

/* The handle itself, once it is sure that it is one; and the type of its result. */
#define BINE_TASK_OF_(future)                                                                      \
    __extension__(__builtin_choose_expr(1, (struct bine_task *)(future),                           \
                                        (future)((struct bine_task *)0)))
#define BINE_OF_(future) __typeof__((future)((struct bine_task *)0))
#define BINE_AWAIT_CAST_(e, word)                                                                  \
    __builtin_choose_expr(BINE_IS_(double, e), bine_word_to_double_(word),                         \
    __builtin_choose_expr(BINE_IS_(float, e), bine_word_to_float_(word),                           \
    __builtin_choose_expr(BINE_IS_(bool, e), (bool)(unsigned char)(word),                          \
                          (__typeof__(e))(word))))

#ifdef __cplusplus
}
#endif

#endif
