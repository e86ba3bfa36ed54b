#include "jobs/fetch/foresight.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_FILES = 1024, BLOCKS_MAX = 256 };

typedef struct Foreseen {
    uint64_t size_bytes; /* as the manifest says; `state` is about a file of this size */
    uint32_t name_at, name_len;
    FileState state;
} Foreseen;

typedef struct Block {
    Foreseen files[BLOCK_FILES];
    Buffer names;
} Block;

struct Foresight {
    Block *blocks[BLOCKS_MAX]; /* those of which something is published are the taker's to read */
    atomic_size_t published;   /* files, whole blocks but for the last */
    atomic_bool seen_all;      /* `published` will not grow: the manifest has ended, and had nothing odd */
    atomic_bool ended;

    /* The looking thread's. */
    size_t count;

    /* The taking thread's. */
    size_t taken;
    bool otherwise; /* something came that was not foreseen, or not as it was */
};

Foresight *foresight_new(void)
{
    return calloc(1, sizeof(Foresight));
}

void foresight_free(Foresight *foresight)
{
    if (!foresight)
        return;
    for (size_t i = 0; i < BLOCKS_MAX && foresight->blocks[i]; i++) {
        buffer_done(&foresight->blocks[i]->names);
        free(foresight->blocks[i]);
    }
    free(foresight);
}

void foresight_end(Foresight *foresight)
{
    atomic_store_explicit(&foresight->ended, true, memory_order_relaxed);
}

/* ---- the manifest's plain text ---- */

typedef struct Lines {
    FILE *file;
    char *text;
    size_t capacity;
} Lines;

/* The next line with its line feed; none: empty. */
static Str next_line(Lines *lines)
{
    ssize_t len = getline(&lines->text, &lines->capacity, lines->file);
    return str_from(lines->text, len > 0 ? (size_t)len : 0);
}

static bool next_line_is(Lines *lines, Str text)
{
    return str_equal(next_line(lines), text);
}

/* What stands between `before` and `behind`, when the whole line is that. */
static bool take_between(Str line, Str before, Str behind, Str *ret_text)
{
    if (line.len < before.len + behind.len || !str_starts_with(line, before) || !str_ends_with(line, behind))
        return false;
    *ret_text = str_slice(line, before.len, line.len - behind.len);
    return true;
}

/* Written as itself: as append_ascii_string of manifest_local.c decides. */
static bool is_plain(Str name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t byte = (uint8_t)name.data[i];
        if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
            return false;
    }
    return true;
}

/* As a number is written, without zeros in front. */
static bool take_number(Str text, uint64_t *ret_number)
{
    return text.len && (text.data[0] != '0' || text.len == 1) && text.data[0] >= '0' && text.data[0] <= '9'
           && str_to_u64(text, ret_number);
}

/* The lines of an entry behind its brace; `ret_name` lives until the next line is read, so `names` gets it. */
static bool read_entry(Lines *lines, Buffer *names, Foreseen *ret_file, bool *ret_last)
{
    Str name, size;
    if (!take_between(next_line(lines), STR("      \"name\": \""), STR("\",\n"), &name) || !is_plain(name))
        return false;
    ret_file->name_at = (uint32_t)names->len;
    ret_file->name_len = (uint32_t)name.len;
    Error *error = buffer_append_str(names, name);
    error_free(error); /* then nothing more is foreseen */
    if (error || !take_between(next_line(lines), STR("      \"size\": "), STR(",\n"), &size)
        || !take_number(size, &ret_file->size_bytes) || !next_line_is(lines, STR("      \"hash\": null\n")))
        return false;
    Str line = next_line(lines);
    *ret_last = str_equal(line, STR("    }\n"));
    return *ret_last || str_equal(line, STR("    },\n"));
}

/* ---- looking ---- */

static Block *block_for(Foresight *foresight)
{
    size_t number = foresight->count / BLOCK_FILES;
    if (number == BLOCKS_MAX)
        return NULL;
    if (!foresight->blocks[number])
        foresight->blocks[number] = calloc(1, sizeof(Block));
    return foresight->blocks[number];
}

static bool look_at_next(Foresight *foresight, Dataset *dataset, Lines *lines, bool *ret_last)
{
    Block *block = block_for(foresight);
    if (!block || !next_line_is(lines, STR("    {\n")))
        return false;
    Foreseen *file = &block->files[foresight->count % BLOCK_FILES];
    if (!read_entry(lines, &block->names, file, ret_last))
        return false;
    Str name = str_from(block->names.data + file->name_at, file->name_len);
    Error *error = dataset_look(dataset, name, file->size_bytes, &file->state);
    error_free(error); /* it is looked at again when it is listed, and said then */
    foresight->count++;
    return !error;
}

/* `names` may move while a block grows, so only whole blocks, and the last one, are shown. */
static void publish(Foresight *foresight)
{
    atomic_store_explicit(&foresight->published, foresight->count, memory_order_release);
}

static bool look_at_all(Foresight *foresight, Dataset *dataset, Lines *lines)
{
    bool last = false;
    if (!next_line_is(lines, STR("{\n")) || !next_line_is(lines, STR("  \"files\": [\n")))
        return false;
    while (!last) {
        if (atomic_load_explicit(&foresight->ended, memory_order_relaxed)
            || !look_at_next(foresight, dataset, lines, &last))
            return false;
        if (foresight->count % BLOCK_FILES == 0)
            publish(foresight);
    }
    return next_line_is(lines, STR("  ]\n")) && next_line_is(lines, STR("}")) && next_line(lines).len == 0;
}

void foresight_look(Foresight *foresight, Dataset *dataset)
{
    Lines lines = {.file = fopen((const char *)dataset->manifest.data, "re")};
    if (!lines.file)
        return;
    bool whole = look_at_all(foresight, dataset, &lines);
    if (whole)
        publish(foresight);
    atomic_store_explicit(&foresight->seen_all, whole, memory_order_release);
    free(lines.text);
    fclose(lines.file);
}

/* ---- taking ---- */

static bool state_of(const Foreseen *file, uint64_t size_bytes, FileState *ret_state)
{
    *ret_state = file->state;
    if (file->size_bytes == size_bytes || file->state == FILE_ABSENT || file->state == FILE_IMPOSSIBLE)
        return true;
    *ret_state = FILE_DIFFERS; /* from a current one; of one that differs nobody knows how */
    return file->state == FILE_CURRENT;
}

/* An object that is new comes between those that were foreseen, one that was deleted leaves some over: so the next few are tried. */
static const Foreseen *find(Foresight *foresight, Str name)
{
    enum { TRIED = 16 };
    size_t published = atomic_load_explicit(&foresight->published, memory_order_acquire);
    if (foresight->taken >= published) {
        if (!atomic_load_explicit(&foresight->seen_all, memory_order_acquire))
            foresight_end(foresight);
        return NULL;
    }
    for (size_t i = foresight->taken; i < MIN(published, foresight->taken + TRIED); i++) {
        const Block *block = foresight->blocks[i / BLOCK_FILES];
        const Foreseen *file = &block->files[i % BLOCK_FILES];
        if (!str_equal(str_from(block->names.data + file->name_at, file->name_len), name))
            continue;
        foresight->otherwise |= i != foresight->taken;
        foresight->taken = i + 1;
        return file;
    }
    return NULL;
}

bool foresight_take(Foresight *foresight, Str name, uint64_t size_bytes, FileState *ret_state)
{
    const Foreseen *file = find(foresight, name);
    foresight->otherwise |= !file || file->size_bytes != size_bytes;
    return file && state_of(file, size_bytes, ret_state);
}

bool foresight_was_whole(const Foresight *foresight)
{
    return atomic_load(&foresight->seen_all) && !foresight->otherwise && foresight->taken == foresight->count;
}
