/*
 * Switching between stacks: the part that is written anew for each processor. A saved context is a
 * stack pointer; everything a function must preserve by the ABI lies above it, control words of
 * the floating-point unit among it.
 */
#ifndef BINE_ARCH_SWITCH_H
#define BINE_ARCH_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Saves the caller's context in *save, goes to the context `to`, and returns there with `message`.
 */
void *bine_arch_switch_(void **save, void *to, void *message);
void bine_arch_start_(void);

/* Words of a saved context, and where its parts lie. */
#if defined(__x86_64__)
enum { ARCH_WORDS = 8, ARCH_ENTRY = 5, ARCH_RETURN = 7, ARCH_FRAME = 6 };
#elif defined(__aarch64__)
enum { ARCH_WORDS = 22, ARCH_ENTRY = 0, ARCH_RETURN = 11, ARCH_FRAME = 10 };
#elif defined(__riscv) && __riscv_xlen == 64
enum { ARCH_WORDS = 26, ARCH_ENTRY = 2, ARCH_RETURN = 0, ARCH_FRAME = 1 };
#else
#error "bine knows x86-64, AArch64 and RISC-V 64"
#endif

/*
 * Makes a context below `top` (a multiple of 16) that starts in `entry` with the first message.
 * `entry` must not return. It starts with the floating-point control words of the caller.
 */
static inline void *arch_make_context(void *top, void (*entry)(void *message))
{
    uintptr_t *sp = (uintptr_t *)top - ARCH_WORDS;
    memset(sp, 0, ARCH_WORDS * sizeof *sp);
    sp[ARCH_ENTRY] = (uintptr_t)entry;
    sp[ARCH_RETURN] = (uintptr_t)bine_arch_start_;
#if defined(__x86_64__)
    __asm__ volatile("stmxcsr (%0)\n\tfnstcw 4(%0)" ::"r"(sp) : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(sp[20]));
#else
    __asm__ volatile("frcsr %0" : "=r"(sp[25]));
#endif
    return sp;
}

/* The control words of the floating-point unit: rounding and which exceptions trap. */
struct arch_float {
    uint64_t word;
};

/* What every program and every task starts with. */
#if defined(__x86_64__)
#define ARCH_FLOAT_USUAL ((struct arch_float){UINT64_C(0x1f80) | UINT64_C(0x37f) << 32})
#else
#define ARCH_FLOAT_USUAL ((struct arch_float){0})
#endif

static inline struct arch_float arch_float_get(void)
{
    struct arch_float control = {0};
#if defined(__x86_64__)
    uint32_t mxcsr;
    uint16_t x87;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
    control.word = (mxcsr & ~UINT32_C(0x3f)) | (uint64_t)x87 << 32; /* without its status flags */
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(control.word));
#else
    __asm__ volatile("frrm %0" : "=r"(control.word));
#endif
    return control;
}

/* True where arch_float_get() is ARCH_FLOAT_USUAL, for less. */
static inline bool arch_float_is_usual(void)
{
#if defined(__x86_64__)
    uint32_t mxcsr;
    uint16_t x87;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
    return (((mxcsr & ~UINT32_C(0x3f)) ^ 0x1f80) | (uint32_t)(x87 ^ 0x37f)) == 0;
#else
    return arch_float_get().word == ARCH_FLOAT_USUAL.word;
#endif
}

static inline void arch_float_set(struct arch_float control)
{
#if defined(__x86_64__)
    uint32_t mxcsr = (uint32_t)control.word;
    uint16_t x87 = (uint16_t)(control.word >> 32);
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(mxcsr), "m"(x87));
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" ::"r"(control.word));
#else
    __asm__ volatile("fsrm %0" ::"r"(control.word));
#endif
}

#endif
