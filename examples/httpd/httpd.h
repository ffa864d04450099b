/* What the parts of httpd share. Each .c file has one of them; main.c has the map. */
#ifndef HTTPD_H
#define HTTPD_H

#include <bine.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

struct options {
    const char *directory;
    unsigned port;
    unsigned workers;    /* 0: one per processor */
    bool no_links;       /* symbolic links are not followed at all */
    bool quiet;          /* no request log */
    bine_time head_time; /* for a request's head, from its first byte on */
    bine_time idle_time; /* between two requests */
    bine_time send_time; /* for each piece of an answer */
    bine_time grace;     /* to finish requests when the server stops */
};

/* --- request.c: what was asked for --- */

/* A piece of a request as it came; size 0: not there. */
struct text {
    const char *at;
    size_t size;
};

enum method { METHOD_GET, METHOD_HEAD, METHOD_OTHER };

struct request {
    enum method method;
    const char *method_name;
    int minor; /* of HTTP/1.x */
    bool has_body;
    bool keep_alive;
    struct text target;
    struct text host;
    struct text range, if_range, if_none_match, if_modified_since;
};

struct reader; /* of requests */

/* Reads one request after the other from the same memory. */
struct reader *reader_new(void);
void reader_free(struct reader *reader);

/* Begins with the next request: what is left of the text before was moved, or is new. */
void reader_begin(struct reader *reader);

/* Reads on in the text of a request, which follows what it had before in memory. Sets *used to how
 * much of it belongs to this request. Returns 0 when the head is not complete; 200 when it is, and
 * what it says is in *request, which points into the text; or the status of an error. */
int reader_feed(struct reader *reader, const char *text, size_t size, size_t *used,
                struct request *request);

/* --- files.c: what there is --- */

struct file {
    int fd; /* -1: none */
    struct stat stat;
    const char *type;
};

/* Opens the regular file that a request's target names, below the directory `root` and nowhere
 * else. Returns 200; 301 for a directory whose name lacks the slash; or the status of an error. */
int file_find(int root, const struct text *target, bool no_links, struct file *file);
void file_close(struct file *file);

/* --- range.c: which part of it --- */

struct range {
    off_t first;
    off_t size; /* bytes from there */
};

/* Returns 200 (all of it), 206, or 416. */
int range_choose(const struct text *header, off_t size, struct range *range);

/* --- answer.c --- */

struct connection;

/* Answers the request, or only with a status, and logs it. False when the connection is over. */
bool answer_request(struct connection *connection, const struct request *request);
void answer_status(struct connection *connection, const struct request *request, int status);

/* --- log.c --- */

struct log; /* lines on their way to standard output */

struct log *log_open(void);
/* Returns when all is written. */
void log_close(struct log *log);
/* Runs until it is closed: the task that writes. */
void log_write(struct log *log);
void log_request(struct log *log, const char *peer, const struct request *request, int status,
                 long long bytes);

/* --- connection.c --- */

enum { INPUT_SIZE = 8192, OUTPUT_SIZE = 16384 };

struct server;

struct connection {
    struct server *server;
    int fd;
    char peer[64];
    _Atomic bool idle; /* between two requests: nothing is lost when it is closed */
    struct connection *next, *prev;
    size_t filled;            /* bytes of input */
    char input[INPUT_SIZE];   /* the request, and what came behind it */
    char output[OUTPUT_SIZE]; /* the answer's head, and pieces of its body */
};

struct connections {
    struct connection *first; /* of those that serve */
    unsigned count;           /* accepted and not closed */
};

struct server {
    const struct options *options;
    int root;        /* the directory */
    struct log *log; /* NULL: none */
    _Atomic bool stopping;
    bine_event all_gone; /* stopping, and no connection is left */
    bine_guarded(struct connections) connections;
};

/* The task of a connection. */
void connection_serve(struct server *server, int fd);

/* Sends all of it, if the client takes it in time. False otherwise. */
bool connection_send(struct connection *connection, const char *data, size_t size);

/* One more, or less. */
void connections_count(struct server *server, int change);

/* From now on connections end with the request they are at. */
void connections_stop(struct server *server);

#endif
