/* CRC-32 of 64 KiB by a table of 256, n times, and Adler-32. */

#include "program.h"

#define LENGTH 65536

static uint32_t table[256];
static uint8_t text[LENGTH];

RUN {
    random_state = 1;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
        table[i] = value;
    }
    for (uint32_t i = 0; i < LENGTH; i++)
        text[i] = (uint8_t)random_next();
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        uint32_t crc = ~0u, low = 1, high = 0;
        for (uint32_t i = 0; i < LENGTH; i++)
            crc = table[(crc ^ text[i]) & 255] ^ crc >> 8;
        for (uint32_t i = 0; i < LENGTH;) {
            /* As long as no sum can overflow, dividing can wait. */
            for (uint32_t end = i + 4096; i < end; i++) {
                low += text[i];
                high += low;
            }
            low %= 65521;
            high %= 65521;
        }
        text[round % LENGTH] ^= (uint8_t)crc;
        sum = mix(sum, (uint64_t)~crc << 32 | high << 16 | low);
    }
    return (int64_t)sum;
}
