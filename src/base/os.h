/*
 * The calls into the operating system that can run out of something. They go through this table so
 * that a test can put a failing one in its place; nothing else may change it.
 */
#ifndef BINE_BASE_OS_H
#define BINE_BASE_OS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct os_calls {
    /* Maps `size` bytes of zeroed private memory, charged when touched; NULL when refused. */
    void *(*map)(size_t size);
    void (*unmap)(void *start, size_t size);
    /* madvise and mprotect: 0 or -errno. */
    int (*advise)(void *start, size_t size, int advice);
    int (*forbid)(void *start, size_t size);
    /* pthread_create: 0 or -errno. */
    int (*start_thread)(pthread_t *thread, const pthread_attr_t *attributes,
                        void *(*body)(void *), void *argument);
    /* Sleeps while *word == expected, at most until `deadline` (ns, CLOCK_MONOTONIC; INT64_MAX:
     * no limit). 0 or -errno; may return at any time. */
    int (*futex_wait)(_Atomic uint32_t *word, uint32_t expected, int64_t deadline);
    /* Wakes up to `count` sleepers. The word itself is not touched and may be gone. */
    void (*futex_wake)(_Atomic uint32_t *word, int count);
};
extern struct os_calls os_calls;

/*
 * Starts a thread that nobody joins and no signal handler runs on. stack_size: bytes, or 0 for the
 * usual. 0 or -errno.
 */
int os_start_detached(void *(*body)(void *), void *argument, size_t stack_size);

/*
 * Moves a descriptor, as the call that opened it returned it, away from the numbers that a program may
 * have closed to open its own there. Returns its number, close-on-exec; or -errno, also of that call.
 */
int os_move_from_standard(int fd);

/* The machine's page size, bytes. */
size_t os_page_size(void);

/*
 * Asks that the calling thread be let in soon after it wakes, where all processors compute: by a short
 * slice, which Linux heeds from 6.12 on. Its share of them stays what it is.
 */
void os_ask_for_short_slices(void);

#endif
