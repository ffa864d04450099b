/* In code that is not checked a box is a pointer: nothing is asked or told, and boxes that it has
 * made may be used by all. */
#define BINE_DEBUG 0
#include "test.h"
#include <bine/box.h>
#include "chan/box.h"

static int add(bine_box(long) box)
{
    *bine_box_get(box) += 1;
    return 0;
}

int main(void)
{
    bine_box(long) box = bine_box_make(long);
    CHECK(box);
    long *inside = bine_box_get(box);
    CHECK((void *)inside == (void *)box);
    CHECK_EQ(*inside, 0);
    CHECK_EQ(bine_await(bine_async(add, box)), 0);
    CHECK(bine_box_check_((struct bine_box *)box) == inside); /* as checked code asks */
    bine_box(long) other = bine_box_give(&box);
    CHECK(!box && bine_box_get(other) == inside);
    CHECK_EQ(*inside, 1);
    CHECK(!box_checking);
    bine_box_free(other);
    errno = 0;
    CHECK(bine_box_new_(SIZE_MAX - 8, 16, false) == NULL);
    CHECK_EQ(errno, ENOMEM);
    if (!TEST_SANITIZED) /* they stop at what cannot be had */
        CHECK(bine_box_new_(SIZE_MAX / 2, 16, true) == NULL);
    return 0;
}
