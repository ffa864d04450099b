/* Faults that are no stack overflow go to the handler that the program had set, as without bine. */
#include "test_support/child.h"
#include <sys/mman.h>

static char *page;
static size_t page_size;
static _Atomic int faults;

static void allow_page(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    if (signal_number != SIGSEGV || (char *)info->si_addr != page)
        _exit(9);
    faults++;
    mprotect(page, page_size, PROT_READ | PROT_WRITE);
}

static void touch_page(int times)
{
    for (int i = 0; i < times; i++) {
        CHECK_EQ(mprotect(page, page_size, PROT_NONE), 0);
        *(volatile char *)page = (char)i;
        CHECK_EQ(faults, i + 1);
        bine_yield();
    }
}

static int touch_null(void)
{
    static int *volatile null;
    return *null;
}

static int run_child(void)
{
    CHECK_EQ(bine_run(touch_null), 0); /* no handler: dies of SIGSEGV */
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_sigaction = allow_page, .sa_flags = SA_SIGINFO};
    (void)argv;
    if (argc > 1)
        return run_child();
    page_size = (size_t)sysconf(_SC_PAGESIZE);
    page = mmap(NULL, page_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED);
    CHECK_EQ(sigaction(SIGSEGV, &action, NULL), 0);
    bine_future(void) toucher = bine_async(touch_page, 10);
    CHECK(toucher);
    bine_await(toucher);
    faults = 0;
    touch_page(10); /* in a plain thread */

    struct child *child = child_run("null");
    CHECK(!child_passed(child));
    if (!TEST_SANITIZED)
        CHECK(WIFSIGNALED(child->status) && WTERMSIG(child->status) == SIGSEGV);
    CHECK(!strstr(child->said, "overflow"));
    return 0;
}
