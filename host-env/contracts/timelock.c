/* Keeps what it is given until a block height, then pays it to its beneficiary: a contract in C, over the C header alone.

   No C library and no allocator: everything has one size. */

#include "lockstep.h"

/* The first four bytes of SHA-256 of the functions' names, as a number of a little-endian machine. */
#define INIT 0x8a0654bbu
#define DEPOSIT 0x78fbb9c3u
#define RELEASE 0xec51d4a4u
#define BENEFICIARY_OF 0x1b02ed56u /* "beneficiary" */
#define HEIGHT_OF 0xeff5e039u /* "height" */

typedef struct {
    uint8_t bytes[32];
} word;

typedef struct {
    uint8_t bytes[16];
} amount;

/* SCALE of a text of less than 64 bytes: four times its length, and the text. */
static const uint8_t BENEFICIARY[] = "\x2c" "beneficiary";
static const uint8_t HEIGHT[] = "\x18" "height";
#define KEY(name) name, sizeof(name) - 1

/* SHA-256 of "Released". */
static const uint8_t RELEASED[32] = {
    0xf3, 0x3d, 0xee, 0xa9, 0xb1, 0x00, 0x9d, 0xb3, 0x14, 0x8f, 0x26, 0x14, 0xe5, 0xda, 0x59, 0xc0,
    0x3c, 0x6f, 0xe4, 0x3d, 0xf5, 0x59, 0x72, 0xf3, 0x86, 0x0d, 0x8b, 0x87, 0x1e, 0x1b, 0x2a, 0xce,
};

#define REVERT(why) lockstep_revert((const uint8_t *)(why), sizeof(why) - 1)

static uint32_t selector(void)
{
    uint32_t selector = 0;
    if (lockstep_input_read(0, (uint8_t *)&selector, 4) != 4)
        REVERT("no such function");
    return selector;
}

/* The arguments have exactly this length. */
static void arguments(uint32_t length)
{
    if (lockstep_input_len() != 4 + length)
        REVERT("arguments");
}

static int is_zero(const amount *amount)
{
    uint8_t any = 0;
    for (int i = 0; i < 16; i++)
        any |= amount->bytes[i];
    return any == 0;
}

static void no_value(void)
{
    amount value;
    lockstep_value(value.bytes);
    if (!is_zero(&value))
        REVERT("value");
}

static word beneficiary(void)
{
    word address;
    if (lockstep_storage_get(KEY(BENEFICIARY), address.bytes, 32) != 32)
        REVERT("not initialised");
    return address;
}

static uint64_t height(void)
{
    uint64_t height;
    if (lockstep_storage_get(KEY(HEIGHT), (uint8_t *)&height, 8) != 8)
        REVERT("not initialised");
    return height;
}

/* Whoever asks: it goes to the beneficiary. */
static void release(void)
{
    word self, topics[2], to = beneficiary();
    struct {
        word to;
        amount paid;
    } data;
    if (lockstep_block_height() < height())
        REVERT("locked");
    lockstep_self_address(self.bytes);
    lockstep_balance(self.bytes, data.paid.bytes);
    if (is_zero(&data.paid))
        REVERT("nothing");
    if (lockstep_transfer(to.bytes, data.paid.bytes) != LOCKSTEP_OK)
        REVERT("transfer");
    for (int i = 0; i < 32; i++)
        topics[0].bytes[i] = RELEASED[i];
    topics[1] = data.to = to;
    lockstep_event(topics[0].bytes, 2, data.to.bytes, sizeof(data));
    lockstep_output(data.paid.bytes, 16);
}

void deploy(void)
{
    word address;
    uint64_t until;
    if (selector() != INIT)
        REVERT("no such function");
    arguments(32 + 8);
    lockstep_input_read(4, address.bytes, 32);
    lockstep_input_read(4 + 32, (uint8_t *)&until, 8);
    lockstep_storage_set(KEY(BENEFICIARY), address.bytes, 32);
    lockstep_storage_set(KEY(HEIGHT), (const uint8_t *)&until, 8);
}

void call(void)
{
    uint32_t name = selector();
    word address;
    uint64_t until;
    if (name != DEPOSIT)
        no_value();
    switch (name) {
    case DEPOSIT:
        arguments(0);
        return;
    case RELEASE:
        arguments(0);
        return release();
    case BENEFICIARY_OF:
        arguments(0);
        address = beneficiary();
        return lockstep_output(address.bytes, 32);
    case HEIGHT_OF:
        arguments(0);
        until = height();
        return lockstep_output((const uint8_t *)&until, 8);
    default:
        REVERT("no such function");
    }
}
