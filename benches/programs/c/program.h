/* What every program in C needs: there is no C library. */

#include <stddef.h>
#include <stdint.h>

#define RUN __attribute__((export_name("run"))) int64_t run(int32_t n)

static uint64_t random_state;

static inline uint64_t random_next(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static inline uint64_t mix(uint64_t sum, uint64_t value) {
    return ((sum << 5 | sum >> 59) ^ value) * UINT64_C(0x9e3779b97f4a7c15);
}
