/* selection.h - what a fetch is about: the objects that are meant, in the order of the listing, in little memory.
 *
 * 24 bytes an object and its key's own part, in two blocks: a million objects are no burden. ETags and times are kept only where
 * somebody will ask for them. One thread at a time, but for selection_name. Source: spec/mleko.md 5, 7. */
#ifndef JOBS_FETCH_SELECTION_H
#define JOBS_FETCH_SELECTION_H

#include "base/buffer.h"
#include "base/log.h"
#include "jobs/fetch/dataset.h"

typedef enum CollisionRule {
    COLLISION_ERROR,
    COLLISION_FIRST,
    COLLISION_LAST,
    COLLISION_NESTED
} CollisionRule;                                                                  /* as the option's choices */
typedef enum CaseRule { CASE_IGNORE, CASE_SKIP, CASE_WARN, CASE_ERROR } CaseRule; /* likewise */

/* The name by which patterns and manifests know a key: the last piece of it when it is cut at every `prefix`, without slashes in front. Points
 * into `key`. */
Str relative_name(Str key, Str prefix);
/* The same of a manifest's entry, which may be a URL: with an empty prefix it loses "scheme://bucket/". */
Str relative_name_of_url(Str url, Str prefix);

enum {                          /* SelectedObject.flags */
       SELECTED_DIFFERS = 1,    /* there is a file of this name, and it is another: by its size, or by --verify */
       SELECTED_CURRENT = 2,    /* ... and it is the object's */
       SELECTED_IMPOSSIBLE = 4, /* no file can have its name; with SELECTED_DIFFERS: something is in its way */
       SELECTED_LISTED = 8,     /* the remote manifest names it */
       SELECTED_DROPPED = 16,
       SELECTED_NEEDED = 32,      /* it is to be downloaded */
       SELECTED_WAITS = 64,       /* it was, and waits beside the file that it replaces */
       SELECTED_NAME_APART = 128, /* the file's name is no part of the key: it was escaped */
};

typedef struct SelectedObject {
    uint64_t size_bytes;
    uint64_t text_at; /* in `text`: the key behind the prefix, then the name if it stands apart, the ETag, the time */
    uint16_t key_len, relative_len, name_len;
    uint8_t etag_len, flags;
} SelectedObject;

typedef struct Selection {
    Str prefix; /* of all keys; borrowed */
    bool nested, escape, keep_etags, keep_times;
    bool redact; /* errors name hashes of keys */
    SelectedObject *objects;
    size_t count, capacity;
    Buffer text;
    uint32_t *slots; /* [slot_count], a hash table: index + 1; 0: free */
    size_t slot_count;
    bool slots_by_name; /* else by relative name */
    bool names_ascend;  /* every name is behind the one before it: found without a table */
    bool has_hashes;
    Buffer hashes;     /* texts; what the local manifest will say of kept and of fetched files */
    uint64_t *hash_at; /* [count] into `hashes`: a length byte and the text; 0: none. NULL while !has_hashes */
} Selection;

void selection_done(Selection *selection);

/* Everything of a key that the selection keeps. */
typedef struct SelectionItem {
    Str key; /* whole */
    Str relative;
    Str etag;
    uint64_t size_bytes;
    int64_t modified_us;
} SelectionItem;

/* The file that an object becomes. */
typedef struct SelectionName {
    Str text;
    bool possible, apart; /* apart: `text` is no part of the key behind the prefix */
} SelectionName;

/* `ret_name->text` is in `item->key`, or in `escaped`, which is overwritten. Any thread, also while another adds. */
void selection_name(const Selection *selection, const SelectionItem *item, Buffer *escaped, SelectionName *ret_name);
/* Adds an object whose file is not yet looked for; `*ret_index` is its place. */
MUST_USE Error *selection_add(Selection *selection, const SelectionItem *item, const SelectionName *name,
                              size_t *ret_index);

/* These live until the next selection_add. */
Str selection_key_view(const Selection *selection, size_t index); /* without the prefix */
Str selection_relative_view(const Selection *selection, size_t index);
Str selection_name_view(const Selection *selection, size_t index); /* the file's, below the dataset's directory */
Str selection_etag_view(const Selection *selection, size_t index);
int64_t selection_time(const Selection *selection, size_t index);

/* Why the name is impossible. */
MUST_USE Error *selection_name_error(const Selection *selection, size_t index);
/* An error about this object, without its key and name where they are redacted. */
MUST_USE Error *selection_hide(const Selection *selection, size_t index, Error *take_error);
/* Would it be possible with --escape-names? */
bool selection_escaping_helps(const Selection *selection, size_t index);

/* Makes the table by relative name or by name; selection_find then gives the next object of that name behind `*cursor`, which
 * starts as 0: SIZE_MAX when there is none. */
MUST_USE Error *selection_index_relative(Selection *selection);
MUST_USE Error *selection_index_names(Selection *selection);
size_t selection_find(const Selection *selection, Str name, size_t *cursor);

/* Takes out those that are SELECTED_DROPPED; the table is gone. */
void selection_compact(Selection *selection);

/* Drops or refuses what cannot lie beside one another: equal names, a file where others need a directory, names that differ by case. After it
 * selection_find goes by name. Errors: CHECK with two of the keys. */
MUST_USE Error *selection_settle_collisions(Selection *selection, CollisionRule rule, CaseRule case_rule, Log *log);

/* `hash` of an object, for the local manifest. */
MUST_USE Error *selection_set_hash(Selection *selection, size_t index, Str hash);
void selection_clear_hash(Selection *selection, size_t index);
bool selection_hash_view(const Selection *selection, size_t index, Str *ret_hash);

#endif
