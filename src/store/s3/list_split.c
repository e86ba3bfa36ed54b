#include "store/s3/list_split.h"

#include <stdlib.h>

enum {
    EMPTY_PAGES_MAX = 1000,
    SAMPLES = 16,           /* keys of a page whose bytes are looked at, beside the first and the last */
    PAGES_BEFORE_SPLIT = 2, /* of the first range: short listings cost no request more */
    EXPECTED_PAGES_MIN = 3, /* in a range that is worth a split */
    GUESSES_MAX = 8,        /* probes under way between two certain ranges, by bytes that were seen ... */
    WILD_GUESSES_MAX = 3,   /* ... and by others: each learns from the ones before */
    PROBES_FREE = 32,       /* a listing may always try so many ... */
    PAGES_PER_PROBE = 20,   /* ... and one more for so many pages: 5 % */
    VARIED_BYTES_MIN = 4    /* different bytes at a place that is no word's */
};

/* ---- ranges ---- */

static ListRange *range_new(ListRangeState state, Str start, Error **ret_error)
{
    ListRange *range = calloc(1, sizeof(*range));
    Error *err = range ? buffer_append_str(&range->start, start) : FAIL(NO_MEMORY, "list keys: out of memory");
    if (!err)
        err = buffer_append_str(&range->last, start);
    if (err) {
        list_range_free(range);
        *ret_error = err;
        return NULL;
    }
    range->state = state;
    range->place = LIST_POSITIONS;
    return range;
}

void list_range_free(ListRange *range)
{
    if (!range)
        return;
    buffer_done(&range->start);
    buffer_done(&range->last);
    buffer_done(&range->last_version);
    buffer_done(&range->token);
    buffer_done(&range->version);
    list_rows_done(&range->rows);
    free(range);
}

Error *list_split_init(ListSplit *split, Str prefix, Str start_after, ListSplitOptions options)
{
    Error *err = NULL;
    *split = (ListSplit){
        .prefix = prefix,
        .start_after = start_after,
        .versions = options.versions,
        .parts_max = options.parts_max,
        .serial = options.parts_max < 2,
    };
    split->first = range_new(LIST_RANGE_OPEN, start_after, &err);
    return err;
}

void list_split_done(ListSplit *split)
{
    while (split->first) {
        ListRange *range = split->first;
        split->first = range->next;
        list_range_free(range);
    }
    buffer_done(&split->skipped);
}

/* The next one that is no guess. */
static const ListRange *next_certain(const ListRange *range)
{
    do
        range = range->next;
    while (range && range->state == LIST_RANGE_PROBE);
    return range;
}

static ListRange *last_certain_before(const ListSplit *split, const ListRange *probe)
{
    ListRange *certain = NULL;
    for (ListRange *range = split->first; range != probe; range = range->next)
        if (range->state != LIST_RANGE_PROBE)
            certain = range;
    return certain;
}

static void drop(ListSplit *split, ListRange *probe)
{
    ListRange **link = &split->first;
    while (*link != probe)
        link = &(*link)->next;
    *link = probe->next;
    probe->next = NULL;
    probe->state = LIST_RANGE_DROPPED;
    split->probes_in_vain++;
}

/* Nothing begins with the bytes from the probe's on: elsewhere it is unlikely too. */
static void learn_nothing_there(ListSplit *split, const ListRange *probe)
{
    if (probe->place >= LIST_POSITIONS)
        return;
    for (unsigned byte = probe->start.data[split->prefix.len + probe->place]; byte < 256; byte++)
        split->in_vain[probe->place][byte >> 6] |= UINT64_C(1) << (byte & 63);
}

static void end_range(ListSplit *split, ListRange *range)
{
    range->state = LIST_RANGE_ENDED;
    while (range->next && range->next->state == LIST_RANGE_PROBE) {
        if (str_compare(buffer_str(&range->next->start), buffer_str(&range->last)) >= 0)
            learn_nothing_there(split, range->next);
        drop(split, range->next);
    }
}

static void stop_splitting(ListSplit *split)
{
    split->serial = true;
    for (ListRange *range = split->first; range; range = range->next)
        while (range->next && range->next->state == LIST_RANGE_PROBE)
            drop(split, range->next);
}

ListRange *list_split_take_first(ListSplit *split)
{
    ListRange *range = split->first;
    if (!range || range->state != LIST_RANGE_ENDED)
        return NULL;
    split->first = range->next;
    range->next = NULL;
    return range;
}

void list_split_probe_failed(ListSplit *split, ListRange *probe)
{
    if (probe->state == LIST_RANGE_PROBE)
        stop_splitting(split);
}

/* ---- what a page says ---- */

static void observe_key(ListSplit *split, Str key)
{
    Str rest = str_slice(key, split->prefix.len, split->prefix.len + LIST_POSITIONS);
    for (size_t i = 0; i < rest.len; i++) {
        uint8_t byte = (uint8_t)rest.data[i];
        split->seen[i][byte >> 6] |= UINT64_C(1) << (byte & 63);
    }
}

static void observe_page(ListSplit *split, const ListPage *page)
{
    size_t step = page->count / SAMPLES + 1;
    for (size_t i = 0; i < page->count; i += step)
        observe_key(split, page->entries[i].key);
    if (page->count > 0)
        observe_key(split, page->entries[page->count - 1].key);
}

/* Keys come in order, each once, and all of them were asked for: plans are made from this. */
MUST_USE static Error *check_order(const ListSplit *split, const ListPage *page)
{
    for (size_t i = 1; i < page->count; i++) {
        const ListEntry *before = &page->entries[i - 1], *entry = &page->entries[i];
        int order = str_compare(before->key, entry->key);
        bool other_version = split->versions && order == 0 && !str_equal(before->version_id, entry->version_id);
        if (order >= 0 && !other_version)
            return FAIL(CORRUPT, "the server listed '" STR_FMT "' after '" STR_FMT "', which is no ascending order",
                        STR_ARG(entry->key), STR_ARG(before->key));
    }
    if (page->count == 0)
        return NULL;
    Str first = page->entries[0].key, last = page->entries[page->count - 1].key; /* what lies between begins alike */
    Str wrong = str_starts_with(first, split->prefix) ? last : first;
    if (!str_starts_with(wrong, split->prefix))
        return FAIL(CORRUPT, "the server listed '" STR_FMT "', which does not begin with '" STR_FMT "'", STR_ARG(wrong),
                    STR_ARG(split->prefix));
    return NULL;
}

/* Not behind the place where the whole listing was to begin. A common prefix counts as the keys in it. */
static bool is_before_start(const ListSplit *split, const ListEntry *entry)
{
    Str start = split->start_after;
    if (start.len == 0 || str_compare(entry->key, start) > 0)
        return false;
    return !entry->is_prefix || str_equal(entry->key, start) || !str_starts_with(start, entry->key);
}

/* Some servers ignore start-after: what they list too early is passed over, as long as it moves on. */
MUST_USE static Error *skip_before_start(ListSplit *split, const ListRange *range, const ListPage *page, size_t *from)
{
    if (range->keys > 0)
        return NULL;
    while (*from < page->count && is_before_start(split, &page->entries[*from]))
        ++*from;
    if (*from == 0)
        return NULL;
    split->serial = true;
    if (split->skipped.len > 0 && str_compare(page->entries[0].key, buffer_str(&split->skipped)) <= 0)
        return FAIL(CORRUPT, "the server listed '" STR_FMT "' again", STR_ARG(page->entries[0].key));
    buffer_clear(&split->skipped);
    return buffer_append_str(&split->skipped, page->entries[*from - 1].key);
}

/* The first entry must lie behind the last one that came, or the place that was asked for. */
MUST_USE static Error *check_progress(const ListSplit *split, const ListRange *range, const ListPage *page,
                                      size_t *from)
{
    bool at_the_beginning = range->keys == 0 && str_equal(buffer_str(&range->start), split->start_after);
    if (at_the_beginning || *from == page->count)
        return NULL;
    const ListEntry *entry = &page->entries[*from];
    int order = str_compare(entry->key, buffer_str(&range->last));
    if (order > 0 || (split->versions && order == 0 && !str_equal(entry->version_id, buffer_str(&range->last_version))))
        return NULL;
    if (order == 0 && entry->is_prefix) { /* some servers show a common prefix on both of the pages that it spans */
        ++*from;
        return NULL;
    }
    return FAIL(CORRUPT, "the server listed '" STR_FMT "' after '" STR_FMT "', which is no ascending order",
                STR_ARG(entry->key), STR_ARG(buffer_str(&range->last)));
}

/* How many of the page's entries lie within the range. */
static size_t count_up_to(const ListPage *page, Str end)
{
    size_t low = 0, high = page->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (str_compare(page->entries[middle].key, end) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

MUST_USE static Error *remember_last(ListRange *range, const ListEntry *entry)
{
    buffer_clear(&range->last);
    buffer_clear(&range->last_version);
    TRY(buffer_append_str(&range->last, entry->key));
    return buffer_append_str(&range->last_version, entry->version_id);
}

MUST_USE static Error *take_page(ListSplit *split, ListRange *range, const ListPage *page, size_t *from, size_t *to)
{
    const ListRange *behind = next_certain(range);
    TRY(check_order(split, page));
    TRY(skip_before_start(split, range, page, from));
    TRY(check_progress(split, range, page, from));
    *to = behind ? MAX(count_up_to(page, buffer_str(&behind->start)), *from) : page->count;
    range->empty_pages = page->count == 0 ? range->empty_pages + 1 : 0;
    if (range->empty_pages > EMPTY_PAGES_MAX)
        return FAIL(CORRUPT, "the server sent %d empty pages one after the other", EMPTY_PAGES_MAX);
    range->pages++;
    split->pages++;
    range->keys += *to - *from;
    split->keys += *to - *from;
    if (*to > *from)
        TRY(remember_last(range, &page->entries[*to - 1]));
    if (!split->serial)
        observe_page(split, page);
    bool full = behind && str_compare(buffer_str(&range->last), buffer_str(&behind->start)) >= 0;
    if (!page->truncated || *to < page->count || full)
        end_range(split, range);
    return NULL;
}

Error *list_split_page(ListSplit *split, ListRange *range, const ListPage *page, size_t *ret_from, size_t *ret_to)
{
    size_t from = 0, to = 0;
    *ret_from = *ret_to = 0;
    if (range->state == LIST_RANGE_DROPPED)
        return NULL;
    bool is_probe = range->state == LIST_RANGE_PROBE;
    if (is_probe) {
        Str start = buffer_str(&range->start);
        if (page->count > 0 && str_compare(page->entries[0].key, start) <= 0) {
            stop_splitting(split); /* the server ignores start-after */
            return NULL;
        }
        bool proves_nothing = page->count == 0 && page->truncated;
        const ListRange *before = last_certain_before(split, range);
        ASSERT(before); /* the first range is never a probe */
        if (proves_nothing || str_compare(buffer_str(&before->last), start) >= 0) {
            drop(split, range); /* or it came too late */
            return NULL;
        }
        range->state = LIST_RANGE_OPEN;
    }
    TRY(take_page(split, range, page, &from, &to));
    if (is_probe && to == from) {
        split->probes_in_vain++;
        learn_nothing_there(split, range);
    }
    *ret_from = from;
    *ret_to = to;
    return NULL;
}

/* ---- where to split: places and the bytes to be expected there ---- */

typedef struct ByteSet {
    uint64_t bits[4];
} ByteSet;

typedef struct Places {
    ByteSet expected[LIST_POSITIONS];
} Places;

static bool has_byte(const ByteSet *set, unsigned byte)
{
    return (set->bits[byte >> 6] >> (byte & 63)) & 1;
}

static bool has_any(const ByteSet *set, unsigned from, unsigned to)
{
    for (unsigned byte = from; byte <= to; byte++)
        if (has_byte(set, byte))
            return true;
    return false;
}

static void add_bytes(ByteSet *set, unsigned from, unsigned to)
{
    for (unsigned byte = from; byte <= to; byte++)
        set->bits[byte >> 6] |= UINT64_C(1) << (byte & 63);
}

static unsigned count_bytes(const ByteSet *set)
{
    unsigned count = 0;
    for (size_t i = 0; i < 4; i++)
        count += (unsigned)__builtin_popcountll(set->bits[i]);
    return count;
}

/* How many of the set are below `byte`. */
static unsigned rank_of(const ByteSet *set, unsigned byte)
{
    unsigned rank = 0;
    for (size_t i = 0; i < byte >> 6; i++)
        rank += (unsigned)__builtin_popcountll(set->bits[i]);
    return byte > 255
               ? rank
               : rank + (unsigned)__builtin_popcountll(set->bits[byte >> 6] & ((UINT64_C(1) << (byte & 63)) - 1));
}

/* All letters of a case, once there are two or one behind f; up to f where digits make them hexadecimal. */
static void add_letters(ByteSet *set, unsigned a, bool hexadecimal)
{
    if (has_any(set, a + 6, a + 25))
        add_bytes(set, a, a + 25);
    else if (has_any(set, a, a + 5) || hexadecimal)
        add_bytes(set, a, has_any(set, '0', '9') ? a + 5 : a + 25);
}

/* What was seen at a place stands for its kind: one digit for all digits. A place where nothing differed is left as it is.
 * `hexadecimal`: other places make it likely that many digits here are not only decimal. */
static ByteSet expect(const uint64_t seen[4], bool hexadecimal)
{
    ByteSet set = {{seen[0], seen[1], seen[2], seen[3]}};
    unsigned different = count_bytes(&set);
    if (different < 2)
        return set;
    bool upper = has_any(&set, 'A', 'Z'), lower = has_any(&set, 'a', 'z');
    if (has_any(&set, '0', '9'))
        add_bytes(&set, '0', '9');
    if (lower || (hexadecimal && !upper && different > VARIED_BYTES_MIN))
        add_letters(&set, 'a', hexadecimal && !lower);
    if (upper)
        add_letters(&set, 'A', false);
    if (has_any(&set, 0x80, 0xbf))
        add_bytes(&set, 0x80, 0xbf);
    return set;
}

/* True when places of many different bytes hold digits and a to f only. */
static bool looks_hexadecimal(const ListSplit *split)
{
    ByteSet all = {{0}};
    for (size_t i = 0; i < LIST_POSITIONS; i++) {
        ByteSet here = {{split->seen[i][0], split->seen[i][1], split->seen[i][2], split->seen[i][3]}};
        for (size_t k = 0; k < 4 && count_bytes(&here) >= VARIED_BYTES_MIN; k++)
            all.bits[k] |= here.bits[k];
    }
    return has_any(&all, 'a', 'f') && !has_any(&all, 'g', 'z');
}

static void expect_all(const ListSplit *split, Places *ret_places)
{
    bool hexadecimal = looks_hexadecimal(split);
    for (size_t i = 0; i < LIST_POSITIONS; i++) {
        ret_places->expected[i] = expect(split->seen[i], hexadecimal);
        for (size_t k = 0; k < 4; k++)
            ret_places->expected[i].bits[k] &= ~split->in_vain[i][k] | split->seen[i][k];
    }
}

/* Where in the key space a key lies, 0 to 1, if all expected bytes were equally likely. */
static double coordinate(const Places *places, Str rest)
{
    double at = 0, scale = 1;
    for (size_t i = 0; i < MIN(rest.len, (size_t)LIST_POSITIONS) && scale > 1e-12; i++) {
        const ByteSet *set = &places->expected[i];
        unsigned count = count_bytes(set), rank = rank_of(set, (uint8_t)rest.data[i]);
        if (rank >= count)
            return at + scale;
        at += scale * rank / count;
        scale /= count;
    }
    return at;
}

/* ---- a split point between two keys ---- */

static size_t common_length(Str a, Str b)
{
    size_t len = 0, most = MIN(a.len, b.len);
    while (len < most && a.data[len] == b.data[len])
        len++;
    return len;
}

/* The middle one of the bytes of the set that lie between; 256 when there is none, or only one byte is expected at all. */
static unsigned middle_byte(const ByteSet *set, int above, unsigned below)
{
    unsigned from = rank_of(set, (unsigned)(above + 1)), to = rank_of(set, below);
    if (to <= from || count_bytes(set) < 2)
        return 256;
    unsigned wanted = (from + to) / 2, byte = (unsigned)(above + 1);
    for (;; byte++)
        if (has_byte(set, byte) && wanted == rank_of(set, byte))
            return byte;
}

/* Appends what lies behind every key that begins with `text`: its last character, one higher. Nothing, when only the first `keep` bytes are left. */
MUST_USE static Error *append_successor(Str text, size_t keep, Buffer *out)
{
    char encoded[4];
    while (text.len > keep) {
        size_t start = text.len - 1;
        while (start > keep && ((uint8_t)text.data[start] & 0xc0) == 0x80)
            start--;
        size_t at = start;
        uint32_t next = str_next_code_point(text, &at) + 1;
        next = next == 0xd800 ? 0xe000 : next;
        text.len = start;
        if (next < 0x110000) {
            TRY(buffer_append_str(out, text));
            return buffer_append(out, encoded, utf8_encode(next, encoded));
        }
    }
    return NULL;
}

/* `head` and a byte; a character that it begins or continues is completed. */
MUST_USE static Error *append_split(Str head, unsigned byte, Buffer *out)
{
    TRY(buffer_append_str(out, head));
    TRY(buffer_append_byte(out, (uint8_t)byte));
    for (int missing = 0; missing < 3 && byte >= 0x80 && !str_is_utf8(buffer_str(out)); missing++)
        TRY(buffer_append_byte(out, 0x80));
    return NULL;
}

typedef struct Gap {
    Str low;  /* exclusive */
    Str high; /* "": open */
} Gap;

/* A key in the gap, where the bytes of its ends, or the keys that were seen, differ first; `*ret_place`: of that byte, behind the prefix. In an
 * open gap nothing may have been seen to differ in front of it: then `*ret_place` is LIST_POSITIONS, and the key is the one behind all that lies
 * together with `low`. Nothing in `out`: no idea. */
MUST_USE static Error *find_split(const ListSplit *split, const Places *places, Gap gap, Buffer *out, size_t *ret_place)
{
    size_t base = split->prefix.len, end = MIN(gap.low.len, base + LIST_POSITIONS - 1);
    bool open = gap.high.len == 0;
    size_t first = open ? base : common_length(gap.low, gap.high), at = first;
    unsigned byte = 256;

    *ret_place = LIST_POSITIONS;
    if (first < base)
        return NULL;
    for (; at <= end && byte > 255; at++) {
        int above = at < gap.low.len ? (uint8_t)gap.low.data[at] : -1;
        unsigned below = 256;
        if (!open && at == first && at < gap.high.len)
            below = (uint8_t)gap.high.data[at] + (gap.high.len > at + 1 ? 1U : 0U);
        byte = middle_byte(&places->expected[at - base], above, below);
    }
    buffer_clear(out);
    if (open && (byte > 255 || at - 1 > first)) {
        TRY(append_successor(str_slice(gap.low, 0, byte > 255 ? end : at - 1), base, out));
    } else if (byte <= 255) {
        *ret_place = at - 1 - base;
        TRY(append_split(str_slice(gap.low, 0, at - 1), byte, out));
    }
    Str found = buffer_str(out);
    if (str_compare(found, gap.low) <= 0 || (!open && str_compare(found, gap.high) >= 0) || !str_is_utf8(found))
        buffer_clear(out);
    return NULL;
}

/* ---- which range to split ---- */

/* Up to the next range, guess or not. */
static Gap gap_of(const ListRange *range)
{
    return (Gap){buffer_str(&range->last), range->next ? buffer_str(&range->next->start) : STR_EMPTY};
}

static double rest_coordinate(const ListSplit *split, const Places *places, Str key)
{
    return coordinate(places, str_slice(key, split->prefix.len, key.len));
}

/* Keys that are still to come in a range, if they lie as densely as before. `*density`: of the ranges before it, where it has none of its own. */
static double expected_keys(const ListSplit *split, const Places *places, const ListRange *range, double *density)
{
    Gap gap = gap_of(range);
    double low = rest_coordinate(split, places, gap.low);
    double high = gap.high.len > 0 ? rest_coordinate(split, places, gap.high) : 1;
    double covered = low - rest_coordinate(split, places, buffer_str(&range->start));
    if (range->keys > 0 && covered > 1e-12)
        *density = (double)range->keys / covered;
    return (high - low) * *density;
}

static bool may_split(const ListSplit *split)
{
    uint64_t budget = PROBES_FREE + split->pages / PAGES_PER_PROBE;
    unsigned live = 0;
    for (const ListRange *range = split->first; range; range = range->next)
        live += range->state != LIST_RANGE_ENDED;
    if (split->serial || live == 0 || live >= split->parts_max || split->probes_in_vain > budget)
        return false;
    return split->probes < split->parts_max + budget && split->pages >= PAGES_BEFORE_SPLIT;
}

typedef struct Choice {
    unsigned guesses; /* probes behind the last certain range that was looked at */
    ListRange *range;
    double keys;
    size_t place; /* as ListRange's */
    Buffer start; /* of the probe */
    Buffer trial;
} Choice;

static void choice_done(Choice *choice)
{
    buffer_done(&choice->start);
    buffer_done(&choice->trial);
}

static unsigned guesses_behind(const ListRange *certain)
{
    unsigned guesses = 0;
    for (const ListRange *range = certain->next; range && range->state == LIST_RANGE_PROBE; range = range->next)
        guesses++;
    return guesses;
}

/* The byte that the start of a probe is made up with was seen at that place. */
static bool was_seen(const ListSplit *split, size_t place, const Buffer *start)
{
    unsigned byte = start->data[split->prefix.len + place];
    return (split->seen[place][byte >> 6] >> (byte & 63)) & 1;
}

MUST_USE static Error *consider(const ListSplit *split, const Places *places, ListRange *range, double keys,
                                Choice *best)
{
    size_t place;
    if (best->guesses >= GUESSES_MAX || range->state == LIST_RANGE_ENDED
        || (range->state == LIST_RANGE_OPEN && range->pages == 0))
        return NULL;
    if (best->range && keys <= best->keys && range->next)
        return NULL;
    TRY(find_split(split, places, gap_of(range), &best->trial, &place));
    bool unknown = place == LIST_POSITIONS;
    if (best->guesses >= WILD_GUESSES_MAX && !unknown && best->trial.len > 0 && !was_seen(split, place, &best->trial))
        return NULL;
    if (unknown && range->state == LIST_RANGE_PROBE)
        return NULL; /* first what it finds */
    keys = unknown ? 1e300 : keys;
    if (best->trial.len == 0 || (best->range && keys <= best->keys))
        return NULL;
    Buffer swap = best->start;
    best->start = best->trial;
    best->trial = swap;
    best->range = range;
    best->place = place;
    best->keys = keys;
    return NULL;
}

Error *list_split_probe(ListSplit *split, ListRange **ret_probe)
{
    Places places;
    CLEANUP(choice_done) Choice best = {0};
    double density = 0;

    *ret_probe = NULL;
    if (!may_split(split))
        return NULL;
    expect_all(split, &places);
    for (ListRange *range = split->first; range; range = range->next) {
        best.guesses = range->state == LIST_RANGE_PROBE ? best.guesses : guesses_behind(range);
        TRY(consider(split, &places, range, expected_keys(split, &places, range, &density), &best));
    }
    double keys_per_page = (double)split->keys / (double)split->pages;
    if (!best.range || best.keys < EXPECTED_PAGES_MIN * keys_per_page)
        return NULL;
    Error *err = NULL;
    ListRange *probe = range_new(LIST_RANGE_PROBE, buffer_str(&best.start), &err);
    if (!probe)
        return err;
    probe->place = best.place;
    probe->next = best.range->next;
    best.range->next = probe;
    split->probes++;
    *ret_probe = probe;
    return NULL;
}
