/* Objects that are all zero, static, on a stack, or from calloc, are ready to be used. */
#include "test.h"

struct objects {
    bine_mutex mutex;
    bine_waitgroup group;
    bine_event event;
    bine_guarded(double) guarded;
};

static struct objects in_static;

static void use(struct objects *objects)
{
    CHECK(!bine_event_is_set(&objects->event));
    CHECK_EQ(bine_event_wait_until(&objects->event, BINE_NOW), -EAGAIN);
    CHECK_EQ(bine_waitgroup_wait_until(&objects->group, BINE_NOW), 0);
    CHECK_EQ(bine_try_lock(&objects->mutex), 0);
    bine_unlock(&objects->mutex);
    bine_lock(&objects->mutex);
    bine_unlock(&objects->mutex);
    BINE_LOCKED (&objects->guarded, number) {
        CHECK(*number == 0);
        *number = 1.5;
    }
    bine_event_set(&objects->event);
    CHECK(bine_event_is_set(&objects->event));
    bine_event_clear(&objects->event);
}

static int use_all(void)
{
    struct objects on_stack = {0};
    struct objects *on_heap = calloc(1, sizeof(*on_heap));
    CHECK(on_heap);
    use(&on_stack);
    use(on_heap);
    free(on_heap);
    return 0;
}

int main(void)
{
    use(&in_static);
    use_all();
    CHECK_EQ(bine_run(use_all), 0);
    return 0;
}
