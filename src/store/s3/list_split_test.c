/* The splitter against a model of a server: whatever the keys, the sizes of pages and the order in which they come, what the ranges give is
 * what one listing gives, and the requests are hardly more. */
#include "store/s3/list_split.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/testing.h"

enum { KEYS_MAX = 200000, KEY_MAX_BYTES = 200, UNDER_WAY_MAX = 64, SEEDS = 2500 };

/* ---- keys ---- */

typedef struct KeySet {
    Str *keys; /* sorted, each once */
    size_t count;
    char *text;
} KeySet;

static void key_set_done(KeySet *set)
{
    free(set->keys);
    free(set->text);
}

static int compare_keys(const void *a, const void *b)
{
    return str_compare(*(const Str *)a, *(const Str *)b);
}

typedef enum Kind {
    KIND_DIGITS,
    KIND_UUIDS,
    KIND_LONG_COMMON_PREFIX,
    KIND_SINGLE_BYTES,
    KIND_TWO_BYTE_CHARACTERS,
    KIND_ANY_BYTES,
    KIND_DATES,
    KIND_PLAIN_NUMBERS,
    KIND_WORDS_AND_HASHES,
    KIND_ONE_DENSE_FOLDER,
    KINDS
} Kind;

static size_t write_key(Random *random, Kind kind, size_t i, char out[KEY_MAX_BYTES])
{
    static const char *const words[] = {"a", "data", "logs", "zebra", "Archive", "2024", "\xc3\xa9t\xc3\xa9", "~"};
    char hex[33];
    unsigned a = (unsigned)random_below(random, 1000), b = (unsigned)random_below(random, 28), len;
    switch (kind) {
    case KIND_DIGITS: return (size_t)snprintf(out, KEY_MAX_BYTES, "%08zu", i * 3);
    case KIND_UUIDS:
        random_hex(random, hex, 32);
        return (size_t)snprintf(out, KEY_MAX_BYTES, "%.8s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16);
    case KIND_LONG_COMMON_PREFIX:
        return (size_t)snprintf(out, KEY_MAX_BYTES, "%s%s%zu.parquet",
                                "a/very/long/path/that/all/keys/have/in/common/and/more/", a % 2 ? "part-" : "", i);
    case KIND_SINGLE_BYTES: out[0] = (char)(i % 127 + 1); return 1;
    case KIND_TWO_BYTE_CHARACTERS:
        for (len = 0; len < 8; len += 2) {
            out[len] = (char)(0xc3 + random_below(random, 20));
            out[len + 1] = (char)(0x80 + random_below(random, 64));
        }
        return len;
    case KIND_ANY_BYTES:
        len = 1 + (unsigned)random_below(random, 6);
        for (unsigned k = 0; k < len; k++)
            out[k] = (char)random_below(random, 256);
        return len;
    case KIND_DATES:
        return (size_t)snprintf(out, KEY_MAX_BYTES, "year=%u/month=%02u/day=%02u/part-%05u.gz", 1999 + a % 27,
                                a % 12 + 1, b + 1, (unsigned)random_below(random, 2000));
    case KIND_PLAIN_NUMBERS: return (size_t)snprintf(out, KEY_MAX_BYTES, "n%zu", i);
    case KIND_WORDS_AND_HASHES:
        random_hex(random, hex, 12);
        return (size_t)snprintf(out, KEY_MAX_BYTES, "%s/%s", words[a % ARRAY_COUNT(words)], hex);
    case KIND_ONE_DENSE_FOLDER:
        return (size_t)snprintf(out, KEY_MAX_BYTES, "%c/%0*zu", a < 990 ? 'm' : (int)('a' + b % 26), a % 2 ? 6 : 12, i);
    case KINDS: break;
    }
    return 0;
}

static KeySet make_keys(Random *random, Kind kind, Str prefix, size_t count)
{
    KeySet set = {.keys = calloc(count + 1, sizeof(Str)), .text = malloc(count * KEY_MAX_BYTES + 1)};
    assert_true(set.keys && set.text);
    for (size_t i = 0; i < count; i++) {
        char *at = set.text + i * KEY_MAX_BYTES;
        memcpy(at, prefix.data, prefix.len);
        set.keys[i] = str_from(at, prefix.len + write_key(random, kind, i, at + prefix.len));
    }
    qsort(set.keys, count, sizeof(Str), compare_keys);
    for (size_t i = 0; i < count; i++)
        if (set.count == 0 || !str_equal(set.keys[set.count - 1], set.keys[i]))
            set.keys[set.count++] = set.keys[i];
    return set;
}

/* The first key behind `after`. */
static size_t first_behind(const KeySet *set, Str after)
{
    size_t low = 0, high = set->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_compare(set->keys[middle], after) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- a server and who asks it ---- */

typedef struct Asked {
    ListRange *range;
    size_t from; /* the first key of the answer */
} Asked;

typedef struct Model {
    uint64_t seed;
    Random random;
    const KeySet *keys;
    ListSplit split;
    size_t page_max;
    bool sometimes_short; /* pages with fewer keys than there could be, even none */
    bool ignores_start_after;
    unsigned parts_max;
    Asked asked[UNDER_WAY_MAX];
    size_t under_way;
    ListEntry *entries;
    size_t requests, serial_requests;
    size_t next_expected; /* of the keys that are given in order */
    Buffer scratch;
    uint64_t rows_bytes;
} Model;

static void model_ask(Model *m, ListRange *range)
{
    static struct ListCall *const some_call = (struct ListCall *)(uintptr_t)16;
    Str last = buffer_str(&range->last);
    size_t from = m->ignores_start_after && range->pages == 0 ? 0 : first_behind(m->keys, last);
    assert_true(m->under_way < UNDER_WAY_MAX);
    if (range->token.len > 0)
        memcpy(&from, range->token.data, sizeof from);
    m->asked[m->under_way++] = (Asked){range, from};
    range->call = some_call;
    m->requests++;
}

static void model_ask_all(Model *m)
{
    ListRange *probe;
    for (ListRange *range = m->split.first; range; range = range->next)
        if (range->state == LIST_RANGE_OPEN && !range->call)
            model_ask(m, range);
    while (m->under_way < m->parts_max) {
        assert_ok(list_split_probe(&m->split, &probe));
        if (!probe)
            return;
        model_ask(m, probe);
    }
}

static void model_answer(Model *m)
{
    size_t which = random_below(&m->random, m->under_way), from, to;
    Asked asked = m->asked[which];
    m->asked[which] = m->asked[--m->under_way];
    size_t most = MIN(m->page_max, m->keys->count - asked.from);
    size_t count = m->sometimes_short ? random_below(&m->random, most + 1) : most;
    ListPage page = {.entries = m->entries, .count = count, .truncated = asked.from + count < m->keys->count};
    for (size_t i = 0; i < count; i++)
        m->entries[i] = (ListEntry){.key = m->keys->keys[asked.from + i],
                                    .etag = STR("e"),
                                    .storage_class = STR_EMPTY,
                                    .version_id = STR_EMPTY};
    assert_ok(list_split_page(&m->split, asked.range, &page, &from, &to));
    if (asked.range->state == LIST_RANGE_DROPPED) {
        list_range_free(asked.range);
        return;
    }
    asked.range->call = NULL;
    size_t place = asked.from + count;
    buffer_clear(&asked.range->token);
    assert_ok(buffer_append(&asked.range->token, &place, sizeof place));
    assert_ok(list_rows_append(&asked.range->rows, page.entries + from, to - from, &m->scratch, &m->rows_bytes));
}

static Error *check_next(void *context, const ListEntry *entry)
{
    Model *m = context;
    assert_true(m->next_expected < m->keys->count);
    Str expected = m->keys->keys[m->next_expected++];
    if (!str_equal(entry->key, expected))
        print_error("seed %llu: '" STR_FMT "' in place of '" STR_FMT "'\n", (unsigned long long)m->seed,
                    STR_ARG(entry->key), STR_ARG(expected));
    assert_true(str_equal(entry->key, expected));
    assert_str(entry->etag, "e");
    return NULL;
}

static void model_take_ended(Model *m)
{
    ListRange *range;
    while ((range = list_split_take_first(&m->split))) {
        while (!list_rows_empty(&range->rows))
            assert_ok(list_rows_show_block(&range->rows, check_next, m, &m->rows_bytes));
        list_range_free(range);
    }
}

static void model_run(Model *m, Str prefix, Str start_after)
{
    m->entries = calloc(m->page_max + 1, sizeof *m->entries);
    assert_non_null(m->entries);
    m->next_expected = first_behind(m->keys, start_after);
    m->serial_requests = (m->keys->count - m->next_expected) / m->page_max + 1;
    assert_ok(list_split_init(&m->split, prefix, start_after, (ListSplitOptions){.parts_max = m->parts_max}));
    while (m->split.first) {
        model_ask_all(m);
        model_answer(m);
        model_take_ended(m);
    }
    while (m->under_way > 0)
        model_answer(m); /* probes that nobody waits for */
    assert_int_equal(m->next_expected, m->keys->count);
    assert_int_equal(m->rows_bytes, 0);
    list_split_done(&m->split);
    buffer_done(&m->scratch);
    free(m->entries);
}

/* ---- the tests ---- */

static void run_seed(uint64_t seed)
{
    static const char *const prefixes[] = {"", "p/", "some/\xc3\xbc/prefix"};
    Model m = {.seed = seed};
    random_init_seed(&m.random, seed);
    Kind kind = (Kind)random_below(&m.random, KINDS);
    Str prefix = str_of(prefixes[random_below(&m.random, ARRAY_COUNT(prefixes))]);
    CLEANUP(key_set_done) KeySet set = make_keys(&m.random, kind, prefix, random_below(&m.random, 1500));
    m.keys = &set;
    m.page_max = 1 + random_below(&m.random, 40);
    m.sometimes_short = random_below(&m.random, 3) == 0;
    m.ignores_start_after = random_below(&m.random, 5) == 0;
    m.parts_max = 1 + (unsigned)random_below(&m.random, 32);
    bool from_middle = set.count > 0 && random_below(&m.random, 3) == 0;
    Str start_after = from_middle ? set.keys[random_below(&m.random, set.count)] : STR_EMPTY;
    size_t skipped = m.ignores_start_after ? first_behind(&set, start_after) / m.page_max : 0;

    model_run(&m, prefix, start_after);
    size_t most = m.serial_requests + skipped + m.serial_requests / 10 + 2 * m.parts_max + 32;
    if (!m.sometimes_short && m.requests > most)
        print_error("seed %llu: %zu requests, %zu one after the other\n", (unsigned long long)seed, m.requests,
                    m.serial_requests);
    assert_true(m.sometimes_short || m.requests <= most);
}

static void test_any_keys(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        run_seed(seed);
}

/* Large sets are split to many parts at once, and cost little more. `rounds`: how often all that is under way has come. */
static void run_large(Kind kind)
{
    Model m = {.page_max = 1000, .parts_max = 32};
    random_init_seed(&m.random, 7);
    CLEANUP(key_set_done) KeySet set = make_keys(&m.random, kind, STR("p/"), KEYS_MAX);
    m.keys = &set;
    model_run(&m, STR("p/"), STR_EMPTY);
    print_message("kind %d: %zu keys, %zu requests, %zu one after the other, %llu probes, %llu in vain\n", (int)kind,
                  set.count, m.requests, m.serial_requests, (unsigned long long)m.split.probes,
                  (unsigned long long)m.split.probes_in_vain);
    assert_true(m.requests <= m.serial_requests + m.serial_requests / 20 + m.parts_max + 32);
    if (set.count > 50000)
        assert_true(m.split.probes - m.split.probes_in_vain >= 10);
}

static void test_large(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        run_large((Kind)kind);
}

/* Up to two pages nothing is tried. */
static void test_short_listings_cost_the_same(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 2000; count += 500) {
        Model m = {.page_max = 1000, .parts_max = 32};
        random_init_seed(&m.random, count);
        CLEANUP(key_set_done) KeySet set = make_keys(&m.random, KIND_UUIDS, STR_EMPTY, count);
        m.keys = &set;
        model_run(&m, STR_EMPTY, STR_EMPTY);
        assert_int_equal(m.requests, count == 0 ? 1 : (count + 999) / 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_keys),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_short_listings_cost_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
