/*
 * Names are resolved without keeping a worker from its tasks, tried address by address, and one
 * that does not exist is an error. A cancellation or a deadline ends the wait for an answer.
 */
#include "test_support/net.h"
#include <bine/scope.h>
#include <dlfcn.h>
#include <netdb.h>

#define HELD "held.invalid"

static _Atomic int held; /* questions for that name */
static _Atomic bool may_answer;

/* In the place of the C library's, for bine. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    if (strcmp(host, HELD) != 0) {
        int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
        *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
        return real(host, service, hints, found);
    }
    held++;
    while (!may_answer)
        usleep(100);
    return EAI_NONAME;
}

static int resolve_nobody(void)
{
    int fd = bine_dial("does-not-exist.invalid:80");
    CHECK(fd == -EADDRNOTAVAIL || fd == -ENETUNREACH);
    return 0;
}

/* localhost may have two addresses, and the listener one. */
static int dial_by_name(const char *address)
{
    char by_name[64];
    snprintf(by_name, sizeof by_name, "localhost%s", strrchr(address, ':'));
    int fd = bine_dial(by_name);
    CHECK(fd >= 0);
    CHECK_EQ(bine_close(fd), 0);
    return 0;
}

static int give_up(void)
{
    CHECK_EQ(bine_dial(HELD ":80"), -ECANCELED);
    return 0;
}

static int time_out(void)
{
    BINE_WITHIN (BINE_MS(1))
        CHECK_EQ(bine_dial(HELD ":80"), -ETIMEDOUT);
    return 0;
}

static void check_giving_up(void)
{
    bine_future(int) cancelled = bine_async(give_up);
    CHECK(cancelled);
    EVENTUALLY(held == 1);
    bine_cancel(cancelled);
    CHECK_EQ(bine_await(cancelled), 0);
    CHECK_EQ(bine_run(time_out), 0);
    may_answer = true;
}

int main(void)
{
    char address[64];
    int listener = net_listen(address);
    CHECK_EQ(bine_run(dial_by_name, address), 0);
    CHECK_EQ(dial_by_name(address), 0);
    CHECK_EQ(bine_run(resolve_nobody), 0);
    check_giving_up();
    CHECK_EQ(bine_close(listener), 0);
    return 0;
}
