/* The one way in which the library stops a program: misuse that would corrupt, with a message. */
#ifndef BINE_SCHED_FATAL_H
#define BINE_SCHED_FATAL_H

/*
 * Prints "bine: CALL: MESSAGE (in task ...)" and aborts. `call`: the public function that was
 * misused.
 */
_Noreturn void fatal_misuse(const char *call, const char *message);

/* Prints one line, "bine: ...", to stderr. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Describes a task as a message or dump does: "task 7 'name'", or "a plain thread". */
struct run;
void describe_run(struct run *run, char *text, unsigned long size);

/* Describes a code address: "function+0x12 (0x...)". */
void describe_address(const void *address, char *text, unsigned long size);

#endif
