/* Processes: programs started beside this one. Their standard descriptors can be pipes whose other
 * ends are used by bine_read and bine_write; who waits for the end of one gives its worker away.
 * A process that was started ends in one successful wait, or is given up by bine_process_drop:
 * either way nothing of it is left. */
#ifndef BINE_PROCESS_H
#define BINE_PROCESS_H

#include <sys/types.h>

#include <bine/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a program gets as a standard descriptor, beside a copy of any descriptor above 0. */
enum {
    BINE_INHERIT = 0, /* the caller's own */
    BINE_PIPE = -1,   /* a pipe, the other end of which is in the bine_process */
    BINE_NULL = -2,   /* /dev/null */
    BINE_MERGE = -3,  /* as standard error: the same as standard output */
};

/* All-zero asks for the defaults. */
typedef struct bine_process_options {
    char *const *environment; /* "NAME=value", ends with NULL; NULL: the caller's */
    const char *directory;    /* where it starts; NULL: in the caller's */
    int input;                /* its standard descriptors */
    int output;
    int error;
    bool own_group;           /* it leads a process group, and a signal goes to all of that */
    bool kill_on_cancel;      /* a wait that the caller's cancellation or a deadline around it ends
                                 kills it and sees its end before it returns */
    bool keep_descriptors;    /* it keeps those above 2 that are not marked close-on-exec, too */
} bine_process_options;

typedef struct bine_process {
    pid_t pid;
    int input;  /* what is written here it reads as its standard input. The three are the
                   caller's, to be closed by bine_close; -1 where no pipe was asked for */
    int output; /* what it writes to standard output is read here */
    int error;
    uintptr_t private_[6];
} bine_process;

/* BINE_ARGV("sort", "-r"): the argument vector of one call. BINE_PROCESS_OPTIONS(.input =
 * BINE_PIPE): its options. */
#define BINE_ARGV(...)            ((char *const[]){__VA_ARGS__, NULL})
#define BINE_PROCESS_OPTIONS(...) (&(const bine_process_options){__VA_ARGS__})

/* Starts the program argv[0], looked for along PATH where it has no slash, with these arguments
 * (ended by NULL). NULL options ask for the defaults. The program has the signal mask, the ignored
 * signals and the timer slack that it would have without bine, and no descriptors above 2.
 * 0; what kept it from starting (-ENOENT, -EACCES, ... of the program or the directory; -EMFILE,
 * -EAGAIN, -ENOMEM); -EINVAL (no program, or no such descriptor kind). Never waits for long. */
int bine_process_start(bine_process *process, char *const *argv,
                       const bine_process_options *options);

/* Waits for its end. `status` (or NULL) receives its exit status, 0 to 255, or minus the number of
 * the signal that ended it. A wait after that gives the same again, at once; several tasks may
 * wait. 0, -ECANCELED, -ETIMEDOUT (it goes on, unless it is killed on cancel: then it has ended,
 * and `status` is set), -EAGAIN (BINE_NOW, and it runs), -ECHILD (the program ignores SIGCHLD, or
 * has waited for it by other means: its status is lost). */
int bine_process_wait(bine_process *process, int *status);
int bine_process_wait_until(bine_process *process, int *status, bine_time deadline);

/* Sends it a signal; 0 only looks. Tasks may call it while another waits. 0, -ESRCH (it has been
 * waited for), -EINVAL, -EPERM. */
int bine_process_kill(bine_process *process, int signal);

/* Gives it up: it goes on, and its end is seen to. Nothing happens where it has been waited for.
 * Its pipes stay the caller's. */
void bine_process_drop(bine_process *process);

#ifdef __cplusplus
}
#endif

#endif
