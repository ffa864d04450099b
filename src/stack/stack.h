/*
 * Stacks for tasks: address space in classes of sizes, a guard below each, kept for reuse.
 * Everything here may be called from any thread.
 */
#ifndef BINE_STACK_STACK_H
#define BINE_STACK_STACK_H

#include "arch/context.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STACK_SMALLEST = 16 << 10, /* bytes promised by class 0; each class doubles that */
    STACK_CLASSES = 24,        /* the largest promise is 128 GiB */
    STACK_EXTRA = 16 << 10,    /* mapped beyond the promise: so a task can await another in place */
};

/* What is known of a stack lies beside it, so that giving its memory back loses nothing. */
struct stack {
    void *sp;           /* context of the scheduling loop that waits on it; NULL: none */
    struct stack *next; /* in a list of free stacks */
    struct stack *prev; /* in the depot's list */
    char *limit;        /* lowest usable address, just above the guard */
    char *top;          /* where it starts: a multiple of 16 */
    unsigned class;
    struct fiber fiber;
};

/* The class that promises at least `size` bytes; -1 if there is none. */
int stack_class_for(size_t size);
size_t stack_class_promise(int class);

/* Takes up to `count` stacks of a class as a list; NULL when not even one can be had. */
struct stack *stack_take(int class, int count);

/* Gives a list of stacks back. */
void stack_give(struct stack *list);

/* The stack whose guard `address` lies in, or NULL. Safe in a signal handler. */
const struct stack *stack_guarding(const void *address);

/*
 * Returns the memory of stacks that lay unused since the call before. True if some are left that
 * a later call may return.
 */
bool stack_trim(void);

/* In the child of a fork: forgets all free stacks. */
void stack_abandon(void);

/* Bytes of memory that stacks hold now. Walks all page tables: not for often. */
uint64_t stack_resident_bytes(void);

#endif
