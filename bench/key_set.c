#include "key_set.h"

#include <math.h>

enum { FOLDER_AT = 5, NUMBER_AT = 10, HASH_AT = 19 };

static void write_decimal(char *out, size_t width, uint64_t value)
{
    while (width-- > 0) {
        out[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

void key_write(uint64_t number, char out[KEY_BYTES])
{
    memcpy(out, "data/0000/00000000-00000000.bin", KEY_BYTES);
    write_decimal(out + FOLDER_AT, 4, (uint64_t)sqrt((double)number));
    write_decimal(out + NUMBER_AT, 8, number);
    uint64_t hash = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < 8; i++)
        out[HASH_AT + i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
}

void object_write(uint64_t number, uint8_t out[OBJECT_BYTES])
{
    char line[KEY_BYTES + 1];

    key_write(number, line);
    line[KEY_BYTES] = '\n';
    for (size_t at = 0; at < OBJECT_BYTES; at += sizeof line)
        memcpy(out + at, line, MIN(sizeof line, OBJECT_BYTES - at));
}

static bool is_before(Str key, Str what)
{
    return str_compare(key, what) < 0;
}

static bool is_not_after(Str key, Str what)
{
    return str_compare(key, what) <= 0;
}

static bool is_not_past(Str key, Str prefix)
{
    return str_starts_with(key, prefix) || str_compare(key, prefix) < 0;
}

/* How many keys, all at the front, are `in_front` of `what`. */
static uint64_t partition(uint64_t count, bool (*in_front)(Str key, Str what), Str what)
{
    uint64_t low = 0, high = count;

    while (low < high) {
        char key[KEY_BYTES];
        uint64_t middle = low + (high - low) / 2;
        key_write(middle, key);
        if (in_front(str_from(key, KEY_BYTES), what))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t key_first_from(uint64_t count, Str key)
{
    return partition(count, is_before, key);
}

uint64_t key_first_after(uint64_t count, Str key)
{
    return partition(count, is_not_after, key);
}

uint64_t key_first_past(uint64_t count, Str prefix)
{
    return partition(count, is_not_past, prefix);
}

bool key_number(uint64_t count, Str key, uint64_t *ret_number)
{
    char found[KEY_BYTES];
    uint64_t number = key_first_from(count, key);

    key_write(number, found);
    if (number == count || !str_equal(key, str_from(found, KEY_BYTES)))
        return false;
    *ret_number = number;
    return true;
}
