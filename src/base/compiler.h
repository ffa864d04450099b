/* What the compiler and the processor are asked for beside plain C. */
#ifndef BINE_BASE_COMPILER_H
#define BINE_BASE_COMPILER_H

#include <stddef.h>
#include <stdatomic.h>

#define CACHE_LINE 64

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define container_of(pointer, type, field) ((type *)((char *)(pointer)-offsetof(type, field)))

#if defined(__SANITIZE_THREAD__)
#define BINE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BINE_TSAN 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define BINE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BINE_ASAN 1
#endif
#endif

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define BINE_MSAN 1
#endif
#endif

/* For calls through a pointer of another type, and for entry points that a switch jumps to. */
#if defined(__clang__)
#define UNCHECKED_CALL __attribute__((no_sanitize("function")))
#else
#define UNCHECKED_CALL
#endif

/* For a look at what others may be changing, where a wrong answer does no harm. */
#if defined(__clang__)
#define UNCHECKED_RACE __attribute__((no_sanitize("thread")))
#else
#define UNCHECKED_RACE __attribute__((no_sanitize_thread))
#endif

/* Tells the processor that this is a spin loop. */
static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/*
 * Orders everything before it, a locked read-modify-write among that, against everything after it.
 * On x86-64 the locked operation alone does so.
 */
static inline void fence_after_locked(void)
{
#if defined(__x86_64__) && !defined(BINE_TSAN)
    atomic_signal_fence(memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

#endif
