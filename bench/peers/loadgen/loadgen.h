/* What the files of the load generator share. */
#ifndef LOADGEN_H
#define LOADGEN_H

#include <stdint.h>
#include <sys/types.h>

/* Ends the program (and the server it has started) with the message, and errno's. */
_Noreturn void die(const char *what);
_Noreturn void die_because(const char *what);

/* Nanoseconds on the monotonic clock. */
int64_t now_ns(void);

/* --- server.c --- */

struct server {
    pid_t pid;
    int port;
};

/* Starts `program MODE WORKERS PORT`, on the first processor alone where it has one worker, and
 * waits until it listens. */
void server_start(struct server *server, const char *program, const char *mode, unsigned workers);
void server_stop(struct server *server);

/* The processor time that it has used, user and system, in ns. */
int64_t server_cpu_ns(const struct server *server);

/* Its resident memory in bytes, once it has nothing left to do. */
long server_settled_bytes(const struct server *server);

/* Moves the caller to the last processor. */
void use_last_processor(void);

/* --- load.c --- */

enum { MOST_WINDOWS = 3 };

struct dialect {
    const char *name;
    const char *request;
    size_t request_size;
    /* How many of the `got` bytes are the first answer: 0 when it is not whole yet, -1 if it is
     * wrong. */
    ssize_t (*answer)(const char *data, size_t got);
};
extern const struct dialect dialect_echo, dialect_http;

struct window {
    double rate;   /* requests/s */
    double cpu_us; /* of the server, a request */
    double p50_us;
    double p99_us;
};

/* Keeps `count` connections asking, each as soon as it has its answer: MOST_WINDOWS windows of
 * window_ns after a warm-up. */
void load(const struct server *server, const struct dialect *dialect, unsigned count,
          int64_t window_ns, struct window *windows);

/* Connects and sets no options but TCP_NODELAY; the index spreads them over source addresses. */
int dial(int port, unsigned index);

/* One request on each connection, one after another. */
void ask_each(const struct dialect *dialect, const int *fds, unsigned count);

#endif
