/*
 * A switch that the sanitizers understand. In a plain build it is the processor's switch and
 * nothing else.
 */
#ifndef BINE_ARCH_CONTEXT_H
#define BINE_ARCH_CONTEXT_H

#include "arch/switch.h"
#include "base/compiler.h"

#if defined(BINE_WITH_VALGRIND)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(bottom, top) ((void)(bottom), (void)(top))
#endif

/* What the sanitizers keep for a stack. */
struct fiber {
#if defined(BINE_ASAN)
    void *fake_stack;   /* while switched away from */
    const void *bottom; /* lowest address */
    size_t size;        /* bytes */
#elif defined(BINE_TSAN)
    void *handle;
#else
    char unused[0];
#endif
};

#if defined(BINE_ASAN) || defined(BINE_TSAN)
void fiber_make(struct fiber *fiber, const void *bottom, size_t size);
void fiber_adopt_thread(struct fiber *fiber); /* the calling thread's own stack */
void fiber_destroy(struct fiber *fiber);
void fiber_unpoison(const void *start, size_t size);

/* Goes from the stack of `from` to the context `to` on the stack of `fiber`. */
void *context_switch(void **save, struct fiber *from, void *to, struct fiber *fiber,
                     void *message);

/* To be called first on a stack that is entered for the first time. */
void context_started(struct fiber *fiber);
#else
static inline void fiber_make(struct fiber *fiber, const void *bottom, size_t size)
{
    (void)fiber;
    VALGRIND_STACK_REGISTER(bottom, (const char *)bottom + size);
}
static inline void fiber_adopt_thread(struct fiber *fiber)
{
    (void)fiber;
}
static inline void fiber_destroy(struct fiber *fiber)
{
    (void)fiber;
}
static inline void fiber_unpoison(const void *start, size_t size)
{
    (void)start, (void)size;
}
static inline void *context_switch(void **save, struct fiber *from, void *to, struct fiber *fiber,
                                   void *message)
{
    (void)from, (void)fiber;
    return bine_arch_switch_(save, to, message);
}
static inline void context_started(struct fiber *fiber)
{
    (void)fiber;
}
#endif

#endif
