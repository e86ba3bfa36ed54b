#include "store/file_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/dir_page.h"
#include "store/file_path.h"

Str file_etag(const struct stat *st, char out[FILE_ETAG_BYTES])
{
    unsigned long long time_ns =
        (unsigned long long)st->st_mtim.tv_sec * 1000000000ULL + (unsigned long long)st->st_mtim.tv_nsec;
    int len = snprintf(out, FILE_ETAG_BYTES, "%llx-%llx-%llx", time_ns, (unsigned long long)st->st_size,
                       (unsigned long long)st->st_ino);
    return str_from(out, (size_t)len);
}

int64_t file_modified_us(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;
}

/* A directory on the way down. Only the lowest one is open. */
typedef struct Level {
    struct Level *parent;
    size_t key_len, path_len; /* of the walk's key and path when this level was entered */
    DirPage page;
    size_t next; /* in the page */
} Level;

typedef struct Walk {
    const FileListing *listing;
    Level *level; /* the lowest */
    FileDir *dir; /* it, open */
    Buffer key;   /* of the level, ends in a slash unless it is the root's "" */
    Buffer path;  /* the same as names, no slash at the end */
} Walk;

static void walk_close(Walk *walk)
{
    if (walk->dir)
        file_dirs_release(walk->listing->dirs, walk->dir);
    walk->dir = NULL;
}

static void walk_done(Walk *walk)
{
    walk_close(walk);
    while (walk->level) {
        Level *level = walk->level;
        walk->level = level->parent;
        dir_page_done(&level->page);
        free(level);
    }
    buffer_done(&walk->key);
    buffer_done(&walk->path);
}

MUST_USE static Error *walk_open(Walk *walk)
{
    const char *path = buffer_cstr(&walk->path);
    if (!path)
        return FAIL(NO_MEMORY, "list '%s': out of memory", walk->listing->dirs->root);
    return file_dirs_open(walk->listing->dirs, path, FILE_DIR_EXISTING, &walk->dir);
}

/* What `whole` asks of this level: the rest behind the level's key, or "" when the level lies behind it. */
static Str rest_for_level(Str whole, Str level_key)
{
    return str_starts_with(whole, level_key) ? str_slice(whole, level_key.len, whole.len) : STR_EMPTY;
}

/* Enters the directory that key and path of the walk name. */
MUST_USE static Error *walk_enter(Walk *walk, size_t parent_key_len, size_t parent_path_len)
{
    Level *level = calloc(1, sizeof(*level));
    if (!level)
        return FAIL(NO_MEMORY, "list '%s': out of memory", walk->listing->dirs->root);
    *level = (Level){.parent = walk->level, .key_len = parent_key_len, .path_len = parent_path_len};
    level->page.bytes_max = walk->listing->page_bytes_max;
    level->page.escape = walk->listing->escape;
    level->page.prefix = rest_for_level(walk->listing->prefix, buffer_str(&walk->key));
    level->page.within_after = true;
    walk->level = level;
    walk_close(walk);
    TRY(walk_open(walk));
    TRY(buffer_append_str(&level->page.after, rest_for_level(walk->listing->start_after, buffer_str(&walk->key))));
    return dir_page_fill(&level->page, walk->listing->cancel, walk->dir->fd);
}

/* Back to the parent. */
static void walk_leave(Walk *walk)
{
    Level *level = walk->level;
    walk->key.len = level->key_len;
    walk->path.len = level->path_len;
    walk->level = level->parent;
    dir_page_done(&level->page);
    free(level);
    walk_close(walk);
}

MUST_USE static Error *show_file(Walk *walk, Str part, const char *name)
{
    const FileListing *listing = walk->listing;
    struct stat st;
    char etag[FILE_ETAG_BYTES];

    if (fstatat(walk->dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return NULL; /* deleted meanwhile */
        return FAIL_ERRNO("list '%s/" STR_FMT STR_FMT "'", listing->dirs->root, STR_ARG(buffer_str(&walk->key)),
                          STR_ARG(part));
    }
    if (!S_ISREG(st.st_mode))
        return NULL;

    size_t level_len = walk->key.len;
    TRY(buffer_append_str(&walk->key, part));
    Str key = buffer_str(&walk->key);
    ObjectInfo object = {
        .key = str_slice(key, listing->hidden_bytes, key.len),
        .size_bytes = (uint64_t)st.st_size,
        .modified_us = file_modified_us(&st),
        .etag = file_etag(&st, etag),
    };
    Error *err = listing->each(listing->context, &object);
    walk->key.len = level_len;
    return err;
}

/* `part` ends in a slash. A directory that went away meanwhile is passed over. */
MUST_USE static Error *descend(Walk *walk, Str part, const char *name)
{
    size_t key_len = walk->key.len, path_len = walk->path.len;
    if (path_len + strlen(name) + 2 > PATH_MAX)
        return FAIL(LIMIT, "list '%s': '" STR_FMT STR_FMT "' lies deeper than a path of %d bytes",
                    walk->listing->dirs->root, STR_ARG(buffer_str(&walk->key)), STR_ARG(part), PATH_MAX);
    TRY(buffer_append_str(&walk->key, part));
    if (path_len > 0)
        TRY(buffer_append_byte(&walk->path, '/'));
    TRY(buffer_append_str(&walk->path, str_of(name)));

    Level *parent = walk->level;
    Error *err = walk_enter(walk, key_len, path_len);
    ErrorCode code = error_code(err);
    if (code != ERR_NOT_FOUND && code != ERR_INVALID)
        return err;
    error_free(err);
    if (walk->level != parent)
        walk_leave(walk);
    return NULL;
}

/* `part` ends in a slash. One that is where the listing was to begin was shown before. */
MUST_USE static Error *show_directory(Walk *walk, Str part)
{
    const FileListing *listing = walk->listing;
    size_t level_len = walk->key.len;
    TRY(buffer_append_str(&walk->key, part));
    Str key = buffer_str(&walk->key);
    ObjectInfo object = {.key = str_slice(key, listing->hidden_bytes, key.len), .is_prefix = true};
    Error *err = str_equal(key, listing->start_after) ? NULL : listing->each(listing->context, &object);
    walk->key.len = level_len;
    return err;
}

/* One entry of the lowest level. */
MUST_USE static Error *walk_step(Walk *walk)
{
    Level *level = walk->level;
    Str part = dir_page_part_view(&level->page, level->next++);
    bool is_dir = str_ends_with(part, STR("/"));
    char name[NAME_MAX + 1];

    if (is_dir && walk->listing->one_level)
        return show_directory(walk, part);
    bool named = file_name_of_part(is_dir ? str_slice(part, 0, part.len - 1) : part, walk->listing->escape, name);
    ASSERT(named);
    if (!walk->dir)
        TRY(walk_open(walk));
    return is_dir ? descend(walk, part, name) : show_file(walk, part, name);
}

MUST_USE static Error *walk_refill(Walk *walk)
{
    if (!walk->dir)
        TRY(walk_open(walk));
    walk->level->next = 0;
    return dir_page_fill(&walk->level->page, walk->listing->cancel, walk->dir->fd);
}

/* Goes to the lowest directory that holds all keys with the prefix. */
MUST_USE static Error *walk_place(Walk *walk)
{
    const FileListing *listing = walk->listing;
    size_t slash = str_rfind_char(listing->prefix, '/');
    FilePath path;

    if (slash == SIZE_MAX)
        return NULL;
    TRY(file_path_of_dir(str_slice(listing->prefix, 0, slash), listing->escape, &path));
    TRY(buffer_append_str(&walk->key, str_slice(listing->prefix, 0, slash + 1)));
    return buffer_append(&walk->path, path.dir, path.dir_len);
}

/* True when every key with the prefix comes before `start_after` ends. */
static bool is_behind(const FileListing *listing)
{
    return str_compare(listing->prefix, listing->start_after) < 0
           && !str_starts_with(listing->start_after, listing->prefix);
}

/* A prefix whose directory is not there has no keys; a root that is not there is an error. */
MUST_USE static Error *forgive_missing_prefix(const FileListing *listing, Error *take_error)
{
    ErrorCode code = error_code(take_error);
    if (code != ERR_NOT_FOUND && code != ERR_INVALID)
        return take_error;
    FileDir *root;
    Error *root_error = file_dirs_open(listing->dirs, "", FILE_DIR_EXISTING, &root);
    error_free(take_error);
    if (!root_error)
        file_dirs_release(listing->dirs, root);
    return root_error;
}

Error *file_list(const FileListing *listing)
{
    CLEANUP(walk_done) Walk walk = {.listing = listing};
    if (is_behind(listing))
        return NULL;
    TRY_CTX(walk_place(&walk), "list '%s'", listing->dirs->root);
    Error *err = walk_enter(&walk, 0, 0);
    if (err)
        return forgive_missing_prefix(listing, err);

    while (walk.level) {
        TRY(cancel_check(listing->cancel));
        if (walk.level->next < walk.level->page.count)
            TRY(walk_step(&walk));
        else if (walk.level->page.more)
            TRY(walk_refill(&walk));
        else
            walk_leave(&walk);
    }
    return NULL;
}
