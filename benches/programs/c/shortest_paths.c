/* All shortest paths by Floyd and Warshall, and the longest common subsequence of two rows. */

#include "program.h"

#define MOST 256

static uint32_t distances[MOST][MOST];
static uint16_t lengths[MOST + 1][MOST + 1];

RUN {
    if (n > MOST)
        __builtin_trap();
    random_state = 6;
    for (int32_t i = 0; i < n; i++)
        for (int32_t j = 0; j < n; j++)
            distances[i][j] = i == j ? 0 : (uint32_t)(random_next() >> 44);
    for (int32_t k = 0; k < n; k++)
        for (int32_t i = 0; i < n; i++)
            for (int32_t j = 0; j < n; j++) {
                uint32_t through = distances[i][k] + distances[k][j];
                if (through < distances[i][j])
                    distances[i][j] = through;
            }
    uint64_t sum = 0;
    for (int32_t row = 0; row + 1 < n; row++) {
        for (int32_t i = 0; i < n; i++)
            for (int32_t j = 0; j < n; j++) {
                uint16_t up = lengths[i][j + 1], left = lengths[i + 1][j];
                uint16_t same = lengths[i][j] + 1;
                lengths[i + 1][j + 1] =
                    distances[row][i] % 16 == distances[row + 1][j] % 16 ? same : up > left ? up : left;
            }
        sum = mix(sum, lengths[n][n] ^ (uint64_t)distances[row][n - 1] << 16);
    }
    return (int64_t)sum;
}
