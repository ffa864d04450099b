/*
 * bine_dump shows the tasks with id and name, those that wait and those that wait to run, also
 * while no worker is free to help; a descriptor that cannot be written is an error.
 */
#include "test.h"
#include <fcntl.h>
#include <sys/mman.h>

enum { DUMP_SIZE = 1024 * 1024 };

static bine_event event;
static bine_mutex mutex;
static _Atomic uint64_t id_of_waiter;
static _Atomic bool stop;

/* Their own names say nothing of what they wait for: the dump has to. */
static void run_first(void)
{
    id_of_waiter = bine_id();
    CHECK_EQ(bine_event_wait(&event), 0);
}

static void run_second(void)
{
    bine_set_name("second_by_call");
    CHECK_EQ(bine_sleep(BINE_S(1000)), -ECANCELED);
}

static void run_third(void)
{
    bine_lock(&mutex);
    bine_unlock(&mutex);
}

static uint64_t give_id(void)
{
    return bine_id();
}

static void compute(void)
{
    while (!stop)
        ;
}

/* Valid until the next call. */
static const char *dump(void)
{
    static char text[DUMP_SIZE];
    int file = memfd_create("dump", MFD_CLOEXEC);
    CHECK(file >= 0);
    CHECK_EQ(bine_dump(file), 0);
    ssize_t length = pread(file, text, sizeof(text) - 1, 0);
    CHECK(length > 0);
    text[length] = '\0';
    close(file);
    return text;
}

static void check_shown(const char *text, const char *word)
{
    if (strstr(text, word))
        return;
    dprintf(2, "%s\nis missing: %s\n", text, word);
    CHECK(!"the dump shows it");
}

static void check_dump(void)
{
    char id[24];
    const char *text = dump();
    snprintf(id, sizeof(id), "%" PRIu64, (uint64_t)id_of_waiter);
    check_shown(text, "first_by_option");
    check_shown(text, id);
    check_shown(text, "second_by_call");
    check_shown(text, "third_by_option");
    check_shown(text, "event");
    check_shown(text, "sleep");
    check_shown(text, "lock");
    CHECK(!strstr(text, "former_name"));
}

int main(void)
{
    for (uint64_t id = 0; id < 1000;) { /* longer ids are not in the text by chance */
        bine_future(uint64_t) future = bine_async(give_id);
        CHECK(future);
        id = bine_await(future);
    }
    bine_lock(&mutex);
    CHECK_EQ(bine_go_with(BINE_OPTIONS(.name = "first_by_option"), run_first), 0);
    bine_future(void) sleeper = bine_async_with(BINE_OPTIONS(.name = "former_name"), run_second);
    CHECK(sleeper);
    CHECK_EQ(bine_go_with(BINE_OPTIONS(.name = "third_by_option"), run_third), 0);
    test_until_parked(3);
    check_dump();

    for (int i = 0; i < 8; i++)
        CHECK_EQ(bine_go_with(BINE_OPTIONS(.name = "named_hog"), compute), 0);
    check_dump();
    check_shown(dump(), "named_hog");
    stop = true;

    int unwritable = open("/dev/null", O_RDONLY | O_CLOEXEC);
    CHECK_EQ(bine_dump(unwritable), -EBADF);
    CHECK_EQ(bine_dump(-1), -EBADF);

    bine_cancel(sleeper);
    bine_await(sleeper);
    bine_unlock(&mutex);
    bine_event_set(&event);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK(!strstr(dump(), "first_by_option"));
    return 0;
}
