/*
 * The switch with its announcements to AddressSanitizer and ThreadSanitizer. This file is compiled
 * without instrumentation: an instrumented function would enter itself on one stack's shadow and
 * leave on another's.
 *
 * The build defines which sanitizer the rest of the library has (BINE_CONTEXT_ASAN or _TSAN), since
 * the compiler does not tell it here.
 */
#if defined(BINE_CONTEXT_ASAN)
#define BINE_ASAN 1
#elif defined(BINE_CONTEXT_TSAN)
#define BINE_TSAN 1
#endif

#define _GNU_SOURCE
#include "arch/context.h"

#if defined(BINE_ASAN)
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

void fiber_make(struct fiber *fiber, const void *bottom, size_t size)
{
    fiber->fake_stack = NULL;
    fiber->bottom = bottom;
    fiber->size = size;
}

void fiber_adopt_thread(struct fiber *fiber)
{
    pthread_attr_t attributes;
    void *bottom = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &bottom, &size);
        pthread_attr_destroy(&attributes);
    }
    fiber_make(fiber, bottom, size);
}

void fiber_destroy(struct fiber *fiber)
{
    (void)fiber;
}

void fiber_unpoison(const void *start, size_t size)
{
    __asan_unpoison_memory_region(start, size);
}

void *context_switch(void **save, struct fiber *from, void *to, struct fiber *fiber, void *message)
{
    __sanitizer_start_switch_fiber(&from->fake_stack, fiber->bottom, fiber->size);
    void *received = bine_arch_switch_(save, to, message);
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
    return received;
}

void context_started(struct fiber *fiber)
{
    __sanitizer_finish_switch_fiber(fiber->fake_stack, NULL, NULL);
}

#elif defined(BINE_TSAN)
#include <sanitizer/tsan_interface.h>

void fiber_make(struct fiber *fiber, const void *bottom, size_t size)
{
    (void)bottom, (void)size;
    fiber->handle = __tsan_create_fiber(0);
}

void fiber_adopt_thread(struct fiber *fiber)
{
    fiber->handle = __tsan_get_current_fiber();
}

void fiber_destroy(struct fiber *fiber)
{
    __tsan_destroy_fiber(fiber->handle);
}

void fiber_unpoison(const void *start, size_t size)
{
    (void)start, (void)size;
}

void *context_switch(void **save, struct fiber *from, void *to, struct fiber *fiber, void *message)
{
    (void)from;
    /* With synchronisation: what a thread did on one stack comes before what it does on the next. */
    __tsan_switch_to_fiber(fiber->handle, 0);
    return bine_arch_switch_(save, to, message);
}

void context_started(struct fiber *fiber)
{
    (void)fiber;
}
#endif
