/*
 * A program that closes its own descriptors by close(), against the rules, still reads the right
 * data when their numbers are used again, for something else even.
 */
#include "test_support/net.h"

enum { ROUNDS = 40 };

static int read_word(int fd)
{
    char word[4];
    CHECK_EQ(bine_read_full(fd, word, 4), 4);
    CHECK(memcmp(word, "word", 4) == 0);
    return 0;
}

static void make(int kind, int ends[2])
{
    char path[] = "/tmp/bine-io-XXXXXX";
    if (kind == 0) {
        net_foreign_pipe(ends);
    } else if (kind == 1) {
        net_foreign_pair(ends);
    } else {
        ends[0] = mkostemp(path, O_CLOEXEC);
        ends[1] = open(path, O_WRONLY | O_CLOEXEC);
        CHECK(ends[0] >= 0 && ends[1] >= 0);
        CHECK_EQ(unlink(path), 0);
    }
}

int main(void)
{
    int ends[2], reused = 0, last = -1;
    for (int round = 0; round < ROUNDS; round++) {
        int kind = round * 7 / 3 % 3;
        make(kind, ends);
        reused += ends[0] == last;
        last = ends[0];
        if (kind == 2) {
            CHECK_EQ(write(ends[1], "word", 4), 4);
            CHECK_EQ(bine_run(read_word, ends[0]), 0);
        } else {
            bine_future(int) reader = bine_async(read_word, ends[0]);
            CHECK(reader);
            test_until_parked(1);
            CHECK_EQ(write(ends[1], "word", 4), 4);
            CHECK_EQ(bine_await(reader), 0);
        }
        close(ends[0]);
        close(ends[1]);
    }
    CHECK(reused > ROUNDS / 2); /* else nothing was shown */
    return 0;
}
