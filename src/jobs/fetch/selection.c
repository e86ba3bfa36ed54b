#include "jobs/fetch/selection.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "base/hash.h"
#include "engine/report.h"
#include "store/file_path.h"

enum { OBJECTS_FIRST = 1024, ETAG_MAX = 255, SHORT_STEM_BYTES = 160, SHORT_HASH_BYTES = 16 };

Str relative_name(Str key, Str prefix)
{
    Str rest = key;
    size_t at;
    while (prefix.len && (at = str_find(rest, prefix)) != SIZE_MAX)
        rest = str_slice(rest, at + prefix.len, rest.len);
    while (str_starts_with(rest, STR("/")))
        rest = str_slice(rest, 1, rest.len);
    return rest;
}

Str relative_name_of_url(Str url, Str prefix)
{
    size_t colon = str_find(url, STR("://"));
    if (prefix.len || colon == SIZE_MAX || str_find_char(url, '/') < colon) /* of a key "web/http://site" */
        return relative_name(url, prefix);
    Str place = str_slice(url, colon + 3, url.len);
    size_t slash = str_find_char(place, '/');
    return slash == SIZE_MAX ? STR_EMPTY : relative_name(str_slice(place, slash, place.len), prefix);
}

void selection_done(Selection *selection)
{
    free(selection->objects);
    free(selection->slots);
    free(selection->hash_at);
    buffer_done(&selection->text);
    buffer_done(&selection->hashes);
    *selection = (Selection){0};
}

/* ---- adding ---- */

static Error *make_room(Selection *selection)
{
    if (selection->count < selection->capacity)
        return NULL;
    if (selection->count >= UINT32_MAX / 2)
        return FAIL(LIMIT, "more objects than one dataset can have: %zu", selection->count);
    size_t capacity = MAX(selection->capacity * 2, (size_t)OBJECTS_FIRST);
    SelectedObject *objects = reallocarray(selection->objects, capacity, sizeof *objects);
    if (!objects)
        return FAIL(NO_MEMORY, "out of memory");
    selection->objects = objects;
    selection->capacity = capacity;
    return NULL;
}

static Str base_name(Str key)
{
    size_t slash = str_rfind_char(key, '/');
    return slash == SIZE_MAX ? key : str_slice(key, slash + 1, key.len);
}

/* What a part of a key looks like that is too long for a name: as much of it as is readable, then "%~", which no escaping makes, and a hash of
 * the whole part. Source: spec/s3.md 5.4. */
static void shorten_part(Str part, char ret_name[NAME_MAX + 1])
{
    uint8_t digest[SHA256_BYTES];
    size_t len = MIN(part.len, (size_t)SHORT_STEM_BYTES + 1);
    do {
        len--;
        while (len > 0 && (part.data[len] & 0xc0) == 0x80) /* not within a character */
            len--;
    } while (!file_name_of_part(str_slice(part, 0, len), true, ret_name) || strlen(ret_name) > SHORT_STEM_BYTES);
    char *end = ret_name + strlen(ret_name);
    *end++ = '%';
    *end++ = '~';
    sha256(str_bytes(part), digest);
    hex_encode(digest, SHORT_HASH_BYTES, end);
}

static Error *escape_name(Str wanted, Buffer *out)
{
    char name[NAME_MAX + 1];
    Str rest = wanted, part;
    while (str_next_piece(&rest, '/', &part)) {
        if (!file_name_of_part(part, true, name))
            shorten_part(part, name);
        if (out->len)
            TRY(buffer_append_byte(out, '/'));
        TRY(buffer_append_str(out, str_of(name)));
    }
    return NULL;
}

/* Can the text be a file's name below the dataset? With escaping `out` becomes it. */
static bool is_possible(Str wanted, bool escape, Buffer *out)
{
    FilePath path;
    if (wanted.len == 0 || dataset_is_waiting(wanted))
        return false;
    Error *error = escape ? escape_name(wanted, out) : file_path_of(wanted, false, &path);
    bool possible = !error && (escape ? out->len < PATH_MAX : path.name[0] != 0);
    error_free(error); /* selection_name_error finds it again; without memory: no name */
    return possible;
}

void selection_name(const Selection *selection, const SelectionItem *item, Buffer *escaped, SelectionName *ret_name)
{
    Str key = str_slice(item->key, selection->prefix.len, item->key.len);
    Str name = selection->nested ? item->relative : base_name(item->key);
    buffer_clear(escaped);
    bool possible = is_possible(name, selection->escape, escaped);
    bool apart = possible && selection->escape && !str_equal(buffer_str(escaped), name);
    /* A base name may reach into the prefix: "s3://b/ab" names the key "ab" and has nothing behind it. */
    *ret_name = (SelectionName){
        .text = apart ? buffer_str(escaped) : name, .possible = possible, .apart = apart || name.len > key.len};
}

Error *selection_add(Selection *selection, const SelectionItem *item, const SelectionName *name, size_t *ret_index)
{
    Str key = str_slice(item->key, selection->prefix.len, item->key.len);
    if (key.len > UINT16_MAX || name->text.len > UINT16_MAX)
        return FAIL(LIMIT, "a key of %zu bytes", item->key.len);
    TRY(make_room(selection));
    Str etag = selection->keep_etags && item->etag.len <= ETAG_MAX ? item->etag : STR_EMPTY;
    SelectedObject object = {
        .size_bytes = item->size_bytes,
        .text_at = selection->text.len,
        .key_len = (uint16_t)key.len,
        .relative_len = (uint16_t)MIN(item->relative.len, key.len),
        .name_len = (uint16_t)name->text.len,
        .etag_len = (uint8_t)etag.len,
        .flags = (uint8_t)((name->possible ? 0 : SELECTED_IMPOSSIBLE) | (name->apart ? SELECTED_NAME_APART : 0)),
    };
    TRY(buffer_append_str(&selection->text, key));
    if (name->apart)
        TRY(buffer_append_str(&selection->text, name->text));
    if (selection->keep_times)
        TRY(buffer_append_u64le(&selection->text, (uint64_t)item->modified_us));
    TRY(buffer_append_str(&selection->text, etag));
    *ret_index = selection->count;
    selection->objects[selection->count++] = object;
    return NULL;
}

/* ---- reading ---- */

static Str text_of(const Selection *selection, uint64_t at, size_t len)
{
    return str_from(selection->text.data + at, len);
}

Str selection_key_view(const Selection *selection, size_t index)
{
    const SelectedObject *object = &selection->objects[index];
    return text_of(selection, object->text_at, object->key_len);
}

Str selection_relative_view(const Selection *selection, size_t index)
{
    const SelectedObject *object = &selection->objects[index];
    return text_of(selection, object->text_at + object->key_len - object->relative_len, object->relative_len);
}

Str selection_name_view(const Selection *selection, size_t index)
{
    const SelectedObject *object = &selection->objects[index];
    uint64_t at = object->text_at + object->key_len;
    return text_of(selection, object->flags & SELECTED_NAME_APART ? at : at - object->name_len, object->name_len);
}

static uint64_t behind_name(const SelectedObject *object)
{
    return object->text_at + object->key_len + (object->flags & SELECTED_NAME_APART ? object->name_len : 0);
}

int64_t selection_time(const Selection *selection, size_t index)
{
    uint64_t value = 0;
    const uint8_t *bytes = selection->text.data + behind_name(&selection->objects[index]);
    ASSERT(selection->keep_times);
    for (int i = 7; i >= 0; i--)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

Str selection_etag_view(const Selection *selection, size_t index)
{
    const SelectedObject *object = &selection->objects[index];
    return text_of(selection, behind_name(object) + (selection->keep_times ? 8 : 0), object->etag_len);
}

Error *selection_name_error(const Selection *selection, size_t index)
{
    FilePath path;
    Str name = selection_name_view(selection, index);
    if (dataset_is_waiting(name))
        return FAIL(INVALID, "'" STR_FMT "': quern names its own files so", STR_ARG(name));
    if (selection->escape)
        return FAIL(INVALID, "'" STR_FMT "' makes a path over %d bytes", STR_ARG(name), PATH_MAX - 1);
    TRY(file_path_of(name, false, &path));
    return FAIL(INVALID, "the key '" STR_FMT STR_FMT "' ends in a slash and has content: no file can be named by it",
                STR_ARG(selection->prefix), STR_ARG(selection_key_view(selection, index)));
}

Error *selection_hide(const Selection *selection, size_t index, Error *take_error)
{
    CLEANUP(buffer_done) Buffer key = {0};
    if (!take_error || !selection->redact)
        return take_error;
    Error *unmade = buffer_append_str(&key, selection->prefix);
    if (!unmade)
        unmade = buffer_append_str(&key, selection_key_view(selection, index));
    error_free(unmade); /* without memory nothing of the error is told */
    Error *hidden = report_hide_key(take_error, buffer_str(&key));
    return report_hide_key(hidden, selection_name_view(selection, index));
}

bool selection_escaping_helps(const Selection *selection, size_t index)
{
    CLEANUP(buffer_done) Buffer escaped = {0};
    return !selection->escape && is_possible(selection_name_view(selection, index), true, &escaped);
}

/* ---- the table ---- */

static Str indexed_text(const Selection *selection, size_t index)
{
    return selection->slots_by_name ? selection_name_view(selection, index) : selection_relative_view(selection, index);
}

static Error *clear_slots(Selection *selection)
{
    size_t wanted = 16;
    selection->names_ascend = false;
    while (wanted < selection->count * 2)
        wanted *= 2;
    free(selection->slots);
    selection->slots = calloc(wanted, sizeof *selection->slots);
    selection->slot_count = selection->slots ? wanted : 0;
    return selection->slots ? NULL : FAIL(NO_MEMORY, "out of memory");
}

static void put_in_slot(Selection *selection, size_t index, uint64_t hash)
{
    size_t mask = selection->slot_count - 1, slot = hash & mask;
    while (selection->slots[slot])
        slot = (slot + 1) & mask;
    selection->slots[slot] = (uint32_t)index + 1;
}

static Error *index_all(Selection *selection, bool by_name)
{
    TRY(clear_slots(selection));
    selection->slots_by_name = by_name;
    for (size_t i = 0; i < selection->count; i++)
        put_in_slot(selection, i, xxh64(str_bytes(indexed_text(selection, i))));
    return NULL;
}

Error *selection_index_relative(Selection *selection)
{
    return index_all(selection, false);
}

Error *selection_index_names(Selection *selection)
{
    return index_all(selection, true);
}

static size_t find_ascending(const Selection *selection, Str name)
{
    size_t first = 0, behind = selection->count;
    while (first < behind) {
        size_t middle = first + (behind - first) / 2;
        int order = str_compare(selection_name_view(selection, middle), name);
        if (order == 0)
            return middle;
        if (order < 0)
            first = middle + 1;
        else
            behind = middle;
    }
    return SIZE_MAX;
}

/* `*cursor` counts the slots that were looked at. */
size_t selection_find(const Selection *selection, Str name, size_t *cursor)
{
    if (selection->names_ascend)
        return (*cursor)++ ? SIZE_MAX : find_ascending(selection, name);
    size_t mask = selection->slot_count - 1, first = xxh64(str_bytes(name)) & mask;
    while (*cursor < selection->slot_count) {
        uint32_t entry = selection->slots[(first + (*cursor)++) & mask];
        if (entry == 0)
            break;
        if (str_equal(indexed_text(selection, entry - 1), name))
            return entry - 1;
    }
    return SIZE_MAX;
}

void selection_compact(Selection *selection)
{
    size_t kept = 0;
    ASSERT(!selection->has_hashes);
    for (size_t i = 0; i < selection->count; i++)
        if (!(selection->objects[i].flags & SELECTED_DROPPED))
            selection->objects[kept++] = selection->objects[i];
    selection->count = kept;
    selection->names_ascend = false;
    free(selection->slots);
    selection->slots = NULL;
    selection->slot_count = 0;
}

/* ---- collisions ---- */

static Error *collide(const Selection *selection, size_t first, size_t second, const char *what)
{
    Str one = selection_key_view(selection, first), other = selection_key_view(selection, second);
    Error *error = FAIL(CHECK, "'" STR_FMT STR_FMT "' and '" STR_FMT STR_FMT "' %s", STR_ARG(selection->prefix),
                        STR_ARG(one), STR_ARG(selection->prefix), STR_ARG(other), what);
    return selection_hide(selection, second, selection_hide(selection, first, error));
}

static Error *settle_equal_names(Selection *selection, CollisionRule rule)
{
    TRY(clear_slots(selection));
    selection->slots_by_name = true;
    for (size_t i = 0; i < selection->count; i++) {
        Str name = selection_name_view(selection, i);
        size_t cursor = 0, same = selection_find(selection, name, &cursor);
        if (same == SIZE_MAX) {
            put_in_slot(selection, i, xxh64(str_bytes(name)));
            continue;
        }
        if (rule == COLLISION_ERROR)
            return collide(selection, same, i,
                           "have the same base name: choose with --on-collision first, last or nested");
        if (rule == COLLISION_NESTED)
            return collide(selection, same, i, "would be the same file");
        if (rule == COLLISION_FIRST) {
            selection->objects[i].flags |= SELECTED_DROPPED;
            continue;
        }
        selection->objects[same].flags |= SELECTED_DROPPED;
        size_t mask = selection->slot_count - 1, slot = xxh64(str_bytes(name)) & mask;
        while (selection->slots[slot] != same + 1)
            slot = (slot + 1) & mask;
        selection->slots[slot] = (uint32_t)i + 1;
    }
    return NULL;
}

/* Needs the table by name: is a directory that this object needs another object's file? */
static Error *refuse_file_in_way(const Selection *selection, size_t index)
{
    Str name = selection_name_view(selection, index);
    for (size_t at = 0; at < name.len; at++) {
        size_t cursor = 0;
        if (name.data[at] != '/')
            continue;
        size_t file = selection_find(selection, str_slice(name, 0, at), &cursor);
        if (file != SIZE_MAX)
            return collide(selection, file, index, "need a file and a directory of the same name");
    }
    return NULL;
}

/* NULL without memory, or for names that are not UTF-8, which fold to themselves. */
static char *folded(Str name)
{
    utf8proc_uint8_t *text = NULL;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)name.data, (utf8proc_ssize_t)name.len, &text,
                                        UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    return len < 0 ? strndup(name.data, name.len) : (char *)text;
}

static Error *judge_case(Selection *selection, size_t first, size_t second, CaseRule rule, Log *log)
{
    static const char what[] = "differ only by upper and lower case: choose with --case-conflict";
    if (rule == CASE_ERROR)
        return collide(selection, first, second, what);
    if (rule == CASE_SKIP)
        selection->objects[second].flags |= SELECTED_DROPPED;
    Error *error = collide(selection, first, second,
                           rule == CASE_SKIP ? "differ only by case: the second is skipped" : "differ only by case");
    log_warning(log, "%s", error_message_view(error));
    error_free(error); /* said */
    return NULL;
}

static Error *settle_case(Selection *selection, CaseRule rule, Log *log)
{
    TRY(clear_slots(selection));
    for (size_t i = 0; i < selection->count; i++) {
        CLEANUP(cleanup_free) char *mine = folded(selection_name_view(selection, i));
        if (!mine)
            return FAIL(NO_MEMORY, "out of memory");
        uint64_t hash = xxh64(str_bytes(str_of(mine)));
        size_t mask = selection->slot_count - 1, same = SIZE_MAX;
        for (size_t slot = hash & mask; selection->slots[slot] && same == SIZE_MAX; slot = (slot + 1) & mask) {
            size_t other = selection->slots[slot] - 1;
            CLEANUP(cleanup_free) char *theirs = folded(selection_name_view(selection, other));
            if (theirs && strcmp(mine, theirs) == 0)
                same = other;
        }
        if (same == SIZE_MAX)
            put_in_slot(selection, i, hash);
        else
            TRY(judge_case(selection, same, i, rule, log));
    }
    return NULL;
}

/* As where all objects lie in one folder: no two names are equal then. */
static bool names_ascend(const Selection *selection)
{
    for (size_t i = 1; i < selection->count; i++)
        if (str_compare(selection_name_view(selection, i - 1), selection_name_view(selection, i)) >= 0)
            return false;
    return true;
}

Error *selection_settle_collisions(Selection *selection, CollisionRule rule, CaseRule case_rule, Log *log)
{
    bool settled = true;
    if (!selection->nested && names_ascend(selection)) {
        selection->names_ascend = true;
        return NULL;
    }
    TRY(settle_equal_names(selection, rule));
    for (size_t i = 0; selection->nested && i < selection->count; i++)
        TRY(refuse_file_in_way(selection, i));
    if (selection->nested && case_rule != CASE_IGNORE)
        TRY(settle_case(selection, case_rule, log));
    for (size_t i = 0; settled && i < selection->count; i++)
        settled = !(selection->objects[i].flags & SELECTED_DROPPED);
    if (settled && !selection->nested)
        return NULL; /* the table that found nothing is the table */
    selection_compact(selection);
    return selection_index_names(selection);
}

/* ---- hashes ---- */

Error *selection_set_hash(Selection *selection, size_t index, Str hash)
{
    if (hash.len == 0 || hash.len > UINT8_MAX)
        return NULL; /* none that anybody here wrote */
    if (!selection->has_hashes) {
        selection->hash_at = calloc(selection->count, sizeof *selection->hash_at);
        if (!selection->hash_at)
            return FAIL(NO_MEMORY, "out of memory");
        selection->has_hashes = true;
        TRY(buffer_append_byte(&selection->hashes, 0)); /* so that no place is 0 */
    }
    selection->hash_at[index] = selection->hashes.len;
    TRY(buffer_append_byte(&selection->hashes, (uint8_t)hash.len));
    return buffer_append_str(&selection->hashes, hash);
}

void selection_clear_hash(Selection *selection, size_t index)
{
    if (selection->has_hashes)
        selection->hash_at[index] = 0;
}

bool selection_hash_view(const Selection *selection, size_t index, Str *ret_hash)
{
    if (!selection->has_hashes || !selection->hash_at[index])
        return false;
    const uint8_t *at = selection->hashes.data + selection->hash_at[index];
    *ret_hash = str_from(at + 1, *at);
    return true;
}
