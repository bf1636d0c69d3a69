/* Fannkuch: the most flips of a prefix that any permutation of n takes to bring the 1 to the front. */

#include "program.h"

RUN {
    int32_t permutation[16], count[16], flipped[16];
    int32_t most = 0, checksum = 0, even = 1, r = n;
    if (n > 15)
        __builtin_trap();
    for (int32_t i = 0; i < n; i++)
        permutation[i] = i;
    for (;;) {
        for (; r > 1; r--)
            count[r - 1] = r;
        int32_t flips = 0;
        for (int32_t i = 0; i < n; i++)
            flipped[i] = permutation[i];
        for (int32_t first; (first = flipped[0]) != 0; flips++)
            for (int32_t low = 0, high = first; low < high; low++, high--) {
                int32_t kept = flipped[low];
                flipped[low] = flipped[high];
                flipped[high] = kept;
            }
        if (flips > most)
            most = flips;
        checksum += even ? flips : -flips;
        even = !even;
        for (;; r++) {
            if (r == n)
                return (int64_t)checksum << 32 | most;
            int32_t first = permutation[0];
            for (int32_t i = 0; i < r; i++)
                permutation[i] = permutation[i + 1];
            permutation[r] = first;
            if (--count[r] > 0)
                break;
        }
    }
}
