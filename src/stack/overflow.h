/* Catches a task that ran into the guard of its stack. */
#ifndef BINE_STACK_OVERFLOW_H
#define BINE_STACK_OVERFLOW_H

#include "stack/stack.h"

/*
 * From now on calls report(stack) in the thread that hits a guard, on its alternate stack, and then
 * lets the fault end the process. Other faults go to the handler that was there before. Only the
 * first call counts.
 */
void overflow_install(void (*report)(const struct stack *stack));

/* Gives the calling thread an alternate stack in `memory`. */
enum { OVERFLOW_STACK_SIZE = 32 << 10 };
void overflow_enter_thread(void *memory);
void overflow_leave_thread(void);

#endif
