/* A text that is written to a descriptor line by line: what a dump prints. */
#ifndef BINE_DIAG_REPORT_H
#define BINE_DIAG_REPORT_H

#include <stddef.h>

enum {
    REPORT_SIZE = 32 << 10,
    REPORT_CODES = 1024, /* descriptions kept; they cost more than all else */
    CODE_SHOWN = 160,    /* of the description of a code address */
};

/* All-zero but for fd is one that begins. */
struct report {
    int fd;
    int error;     /* -errno of the first thing that failed; 0 */
    size_t length; /* of text */
    struct {
        const void *address;
        char text[CODE_SHOWN];
    } codes[REPORT_CODES];
    char text[REPORT_SIZE];
};

__attribute__((format(printf, 2, 3))) void report_print(struct report *report, const char *format, ...);

/* Whole lines go out at once, so that two reports to one place stay legible. */
void report_end_line(struct report *report);

/* Writes what is left. */
void report_flush(struct report *report);

/* Function, file and line, as far as they are known. */
void report_code(struct report *report, const void *address);
/* The call, not what it returns to: that may belong to another line or function. */
void report_call(struct report *report, const void *return_address);

#endif
