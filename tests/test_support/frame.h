/* A stack frame that is used again as soon as the objects on it are gone: who still writes to one
 * of them then is found out. */
#ifndef BINE_TEST_FRAME_H
#define BINE_TEST_FRAME_H

#include "../test.h"

enum { FRAME_POISON = 0x5a };

/* Uses the stack where the frame of the function called before this one lay, and looks whether
 * anybody else writes there. */
__attribute__((noinline)) static void frame_look(int round)
{
    volatile unsigned char bytes[512];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = FRAME_POISON;
    test_spin((unsigned)round % 300);
    for (size_t i = 0; i < sizeof(bytes); i++)
        CHECK_EQ(bytes[i], FRAME_POISON);
}

/* Calls use(), which has the objects on its frame and is not inlined, and looks at that frame; so
 * many times. */
__attribute__((unused)) static void frame_use_often(void (*use)(int round), int first, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        use(first + i);
        frame_look(i);
    }
}

#endif
