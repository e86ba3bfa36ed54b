#include "codec/bzip2_column.h"

#include <endian.h>

enum {
    MARK_BITS = 48,
    TABLES_MIN = 2,
    DIGITS = 2,
    LENGTH_BITS = 6,
    PAIR_SYMBOL_BITS = 6, /* of each */
    PAIR_LENGTH_BITS = 4,
    SHORT_CODES = 5, /* so many look-ups are for a window that has been filled */
    /* What is found in place of symbols: */
    LONG_CODE = BZIP2_SYMBOLS_MAX, /* it has more than SHORT_BITS, or there is none */
    NO_SYMBOL,
    /* Those that a table of pairs has: */
    USUAL_SYMBOLS = BZIP2_FRONT_BYTES + 1,
    NO_SECOND = USUAL_SYMBOLS, /* its place among the steps */
};

static Error *damaged(const char *what)
{
    return FAIL(CORRUPT, "damaged bzip2 block: %s", what);
}

/* ---- bits ---- */

static inline uint64_t load_u64be(const uint8_t *data)
{
    uint64_t value;
    memcpy(&value, data, sizeof value);
    return be64toh(value);
}

/* At least 56 bits. */
static inline void fill(Bzip2Bits *in)
{
    if (LIKELY(in->at + 8 <= in->len)) {
        in->window |= load_u64be(in->data + in->at) >> in->count;
        in->at += (63 - in->count) / 8;
        in->count |= 56; /* whole bytes were added to what was there */
        return;
    }
    for (; in->count <= 56; in->count += 8, in->at++)
        in->window |= (uint64_t)(in->at < in->len ? in->data[in->at] : 0) << (56 - in->count);
}

/* Of bits that are in the window. */
static inline void skip(Bzip2Bits *in, unsigned count)
{
    in->window <<= count;
    in->count -= count;
}

/* 1 to 32 bits. */
static uint32_t take(Bzip2Bits *in, unsigned count)
{
    fill(in);
    uint32_t value = (uint32_t)(in->window >> (64 - count));
    skip(in, count);
    return value;
}

/* The bit of the data that comes next. */
static size_t place_of(const Bzip2Bits *in)
{
    return 8 * in->at - in->count;
}

/* ---- codes ---- */

static void sort_symbols(Bzip2Code *code, const uint8_t lengths[BZIP2_SYMBOLS_MAX], unsigned symbol_count)
{
    unsigned starts[BZIP2_LENGTH_MAX + 2] = {0};
    for (unsigned i = 0; i < symbol_count; i++)
        starts[lengths[i] + 1]++;
    uint32_t next_code = 0;
    for (unsigned length = 1; length <= BZIP2_LENGTH_MAX; length++) {
        code->to_place[length] = starts[length] - next_code;
        next_code += starts[length + 1];
        code->behind[length] = next_code << (BZIP2_LENGTH_MAX - length);
        next_code *= 2;
        starts[length + 1] += starts[length];
    }
    for (unsigned i = 0; i < symbol_count; i++)
        code->symbols[starts[lengths[i]]++] = (uint16_t)i;
}

static void code_init(Bzip2Code *code, const uint8_t lengths[BZIP2_SYMBOLS_MAX], unsigned symbol_count)
{
    const unsigned all = 1 << BZIP2_SHORT_BITS;
    unsigned at = 0;
    sort_symbols(code, lengths, symbol_count);
    for (unsigned i = 0; i < symbol_count && lengths[code->symbols[i]] <= BZIP2_SHORT_BITS; i++) {
        unsigned symbol = code->symbols[i], length = lengths[symbol];
        for (unsigned end = MIN(at + (all >> length), all); at < end; at++)
            code->by_bits[at] = (uint16_t)(symbol << LENGTH_BITS | length);
    }
    while (at < all)
        code->by_bits[at++] = LONG_CODE << LENGTH_BITS;
}

static uint16_t pair_of(unsigned first, unsigned second, unsigned length)
{
    return (uint16_t)((first << PAIR_SYMBOL_BITS | second) << PAIR_LENGTH_BITS | length);
}

/* Two symbols for a look-up, since each look-up waits for the one before: the first, the second and the bits of both. The second is NO_SECOND where it
 * does not fit in or is not usual; 0: the first is not. */
static void pair_symbols(Bzip2Code *code, unsigned usual)
{
    for (unsigned bits = 0; bits < 1 << BZIP2_SHORT_BITS; bits++) {
        unsigned first = code->by_bits[bits], length = first % (1 << LENGTH_BITS);
        unsigned second = code->by_bits[bits << length & ((1 << BZIP2_SHORT_BITS) - 1)];
        unsigned both = length + second % (1 << LENGTH_BITS);
        first >>= LENGTH_BITS;
        second >>= LENGTH_BITS;
        if (first >= usual)
            code->pairs[bits] = 0;
        else if (second < usual && both <= BZIP2_SHORT_BITS)
            code->pairs[bits] = pair_of(first, second, both);
        else
            code->pairs[bits] = pair_of(first, NO_SECOND, length);
    }
}

/* NO_SYMBOL: nothing begins like this. */
static unsigned take_long_code(Bzip2Bits *in, const Bzip2Code *code)
{
    uint32_t bits = (uint32_t)(in->window >> (64 - BZIP2_LENGTH_MAX));
    for (unsigned length = BZIP2_SHORT_BITS + 1; length <= BZIP2_LENGTH_MAX; length++) {
        if (bits >= code->behind[length])
            continue;
        skip(in, length);
        return code->symbols[(bits >> (BZIP2_LENGTH_MAX - length)) + code->to_place[length]];
    }
    return NO_SYMBOL;
}

/* The symbol that comes next, << LENGTH_BITS, and the length of its code, which is 0 for LONG_CODE. Of bits that are in the window. */
static inline unsigned look_up(const Bzip2Bits *in, const Bzip2Code *code)
{
    return code->by_bits[in->window >> (64 - BZIP2_SHORT_BITS)];
}

static unsigned take_symbol(Bzip2Bits *in, const Bzip2Code *code)
{
    fill(in);
    unsigned found = look_up(in, code), symbol = found >> LENGTH_BITS;
    if (symbol == LONG_CODE)
        return take_long_code(in, code);
    skip(in, found % (1 << LENGTH_BITS));
    return symbol;
}

/* ---- what is in front of the symbols ---- */

/* Which bytes occur: 16 bits that say which sixteens have any, and 16 bits for each of those. */
static unsigned read_bytes_in_use(Bzip2Bits *in, uint8_t places[BZIP2_BYTE_VALUES])
{
    unsigned count = 0, sixteens = take(in, 16);
    for (unsigned high = 0; high < 16; high++) {
        unsigned some = sixteens >> (15 - high) & 1 ? take(in, 16) : 0;
        for (unsigned low = 0; low < 16; low++)
            if (some >> (15 - low) & 1)
                places[count++] = (uint8_t)(16 * high + low);
    }
    return count;
}

static void move_to_front(uint8_t *places, unsigned place)
{
    uint8_t byte = places[place];
    memmove(places + 1, places, place);
    places[0] = byte;
}

/* The table of each group: its place among those used lately, as so many ones and a zero. */
static bool read_selectors(Bzip2Column *column)
{
    uint8_t places[BZIP2_TABLES_MAX] = {0, 1, 2, 3, 4, 5};
    unsigned count = take(&column->in, 15);
    for (unsigned i = 0; i < count; i++) {
        fill(&column->in);
        unsigned place = (unsigned)__builtin_clzll(~column->in.window | 1);
        if (place >= column->table_count)
            return false;
        skip(&column->in, place + 1);
        move_to_front(places, place);
        if (i < BZIP2_SELECTORS_MAX)
            column->selectors[i] = places[0];
    }
    column->selector_count = MIN(count, (unsigned)BZIP2_SELECTORS_MAX);
    return count > 0;
}

/* Each as steps up and down from the one before. */
static bool read_lengths(Bzip2Column *column, uint8_t lengths[BZIP2_SYMBOLS_MAX])
{
    unsigned length = take(&column->in, 5);
    for (unsigned i = 0; i < column->symbol_count; i++) {
        for (;;) {
            if (length < 1 || length > BZIP2_LENGTH_MAX)
                return false;
            if (!take(&column->in, 1))
                break;
            length = take(&column->in, 1) ? length - 1 : length + 1;
        }
        lengths[i] = (uint8_t)length;
    }
    return true;
}

static unsigned usual_symbols(const Bzip2Column *column)
{
    return MIN(column->end_symbol, (unsigned)USUAL_SYMBOLS);
}

MUST_USE static Error *read_codes(Bzip2Column *column)
{
    column->bytes_in_use = read_bytes_in_use(&column->in, column->places);
    if (column->bytes_in_use == 0)
        return damaged("it has no bytes");
    column->end_symbol = column->bytes_in_use + 1;
    column->symbol_count = column->bytes_in_use + 2;
    column->table_count = take(&column->in, 3);
    if (column->table_count < TABLES_MIN || column->table_count > BZIP2_TABLES_MAX)
        return damaged("it has fewer than 2 or more than 6 tables of codes");
    if (!read_selectors(column))
        return damaged("its groups of symbols have no table of codes, or one that is not there");
    for (unsigned i = 0; i < column->table_count; i++) {
        uint8_t lengths[BZIP2_SYMBOLS_MAX];
        if (!read_lengths(column, lengths))
            return damaged("a code is shorter than 1 bit or longer than 20");
        code_init(&column->codes[i], lengths, column->symbol_count);
        if (column->fast)
            pair_symbols(&column->codes[i], usual_symbols(column));
    }
    return NULL;
}

MUST_USE static Error *read_header(Bzip2Column *column, const Bzip2Block *block)
{
    column->in = (Bzip2Bits){.data = block->data.data, .len = block->data.len, .at = block->first_bit / 8};
    column->out = (Bzip2Output){column->data, column->data + block->level * BZIP2_LEVEL_BYTES, 1};
    fill(&column->in);
    skip(&column->in, block->first_bit % 8);
    skip(&column->in, MARK_BITS);
    column->crc = take(&column->in, 32);
    if (take(&column->in, 1))
        return damaged("it is randomised, as none has been since bzip2 0.9.5");
    column->origin = take(&column->in, 24);
    return read_codes(column);
}

/* ---- groups of symbols ---- */

typedef enum Group { GROUP_READ, GROUP_LAST, GROUP_DAMAGED } Group;

/* Of a symbol that stands for no bytes. */
static Group group_end(const Bzip2Column *column, unsigned symbol)
{
    return symbol == column->end_symbol ? GROUP_LAST : GROUP_DAMAGED;
}

/* More than STORE_BYTES, for which there may be no room: false. */
static bool append_many(Bzip2Output *out, uint32_t count, uint8_t byte)
{
    if (out->at > out->end || count > (size_t)(out->end - out->at))
        return false;
    memset(out->at, byte, count);
    out->at += count;
    return true;
}

/* Appends `byte` as often as the symbol says: once, or, when it is a digit of a number, as many times as that is worth there. Up to STORE_BYTES
 * there is room; false: for more there is none. */
static bool append_byte(Bzip2Output *out, unsigned symbol, uint8_t byte)
{
    uint32_t count = symbol < DIGITS ? out->weight << symbol : 1;
    out->weight = symbol < DIGITS ? 2 * out->weight : 1;
    if (count > BZIP2_STORE_BYTES)
        return append_many(out, count, byte);
    memset(out->at, byte, BZIP2_STORE_BYTES);
    out->at += count;
    return true;
}

static Group read_group_plain(Bzip2Column *column, const Bzip2Code *code)
{
    for (unsigned i = 0; i < BZIP2_GROUP_SYMBOLS; i++) {
        unsigned symbol = take_symbol(&column->in, code);
        if (symbol >= column->end_symbol)
            return group_end(column, symbol);
        if (symbol >= DIGITS)
            move_to_front(column->places, symbol - 1);
        if (!append_byte(&column->out, symbol, column->places[0]))
            return GROUP_DAMAGED;
    }
    return GROUP_READ;
}

#if defined(BZIP2_FAST_TARGET)

static bool has_fast(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
           && __builtin_cpu_supports("popcnt");
}

/* What a group is read with, in registers, since bytes that are written might otherwise be anything's. */
typedef struct Fast {
    Bzip2Bits in;
    Bzip2Output out;
    __m128i low, high; /* the first places; the others are in the column */
} Fast;

BZIP2_FAST_TARGET static inline __m128i load(const uint8_t *data)
{
    return _mm_loadu_si128((const __m128i *)(const void *)data);
}

BZIP2_FAST_TARGET static inline void store(uint8_t *data, __m128i value)
{
    _mm_storeu_si128((__m128i *)(void *)data, value);
}

BZIP2_FAST_TARGET static inline void load_places(const Bzip2Column *column, Fast *fast)
{
    fast->low = load(column->places);
    fast->high = load(column->places + 16);
}

BZIP2_FAST_TARGET static inline void store_places(const Fast *fast, Bzip2Column *column)
{
    store(column->places, fast->low);
    store(column->places + 16, fast->high);
}

BZIP2_FAST_TARGET static inline void take_step(Fast *fast, const Bzip2Step *step)
{
    __m128i low = fast->low, high = fast->high;
    fast->low = _mm_or_si128(_mm_shuffle_epi8(low, load(step->low_from_low)),
                             _mm_shuffle_epi8(high, load(step->low_from_high)));
    fast->high = _mm_or_si128(_mm_shuffle_epi8(low, load(step->high_from_low)),
                              _mm_shuffle_epi8(high, load(step->high_from_high)));
}

BZIP2_FAST_TARGET static inline uint8_t front_byte(const Fast *fast)
{
    return (uint8_t)_mm_cvtsi128_si32(fast->low);
}

/* The symbol that was found, or the one of a long code. */
BZIP2_FAST_TARGET static Group move_unusual(Bzip2Column *column, const Bzip2Code *code, Fast *fast, unsigned *symbol)
{
    fill(&fast->in);
    if (*symbol == LONG_CODE)
        *symbol = take_long_code(&fast->in, code);
    fill(&fast->in);
    if (*symbol >= column->end_symbol)
        return group_end(column, *symbol);
    store_places(fast, column);
    if (*symbol >= DIGITS)
        move_to_front(column->places, *symbol - 1);
    load_places(column, fast);
    return GROUP_READ;
}

/* Moves, and appends the byte in front; as append_byte. */
BZIP2_FAST_TARGET static inline bool do_symbol(const Bzip2Column *column, unsigned symbol, Fast *fast)
{
    const Bzip2Step *step = &column->steps[symbol];
    Bzip2Output *out = &fast->out;
    uint32_t count = out->weight * step->weights + step->bytes;
    out->weight = out->weight * step->next_weights + step->next_bytes;
    take_step(fast, step);
    __m128i bytes = _mm_shuffle_epi8(fast->low, _mm_setzero_si128());
    if (UNLIKELY(count > BZIP2_STORE_BYTES))
        return append_many(out, count, front_byte(fast));
    store(out->at, bytes);
    out->at += count;
    return true;
}

/* The next one, of which the table of pairs says nothing, or which is the last of a group. */
BZIP2_FAST_TARGET static Group read_single(Bzip2Column *column, const Bzip2Code *code, Fast *fast)
{
    unsigned found = look_up(&fast->in, code), symbol = found >> LENGTH_BITS;
    skip(&fast->in, found % (1 << LENGTH_BITS));
    if (symbol < usual_symbols(column)) {
        take_step(fast, &column->steps[symbol]);
    } else {
        Group group = move_unusual(column, code, fast, &symbol);
        if (group != GROUP_READ)
            return group;
    }
    return append_byte(&fast->out, symbol, front_byte(fast)) ? GROUP_READ : GROUP_DAMAGED;
}

/* Which symbols come is hardly foreseen by the processor, therefore there is next to no branch that depends on them. */
BZIP2_FAST_TARGET static inline Group read_pair(Bzip2Column *column, const Bzip2Code *code, Fast *fast, unsigned *left)
{
    unsigned pair = code->pairs[fast->in.window >> (64 - BZIP2_SHORT_BITS)];
    if (UNLIKELY(!pair)) {
        Fast other = *fast; /* this one stays in registers */
        Group group = read_single(column, code, &other);
        *fast = other;
        --*left;
        return group;
    }
    skip(&fast->in, pair % (1 << PAIR_LENGTH_BITS));
    unsigned symbols = pair >> PAIR_LENGTH_BITS, second = symbols % (1 << PAIR_SYMBOL_BITS);
    *left -= second == NO_SECOND ? 1 : 2;
    if (UNLIKELY(!do_symbol(column, symbols >> PAIR_SYMBOL_BITS, fast)))
        return GROUP_DAMAGED;
    return LIKELY(do_symbol(column, second, fast)) ? GROUP_READ : GROUP_DAMAGED;
}

/* As many symbols as there are in a window, which are not more than the group has. */
BZIP2_FAST_TARGET static inline Group read_window(Bzip2Column *column, const Bzip2Code *code, Fast *fast,
                                                  unsigned *left)
{
    fill(&fast->in);
    for (unsigned k = 0; k < SHORT_CODES; k++) {
        Group group = read_pair(column, code, fast, left);
        if (UNLIKELY(group != GROUP_READ))
            return group;
    }
    return GROUP_READ;
}

BZIP2_FAST_TARGET static Group read_group_fast(Bzip2Column *column, const Bzip2Code *code)
{
    Fast fast = {.in = column->in, .out = column->out};
    unsigned left = BZIP2_GROUP_SYMBOLS;
    Group group = GROUP_READ;
    load_places(column, &fast);
    while (left >= 2 * SHORT_CODES) {
        group = read_window(column, code, &fast, &left);
        if (UNLIKELY(group != GROUP_READ))
            goto ended;
    }
    while (left > 1) {
        fill(&fast.in);
        group = read_pair(column, code, &fast, &left);
        if (UNLIKELY(group != GROUP_READ))
            goto ended;
    }
    if (left == 1) {
        Fast other = fast;
        fill(&other.in);
        group = read_single(column, code, &other);
        fast = other;
    }
ended:
    store_places(&fast, column);
    column->in = fast.in;
    column->out = fast.out;
    return group;
}

static void step_init(Bzip2Step *step, unsigned symbol)
{
    unsigned place = symbol < DIGITS || symbol == NO_SECOND ? 0 : symbol - 1;
    memset(step, 0x80, sizeof *step);
    for (unsigned i = 0; i < BZIP2_FRONT_BYTES; i++) {
        unsigned from = i == 0 ? place : i <= place ? i - 1 : i;
        uint8_t *from_low = i < 16 ? step->low_from_low : step->high_from_low;
        uint8_t *from_high = i < 16 ? step->low_from_high : step->high_from_high;
        (from < 16 ? from_low : from_high)[i % 16] = from % 16;
    }
    bool digit = symbol < DIGITS, none = symbol == NO_SECOND;
    step->weights = digit ? symbol + 1 : 0;
    step->bytes = !digit && !none;
    step->next_weights = digit ? 2 : none;
    step->next_bytes = !digit && !none;
}

#else

static bool has_fast(void)
{
    return false;
}

static Group read_group_fast(Bzip2Column *column, const Bzip2Code *code)
{
    return read_group_plain(column, code);
}

static void step_init(Bzip2Step *step, unsigned symbol)
{
    (void)step;
    (void)symbol;
}

#endif

/* ---- the column ---- */

void bzip2_column_init(Bzip2Column *column, Bzip2Speed speed)
{
    column->fast = speed == BZIP2_FAST && has_fast();
    memset(column->places, 0, sizeof column->places);
    for (unsigned symbol = 0; symbol < ARRAY_COUNT(column->steps); symbol++)
        step_init(&column->steps[symbol], symbol);
}

MUST_USE static Error *read_groups(Bzip2Column *column)
{
    for (unsigned i = 0; i < column->selector_count; i++) {
        const Bzip2Code *code = &column->codes[column->selectors[i]];
        Group group = column->fast ? read_group_fast(column, code) : read_group_plain(column, code);
        if (group == GROUP_DAMAGED)
            return damaged("a code is none, or a run of bytes is longer than the block");
        if (column->out.at > column->out.end)
            return damaged("it has more bytes than its stream's blocks can");
        if (group == GROUP_LAST)
            return NULL;
    }
    return damaged("its symbols have no end");
}

Error *bzip2_column_read(Bzip2Column *column, const Bzip2Block *block)
{
    ASSERT(block->level >= 1 && block->level <= 9);
    ASSERT(block->first_bit <= block->end_bit && block->end_bit <= 8 * block->data.len);
    TRY(read_header(column, block));
    TRY(read_groups(column));
    column->bytes = (size_t)(column->out.at - column->data);
    if (place_of(&column->in) != block->end_bit)
        return damaged("it does not end where the next mark begins");
    if (column->origin >= column->bytes)
        return damaged("it begins at a row that it does not have");
    return NULL;
}
