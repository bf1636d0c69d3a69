/* AES-128 in counter mode over bytes, n blocks; the table is computed, not copied. */

#include "program.h"

static uint8_t box[256];
static uint8_t keys[176];

static uint8_t twice(uint8_t value) { return (uint8_t)(value << 1 ^ (value & 0x80 ? 0x1b : 0)); }

static uint8_t rotate(uint8_t value, int by) { return (uint8_t)(value << by | value >> (8 - by)); }

static void make_box(void) {
    uint8_t value = 1, inverse = 1;
    do {
        value = (uint8_t)(value ^ twice(value)); /* times 3 */
        inverse ^= (uint8_t)(inverse << 1);      /* divided by 3 */
        inverse ^= (uint8_t)(inverse << 2);
        inverse ^= (uint8_t)(inverse << 4);
        if (inverse & 0x80)
            inverse ^= 0x09;
        box[value] =
            (uint8_t)(inverse ^ rotate(inverse, 1) ^ rotate(inverse, 2) ^ rotate(inverse, 3) ^ rotate(inverse, 4) ^ 0x63);
    } while (value != 1);
    box[0] = 0x63;
}

static void expand(const uint8_t key[16]) {
    for (int i = 0; i < 16; i++)
        keys[i] = key[i];
    uint8_t constant = 1;
    for (int i = 16; i < 176; i += 4) {
        uint8_t word[4] = {keys[i - 4], keys[i - 3], keys[i - 2], keys[i - 1]};
        if (i % 16 == 0) {
            uint8_t first = word[0];
            word[0] = box[word[1]] ^ constant;
            word[1] = box[word[2]];
            word[2] = box[word[3]];
            word[3] = box[first];
            constant = twice(constant);
        }
        for (int j = 0; j < 4; j++)
            keys[i + j] = keys[i + j - 16] ^ word[j];
    }
}

static void encrypt(uint8_t state[16]) {
    for (int i = 0; i < 16; i++)
        state[i] ^= keys[i];
    for (int round = 1; round <= 10; round++) {
        uint8_t moved[16];
        for (int i = 0; i < 16; i++)
            moved[i] = box[state[(i + 4 * (i & 3)) & 15]];
        for (int column = 0; column < 16; column += 4) {
            uint8_t *bytes = moved + column;
            if (round < 10) {
                uint8_t all = bytes[0] ^ bytes[1] ^ bytes[2] ^ bytes[3], first = bytes[0];
                for (int i = 0; i < 4; i++) {
                    uint8_t next = i < 3 ? bytes[i + 1] : first;
                    bytes[i] ^= all ^ twice(bytes[i] ^ next);
                }
            }
            for (int i = 0; i < 4; i++)
                state[column + i] = bytes[i] ^ keys[16 * round + column + i];
        }
    }
}

RUN {
    /* The example of FIPS 197. */
    uint8_t key[16], state[16];
    for (int i = 0; i < 16; i++) {
        key[i] = (uint8_t)i;
        state[i] = (uint8_t)(i * 0x11);
    }
    make_box();
    expand(key);
    encrypt(state);
    if (state[0] != 0x69 || state[1] != 0xc4 || state[15] != 0x5a)
        __builtin_trap();
    uint64_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        for (int j = 0; j < 4; j++)
            state[j] = (uint8_t)(i >> 8 * j);
        encrypt(state);
        sum = mix(sum, (uint64_t)state[3] << 8 | state[9]);
    }
    return (int64_t)sum;
}
