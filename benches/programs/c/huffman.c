/* Huffman's code: counts, builds the tree by a heap, encodes and decodes 64 KiB, n times. */

#include "program.h"

#define LENGTH 65536
#define NODES 511

static uint8_t text[LENGTH];
static uint8_t packed[LENGTH * 4];
static uint32_t weights[NODES];
static uint16_t children[NODES][2];
static uint16_t heap[256];
static uint32_t codes[256];
static uint8_t lengths[256];

static int before(uint16_t a, uint16_t b) { return weights[a] < weights[b] || (weights[a] == weights[b] && a < b); }

static void sift(uint32_t at, uint32_t size) {
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= size)
            return;
        if (child + 1 < size && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], heap[at]))
            return;
        uint16_t node = heap[at];
        heap[at] = heap[child];
        heap[child] = node;
        at = child;
    }
}

static void assign(uint16_t node, uint32_t code, uint8_t length) {
    if (node < 256) {
        codes[node] = code;
        lengths[node] = length;
        return;
    }
    assign(children[node][0], code, length + 1);
    assign(children[node][1], code | 1u << length, length + 1);
}

static uint16_t build(void) {
    for (uint32_t i = 0; i < 256; i++)
        weights[i] = 1;
    for (uint32_t i = 0; i < LENGTH; i++)
        weights[text[i]]++;
    for (uint16_t i = 0; i < 256; i++)
        heap[i] = i;
    for (uint32_t at = 128; at-- > 0;)
        sift(at, 256);
    uint32_t size = 256;
    uint16_t node = 256;
    while (size > 1) {
        uint16_t first = heap[0];
        heap[0] = heap[--size];
        sift(0, size);
        children[node][0] = first;
        children[node][1] = heap[0];
        weights[node] = weights[first] + weights[heap[0]];
        heap[0] = node++;
        sift(0, size);
    }
    assign(heap[0], 0, 0);
    return heap[0];
}

RUN {
    random_state = 5;
    uint64_t sum = 0;
    for (int32_t round = 0; round < n; round++) {
        for (uint32_t i = 0; i < LENGTH; i++)
            text[i] = (uint8_t)(__builtin_ctzll(random_next() | 1ull << 40) * 5 + (random_state >> 62));
        uint16_t root = build();
        uint64_t bits = 0, total = 0;
        uint32_t held = 0, bytes = 0;
        for (uint32_t i = 0; i < LENGTH; i++) {
            bits |= (uint64_t)codes[text[i]] << held;
            held += lengths[text[i]];
            total += lengths[text[i]];
            while (held >= 8) {
                packed[bytes++] = (uint8_t)bits;
                bits >>= 8;
                held -= 8;
            }
        }
        packed[bytes] = (uint8_t)bits;
        uint64_t at = 0;
        for (uint32_t i = 0; i < LENGTH; i++) {
            uint16_t node = root;
            while (node >= 256) {
                node = children[node][packed[at / 8] >> (at % 8) & 1];
                at++;
            }
            if (node != text[i])
                __builtin_trap();
        }
        sum = mix(sum, total ^ at << 20);
    }
    return (int64_t)sum;
}
