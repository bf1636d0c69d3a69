/* Searching text: Knuth, Morris and Pratt; Boyer and Moore as Horspool simplified it; Rabin and Karp. n needles. */

#include "program.h"

#define LENGTH 16384
#define NEEDLE 12

static uint8_t text[LENGTH];
static uint8_t needle[NEEDLE];

static uint32_t by_failure(void) {
    uint32_t failure[NEEDLE] = {0}, count = 0;
    for (uint32_t i = 1, k = 0; i < NEEDLE; i++) {
        while (k > 0 && needle[k] != needle[i])
            k = failure[k - 1];
        k += needle[k] == needle[i];
        failure[i] = k;
    }
    for (uint32_t i = 0, k = 0; i < LENGTH; i++) {
        while (k > 0 && needle[k] != text[i])
            k = failure[k - 1];
        k += needle[k] == text[i];
        if (k == NEEDLE) {
            count++;
            k = failure[k - 1];
        }
    }
    return count;
}

static uint32_t by_skips(void) {
    uint32_t skips[256], count = 0;
    for (uint32_t i = 0; i < 256; i++)
        skips[i] = NEEDLE;
    for (uint32_t i = 0; i + 1 < NEEDLE; i++)
        skips[needle[i]] = NEEDLE - 1 - i;
    for (uint32_t at = 0; at + NEEDLE <= LENGTH; at += skips[text[at + NEEDLE - 1]]) {
        uint32_t i = NEEDLE;
        while (i > 0 && text[at + i - 1] == needle[i - 1])
            i--;
        count += i == 0;
    }
    return count;
}

static uint32_t by_hash(void) {
    uint32_t wanted = 0, hash = 0, top = 1, count = 0;
    for (uint32_t i = 0; i < NEEDLE; i++) {
        wanted = wanted * 257 + needle[i];
        hash = hash * 257 + text[i];
        if (i > 0)
            top *= 257;
    }
    for (uint32_t at = 0;; at++) {
        if (hash == wanted) {
            uint32_t i = 0;
            while (i < NEEDLE && text[at + i] == needle[i])
                i++;
            count += i == NEEDLE;
        }
        if (at + NEEDLE == LENGTH)
            return count;
        hash = (hash - text[at] * top) * 257 + text[at + NEEDLE];
    }
}

RUN {
    random_state = 7;
    for (uint32_t i = 0; i < LENGTH; i++)
        text[i] = (uint8_t)('a' + (random_next() >> 63));
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        uint32_t from = (uint32_t)(random_next() >> 33) % (LENGTH - NEEDLE);
        for (uint32_t i = 0; i < NEEDLE; i++)
            needle[i] = text[from + i];
        uint32_t count = by_failure();
        if (count != by_skips() || count != by_hash() || count == 0)
            __builtin_trap();
        sum = mix(sum, count);
    }
    return (int64_t)sum;
}
