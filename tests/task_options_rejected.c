/* Options out of range are refused, the task never runs, and the program goes on. */
#include "test.h"

static _Atomic int ran;

static void run(const void *copy)
{
    (void)copy;
    ran++;
}

static void check_refused(const bine_task_options *options, int error, int other_error)
{
    static const char source[2048];
    int result = bine_go_with(options, run, source);
    CHECK(result == error || result == other_error);
    errno = 0;
    CHECK(bine_async_with(options, run, source) == NULL);
    CHECK(errno == -error || errno == -other_error);
}

static int check_all(void)
{
    check_refused(BINE_OPTIONS(.copy_size = 1025), -EINVAL, -EINVAL);
    check_refused(BINE_OPTIONS(.copy_size = SIZE_MAX), -EINVAL, -EINVAL);
    check_refused(BINE_OPTIONS(.stack_size = SIZE_MAX), -ENOMEM, -EINVAL);
    check_refused(BINE_OPTIONS(.stack_size = SIZE_MAX - 4095), -ENOMEM, -EINVAL);
    check_refused(BINE_OPTIONS(.stack_size = SIZE_MAX / 2), -ENOMEM, -EINVAL);
    check_refused(BINE_OPTIONS(.stack_size = (size_t)1 << 56), -ENOMEM, -EINVAL);
    return 0;
}

int main(void)
{
    check_all();
    bine_future(int) in_task = bine_async(check_all);
    CHECK(in_task);
    CHECK_EQ(bine_await(in_task), 0);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK_EQ(ran, 0);
    CHECK_EQ(bine_go(run, NULL), 0);
    CHECK_EQ(bine_pool_wait(NULL), 0);
    CHECK_EQ(ran, 1);
    return 0;
}
