/* Sums squares and keeps the sum. Built with lines and an inlined function, for tests of what is said by lines. */

#include "lockstep.h"

static inline uint64_t square(uint64_t n)
{
    return n * n % 1000003;
}

__attribute__((noinline)) static uint64_t squares(uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t n = 1; n <= count; n++)
        sum += square(n);
    return sum;
}

void call(void)
{
    uint32_t count = 0;
    lockstep_input_read(0, (uint8_t *)&count, sizeof count);
    uint64_t sum = squares(count);
    lockstep_storage_set((const uint8_t *)"sum", 3, (const uint8_t *)&sum, sizeof sum);
    lockstep_output((const uint8_t *)&sum, sizeof sum);
}
