/*
 * Looking at stacks that nobody holds still: copies of them, the calls that a copy shows, and what
 * the code there is called. Any thread.
 */
#ifndef BINE_DIAG_BACKTRACE_H
#define BINE_DIAG_BACKTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stack;

enum { MOST_CALLS = 64, MOST_COPIED = 256 << 10 };

/* The part of a stack that is in use, as it was at some moment. */
struct stack_copy {
    const char *from; /* where its lowest word lay */
    size_t size;      /* bytes, MOST_COPIED at most */
    uintptr_t words[MOST_COPIED / sizeof(uintptr_t)];
};

/*
 * Copies memory that may be changed or unmapped meanwhile. The kernel does it, so that no address
 * is fatal and no sanitizer minds. False if not all of it can be read.
 */
bool peek(void *copy, const void *from, size_t size);

/* Copies a string, cut where it does not fit; what cannot be printed becomes '?'. */
bool peek_text(char *copy, size_t size, const char *from);

/* Copies a stack from `sp`, a saved context, to its top. False if `sp` is not in the stack, or
 * either cannot be read. */
bool stack_copy_take(struct stack_copy *copy, const struct stack *stack, const void *sp);

/* True if the stack still looks like the copy. */
bool stack_copy_is_current(const struct stack_copy *copy);

/* Fills in the return addresses that a copy holds, innermost first; returns their number. The copy
 * is of no use after that. */
unsigned stack_copy_calls(struct stack_copy *copy, const void *calls[MOST_CALLS]);

/* Describes a code address: "function+0x12 (object+0x3456)", or less where less is known. */
void describe_code(const void *address, char *text, size_t size);

#endif
