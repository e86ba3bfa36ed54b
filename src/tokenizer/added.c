#include "tokenizer/added.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const AddedToken *x = a, *y = b;
    int by_text = str_compare(x->text, y->text);
    return by_text != 0 ? by_text : (x->order > y->order) - (x->order < y->order);
}

static void may_begin(AddedTokens *tokens, uint8_t first, uint8_t second)
{
    unsigned pair = (unsigned)first << 8 | second;
    tokens->pairs[pair / 64] |= UINT64_C(1) << pair % 64;
}

void added_tokens_init(AddedTokens *ret_tokens, AddedToken *items, size_t count)
{
    size_t kept = 0;
    *ret_tokens = (AddedTokens){.items = items};
    if (count > 0)
        qsort(items, count, sizeof *items, compare);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && str_equal(items[kept - 1].text, items[i].text))
            continue;
        items[kept++] = items[i];
        Str text = items[i].text;
        uint8_t first = (uint8_t)text.data[0];
        ret_tokens->first[first + 1] = (uint32_t)kept;
        for (unsigned second = 0; second < 256; second++) {
            if (text.len == 1 || (uint8_t)text.data[1] == second)
                may_begin(ret_tokens, first, (uint8_t)second);
        }
    }
    ret_tokens->count = kept;
    for (size_t byte = 1; byte <= 256; byte++)
        ret_tokens->first[byte] = MAX(ret_tokens->first[byte], ret_tokens->first[byte - 1]);
}

/* The first of items[low, high), which agree before `depth`, whose byte there is at least `byte`. All are longer than `depth`. */
static size_t lower_bound(const AddedTokens *tokens, size_t low, size_t high, size_t depth, unsigned byte)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uint8_t)tokens->items[middle].text.data[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Narrows the sorted tokens down byte by byte. One that ends comes before those that go on. */
static bool longest_at(const AddedTokens *tokens, Str text, size_t start, AddedMatch *ret_match)
{
    uint8_t first = (uint8_t)text.data[start];
    size_t low = tokens->first[first], high = tokens->first[first + 1];
    bool found = false;
    for (size_t depth = 1; low < high; depth++) {
        if (tokens->items[low].text.len == depth) {
            *ret_match = (AddedMatch){start, start + depth, tokens->items[low].id};
            found = true;
            low++;
        }
        if (start + depth >= text.len)
            break;
        uint8_t byte = (uint8_t)text.data[start + depth];
        low = lower_bound(tokens, low, high, depth, byte);
        high = lower_bound(tokens, low, high, depth, byte + 1U);
    }
    return found;
}

bool added_tokens_find(const AddedTokens *tokens, Str text, size_t from, AddedMatch *ret_match)
{
    if (tokens->count == 0)
        return false;
    for (size_t at = from; at < text.len; at++) {
        uint8_t second = at + 1 < text.len ? (uint8_t)text.data[at + 1] : 0;
        unsigned pair = (unsigned)(uint8_t)text.data[at] << 8 | second;
        if ((tokens->pairs[pair / 64] >> pair % 64 & 1) && longest_at(tokens, text, at, ret_match))
            return true;
    }
    return false;
}
