/* What the parts of fetch share. Each .c file has one of them; main.c has the map. */
#ifndef FETCH_H
#define FETCH_H

#include <bine.h>
#include <stdatomic.h>
#include <stdbool.h>

struct options {
    const char *directory; /* where files go */
    unsigned connections;  /* at the same time, at most */
    unsigned retries;      /* after a first try that failed */
    bine_time backoff;     /* before the first retry, roughly; doubled before each further one */
    bine_time silence;     /* longest wait for a server's next bytes */
    bine_time deadline;    /* for all of it; BINE_NEVER: none */
};

/* --- url.c --- */

enum { URL_SIZE = 2048, HOST_SIZE = 256 };

struct url {
    char address[HOST_SIZE + 8]; /* "host:port", as bine_dial takes it */
    char host[HOST_SIZE + 8];    /* as the header Host has it */
    char path[URL_SIZE];         /* with the query */
};

/* Only http. False if it is none, or too long. */
bool url_parse(const char *text, struct url *url);

/* Where a redirection from `url` leads. False: nowhere that can be followed. */
bool url_follow(struct url *url, const char *location);

/* The last part of the path, fit for a file's name. */
void url_file_name(const struct url *url, char *name, size_t size);

/* --- response.c --- */

struct response; /* being read */

/* Called with each piece of a body: 0, or -errno to stop. */
typedef int body_function(void *argument, const char *data, size_t size);

struct response *response_new(body_function *body, void *argument);
void response_free(struct response *response);

/* Reads on; size 0 is the connection's end. 0, -EPROTO (this is no HTTP, or not all of it), or what
 * the body's function returned. */
int response_feed(struct response *response, const char *data, size_t size);

bool response_is_complete(const struct response *response);
int response_status(const struct response *response);           /* 0: not known yet */
const char *response_location(const struct response *response); /* of a redirection; else "" */
long long response_size(const struct response *response);       /* of the body; -1: not said */

/* --- download.c --- */

enum state { JOB_WAITING, JOB_DONE, JOB_FAILED, JOB_STOPPED };

struct job {
    const char *text; /* the URL as it was given */
    struct url url;
    char *path;       /* of the file */
    enum state state; /* its task's; main's once that has ended */
    unsigned tries;
    int status; /* of the last answer; 0: there was none */
    int error;  /* what else went wrong, as -errno */
};

struct counts {
    _Atomic unsigned done, failed, running, retries;
    _Atomic long long bytes;
};

/* The task of a job. */
void download(struct job *job, const struct options *options, struct counts *counts);

/* --- progress.c --- */

struct progress;

/* Draws a bar, where standard error is a terminal. */
void progress_draw(const struct counts *counts, unsigned jobs, bine_time since);
void progress_clear(void);

#endif
