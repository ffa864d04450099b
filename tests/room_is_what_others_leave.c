/* What others take of the processors is a mean: one look changes little, some change it, and it
 * goes back to none. */
#include "sched/cpus.h"
#include "test.h"
#include <limits.h>

enum { LOOKS = 1000 };

static void note(int threads, int looks)
{
    for (int i = 0; i < looks; i++)
        cpus_note_others(threads);
}

int main(void)
{
    unsigned online = cpus_online();
    CHECK(online >= 1);
    CHECK(cpus_left() == UINT_MAX); /* nobody has looked */

    note(0, 1);
    CHECK(cpus_left() == online);
    note(1, 1);
    CHECK(cpus_left() == online);
    note(1, LOOKS);
    CHECK(cpus_left() == online - 1);
    note(0, 1);
    CHECK(cpus_left() == online - 1);
    note(0, LOOKS);
    CHECK(cpus_left() == online);

    note((int)online + 1, LOOKS);
    CHECK(cpus_left() == 0);
    note(0, LOOKS);
    CHECK(cpus_left() == online);

    int fd = cpus_open(); /* the real thing: whatever it finds, no more than there are */
    CHECK(fd > STDERR_FILENO);
    cpus_look(fd, 1);
    CHECK(cpus_left() <= online);
    close(fd);
    cpus_look(fd, 1); /* tells nothing */
    CHECK(cpus_left() <= online);
    return 0;
}
