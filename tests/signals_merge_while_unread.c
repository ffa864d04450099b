/*
 * A signal that comes while its number waits unread is merged with it; one that comes after it was
 * read is not. Another number is not kept out by it.
 */
#include "test.h"
#include <bine/chan.h>
#include <bine/signal.h>

enum { SENT = 1000 };

static void *send_many(void *number)
{
    for (int i = 0; i < SENT; i++)
        kill(getpid(), (int)(intptr_t)number);
    return NULL;
}

/* Once this number has arrived, what was sent before it has, too: numbers are passed on in order. */
static void check_merged(bine_chan(int) ch)
{
    int got[2] = {0};
    test_join(test_thread(send_many, (void *)SIGUSR1));
    EVENTUALLY(bine_chan_len(ch) == 1);
    test_join(test_thread(send_many, (void *)SIGUSR2));
    EVENTUALLY(bine_chan_len(ch) == 2);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0); /* still unread */
    CHECK_EQ(kill(getpid(), SIGWINCH), 0);
    EVENTUALLY(bine_chan_len(ch) == 3);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(bine_recv(ch, &got[i]), 0);
    CHECK_EQ(got[0], SIGUSR1);
    CHECK_EQ(got[1], SIGUSR2);
    CHECK_EQ(bine_recv(ch, &got[0]), 0);
    CHECK_EQ(got[0], SIGWINCH);
    CHECK_EQ(bine_try_recv(ch, NULL), -EAGAIN);
}

static void check_not_merged_once_read(bine_chan(int) ch)
{
    for (int i = 0; i < SENT; i++) {
        int got;
        CHECK_EQ(kill(getpid(), SIGUSR1), 0);
        CHECK_EQ(kill(getpid(), SIGUSR2), 0);
        CHECK_EQ(bine_recv(ch, &got), 0);
        CHECK(got == SIGUSR1 || got == SIGUSR2);
        CHECK_EQ(bine_recv(ch, &got), 0);
        CHECK_EQ(bine_try_recv(ch, NULL), -EAGAIN);
    }
}

int main(void)
{
    bine_chan(int) ch = bine_signals((const int[]){SIGUSR1, SIGUSR2, SIGWINCH}, 3);
    CHECK(ch);
    check_not_merged_once_read(ch);
    check_merged(ch);
    check_not_merged_once_read(ch);
    bine_chan_unref(ch);
    return 0;
}
