#include "jobs/manifest/data_manifest.h"

#include <stdlib.h>

#include "jobs/fetch/json_walk.h"
#include "jobs/timestamp/when.h"

enum { TITLES_FIRST = 64 };

typedef struct Reading {
    JsonWalk *walk;
    Arena *arena;
    ManifestTitle *titles;
    size_t title_count, title_capacity;
} Reading;

/* A member that is wanted: a text (null is ""), a time, or one that `read` takes with its value not begun. */
typedef struct Member {
    const char *name;
    Str *text;
    int64_t *time_us;
    Error *(*read)(Reading *reading);
    bool required;
    bool seen;
} Member;

MUST_USE static Error *take_text(Reading *reading, Str *ret_text)
{
    JsonToken token;
    TRY(json_walk_next(reading->walk, &token));
    Str text = json_walk_text(reading->walk);
    if (token == TOKEN_WORD && str_equal(text, STR("null")))
        text = STR_EMPTY;
    else if (token != TOKEN_STRING || !str_is_utf8(text) || str_find_char(text, 0) != SIZE_MAX)
        return FAIL(CORRUPT, "it is no text");
    *ret_text = arena_str(reading->arena, text);
    return ret_text->data ? NULL : arena_error(reading->arena);
}

MUST_USE static Error *take_time(Reading *reading, int64_t *ret_time_us)
{
    JsonToken token;
    int64_t seconds;
    TRY(json_walk_next(reading->walk, &token));
    Str text = json_walk_text(reading->walk);
    if (token != TOKEN_STRING)
        return FAIL(CORRUPT, "it is no text");
    if (!when_parse(text, &seconds))
        return FAIL(CORRUPT,
                    "'" STR_FMT "' has none of the forms of a date, 'YYYY-MM-DD HH:MM:SS' and "
                    "'YYYY-MM-DDTHH:MM:SSZ'",
                    STR_ARG(str_slice(text, 0, 40)));
    *ret_time_us = seconds * 1000000;
    return NULL;
}

MUST_USE static Error *take_value(Reading *reading, Member *member)
{
    member->seen = true;
    if (member->read)
        return member->read(reading);
    TRY_CTX(member->text ? take_text(reading, member->text) : take_time(reading, member->time_us), "'%s'",
            member->name);
    return NULL;
}

MUST_USE static Error *skip_value(Reading *reading)
{
    JsonToken token;
    TRY(json_walk_next(reading->walk, &token));
    return json_walk_skip(reading->walk, token);
}

/* The members of an object that has begun, up to its end; of members that repeat the last one counts. */
MUST_USE static Error *take_members(Reading *reading, Member *members, size_t count)
{
    JsonToken token;
    for (;;) {
        size_t i = 0;
        TRY(json_walk_next(reading->walk, &token));
        if (token == TOKEN_OBJECT_END)
            break;
        while (i < count && !str_equal(json_walk_text(reading->walk), str_of(members[i].name)))
            i++;
        TRY(i < count ? take_value(reading, &members[i]) : skip_value(reading));
    }
    for (size_t i = 0; i < count; i++)
        if (members[i].required && !members[i].seen)
            return FAIL(CORRUPT, "there is no member '%s'", members[i].name);
    return NULL;
}

MUST_USE static Error *take_title(Reading *reading, ManifestTitle *title)
{
    Member members[] = {
        {.name = "media_title", .text = &title->media_title, .required = true},
        {.name = "data_provider", .text = &title->data_provider},
        {.name = "last_modification_date", .time_us = &title->modified_us, .required = true},
        {.name = "update_type", .text = &title->update_type},
        {.name = "update_level", .text = &title->update_level},
    };
    *title = (ManifestTitle){STR_EMPTY, STR_EMPTY, STR_EMPTY, STR_EMPTY, 0};
    Error *error = take_members(reading, members, ARRAY_COUNT(members));
    if (!error && title->media_title.len == 0)
        error = FAIL(CORRUPT, "'media_title' is empty");
    return error ? error_wrap(error, "title %zu of 'media_list' ('" STR_FMT "')", reading->title_count + 1,
                              STR_ARG(title->media_title))
                 : NULL;
}

MUST_USE static Error *grow_titles(Reading *reading)
{
    size_t capacity = MAX(2 * reading->title_capacity, (size_t)TITLES_FIRST);
    ManifestTitle *titles = arena_grow(reading->arena, reading->titles, reading->title_capacity * sizeof *titles,
                                       capacity * sizeof *titles);
    if (!titles)
        return arena_error(reading->arena);
    reading->titles = titles;
    reading->title_capacity = capacity;
    return NULL;
}

static Error *take_titles(Reading *reading)
{
    JsonToken token;
    reading->title_count = 0;
    TRY(json_walk_next(reading->walk, &token));
    if (token != TOKEN_ARRAY)
        return FAIL(CORRUPT, "'media_list' is no list");
    for (;;) {
        TRY(json_walk_next(reading->walk, &token));
        if (token == TOKEN_ARRAY_END)
            return NULL;
        if (token != TOKEN_OBJECT)
            return FAIL(CORRUPT, "title %zu of 'media_list' is no object", reading->title_count + 1);
        if (reading->title_count == reading->title_capacity)
            TRY(grow_titles(reading));
        TRY(take_title(reading, &reading->titles[reading->title_count]));
        reading->title_count++;
    }
}

MUST_USE static Error *take_manifest(Reading *reading, DataManifest *manifest)
{
    Str version = STR_EMPTY;
    Member members[] = {
        {.name = "mft_version", .text = &version, .required = true},
        {.name = "mft_generation_date", .time_us = &manifest->generated_us, .required = true},
        {.name = "mft_s3_path", .text = &manifest->s3_path},
        {.name = "previous_mft_s3_path", .text = &manifest->previous_s3_path},
        {.name = "media_list", .read = take_titles, .required = true},
    };
    JsonToken token;
    TRY(json_walk_next(reading->walk, &token));
    if (token != TOKEN_OBJECT)
        return FAIL(CORRUPT, "it is no object");
    TRY(take_members(reading, members, ARRAY_COUNT(members)));
    TRY(json_walk_next(reading->walk, &token)); /* nothing may follow */
    if (!manifest_version_parse(version, &manifest->version))
        return FAIL(CORRUPT, "'mft_version' is '" STR_FMT "', which is not like 'v1.2.3'",
                    STR_ARG(str_slice(version, 0, 40)));
    manifest->titles = reading->titles;
    manifest->title_count = reading->title_count;
    return NULL;
}

static Error *read_piece(void *context, uint8_t *out, size_t room, size_t *ret_len)
{
    Str *rest = context;
    *ret_len = MIN(room, rest->len);
    if (*ret_len)
        memcpy(out, rest->data, *ret_len);
    *rest = str_slice(*rest, *ret_len, rest->len);
    return NULL;
}

Error *data_manifest_parse(Str json, Arena *arena, DataManifest *ret_manifest)
{
    CLEANUP(json_walk_freep) JsonWalk *walk = json_walk_new(read_piece, &json);
    Reading reading = {.walk = walk, .arena = arena};
    DataManifest manifest = {.s3_path = STR_EMPTY, .previous_s3_path = STR_EMPTY};
    if (!walk)
        return FAIL(NO_MEMORY, "out of memory");
    TRY_CTX(take_manifest(&reading, &manifest), "not a data manifest");
    *ret_manifest = manifest;
    return NULL;
}

/* ---- what changed ---- */

/* By name; of equal ones the later last. */
static int compare_titles(const void *a, const void *b)
{
    const ManifestTitle *const *one = a, *const *other = b;
    int order = str_compare((*one)->media_title, (*other)->media_title);
    return order ? order : (*one > *other) - (*one < *other);
}

/* The last title of this name among sorted ones; NULL: none. */
static const ManifestTitle *find_title(const ManifestTitle *const *sorted, size_t count, Str media_title)
{
    size_t from = 0, to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (str_compare(sorted[middle]->media_title, media_title) <= 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 && str_equal(sorted[from - 1]->media_title, media_title) ? sorted[from - 1] : NULL;
}

Error *data_manifest_changes(const DataManifest *manifest, const DataManifest *previous, Arena *arena,
                             const ManifestTitle ***ret_changed, size_t *ret_count)
{
    const ManifestTitle **sorted = ARENA_ARRAY(arena, const ManifestTitle *, previous->title_count);
    const ManifestTitle **changed = ARENA_ARRAY(arena, const ManifestTitle *, manifest->title_count);
    size_t count = 0;
    if (!sorted || !changed)
        return arena_error(arena);
    for (size_t i = 0; i < previous->title_count; i++)
        sorted[i] = &previous->titles[i];
    qsort(sorted, previous->title_count, sizeof *sorted, compare_titles);
    for (size_t i = 0; i < manifest->title_count; i++) {
        const ManifestTitle *now = &manifest->titles[i];
        const ManifestTitle *before = find_title(sorted, previous->title_count, now->media_title);
        if (!before || now->modified_us > before->modified_us)
            changed[count++] = now;
    }
    *ret_changed = changed;
    *ret_count = count;
    return NULL;
}
