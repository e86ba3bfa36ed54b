#include "tokenizer/tokenizer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "tokenizer/model.h"
#include "tokenizer/word.h"

enum {
    CACHE_SLOTS = 1 << 14, /* 1 MiB each workspace */
    CACHED_WORD_BYTES = 23,
    CACHED_IDS = 9,
    KEPT_SCRATCH_BYTES = 1 << 20, /* more than this is given back after the call */
    KEPT_SYMBOLS = 1 << 16
};

/* A short word, padded with zeros, its length in the last byte: three numbers compare at once. No word is all zeros. */
typedef struct WordKey {
    uint64_t parts[3];
} WordKey;

typedef struct CachedWord {
    WordKey key;
    uint32_t count;
    uint32_t ids[CACHED_IDS];
} CachedWord;
static_assert(sizeof(CachedWord) == 64, "one cache line a word");

/* What one call works with. */
typedef struct Workspace Workspace;
struct Workspace {
    Workspace *next;
    CachedWord *cache; /* [CACHE_SLOTS]; what a word became, at the one place that its hash gives it */
    MergeScratch scratch;
    TokenIds symbols;  /* of a word that is not in the cache */
    Buffer normalized; /* a piece between added tokens */
    Buffer prefixed;   /* the same with a space before it */
};

struct Tokenizer {
    Model model; /* constant */
    pthread_mutex_t lock;
    /* Under lock. As many are made as calls were ever in progress at once. */
    Workspace *unused;
};

/* A call that goes on. */
typedef struct Encoder {
    const Model *model;
    Workspace *space;
    TokenIds *ids; /* NULL: only counted */
    size_t count;
} Encoder;

/* ---- ids ---- */

void token_ids_done(TokenIds *ids)
{
    free(ids->items);
    *ids = (TokenIds){0};
}

MUST_USE static Error *reserve(TokenIds *ids, size_t more)
{
    if (LIKELY(ids->capacity - ids->count >= more))
        return NULL;
    size_t capacity = MAX(2 * ids->capacity, ids->count + more + 64);
    uint32_t *items = capacity < SIZE_MAX / sizeof *items ? realloc(ids->items, capacity * sizeof *items) : NULL;
    if (!items)
        return FAIL(NO_MEMORY, "out of memory for %zu token ids", capacity);
    ids->items = items;
    ids->capacity = capacity;
    return NULL;
}

MUST_USE static Error *add_ids(Encoder *encoder, const uint32_t *ids, size_t count)
{
    encoder->count += count;
    if (!encoder->ids || count == 0)
        return NULL;
    TRY(reserve(encoder->ids, count));
    uint32_t *to = encoder->ids->items + encoder->ids->count;
    for (size_t i = 0; i < count; i++)
        to[i] = ids[i];
    encoder->ids->count += count;
    return NULL;
}

/* ---- words ---- */

static WordKey key_of(Str word)
{
    union {
        WordKey key;
        char bytes[sizeof(WordKey)];
    } padded = {0};
    memcpy(padded.bytes, word.data, word.len);
    padded.bytes[CACHED_WORD_BYTES] = (char)word.len;
    return padded.key;
}

static bool same_key(const WordKey *a, const WordKey *b)
{
    return ((a->parts[0] ^ b->parts[0]) | (a->parts[1] ^ b->parts[1]) | (a->parts[2] ^ b->parts[2])) == 0;
}

static CachedWord *cache_slot(const Workspace *space, const WordKey *key)
{
    uint64_t hash =
        (key->parts[0] ^ (key->parts[1] * UINT64_C(0xD6E8FEB86659FD93)) ^ key->parts[2]) * UINT64_C(0x9E3779B97F4A7C15);
    return &space->cache[(hash ^ hash >> 29) >> 16 & (CACHE_SLOTS - 1)];
}

/* The ids of `word`, in space->symbols. */
MUST_USE static Error *encode_word(Encoder *encoder, Str word)
{
    TokenIds *symbols = &encoder->space->symbols;
    if (word.len > TOKENIZER_WORD_BYTES_MAX)
        return FAIL(LIMIT, "a word of %zu bytes is too long for a tokenizer: at most %d are merged", word.len,
                    TOKENIZER_WORD_BYTES_MAX);
    symbols->count = 0;
    TRY(reserve(symbols, word.len));
    for (size_t i = 0; i < word.len; i++) {
        uint32_t id = encoder->model->byte_ids[(uint8_t)word.data[i]];
        if (id != TOKEN_NONE)
            symbols->items[symbols->count++] = id;
    }
    return merge_word(&encoder->model->merges, &encoder->space->scratch, symbols->items, &symbols->count);
}

MUST_USE static Error *add_word(Encoder *encoder, Str word)
{
    const TokenIds *symbols = &encoder->space->symbols;
    if (word.len > CACHED_WORD_BYTES) {
        TRY(encode_word(encoder, word));
        return add_ids(encoder, symbols->items, symbols->count);
    }
    WordKey key = key_of(word);
    CachedWord *cached = cache_slot(encoder->space, &key);
    if (LIKELY(same_key(&cached->key, &key)))
        return add_ids(encoder, cached->ids, cached->count);
    TRY(encode_word(encoder, word));
    if (symbols->count <= CACHED_IDS) {
        cached->key = key;
        cached->count = (uint32_t)symbols->count;
        memcpy(cached->ids, symbols->items, symbols->count * sizeof *cached->ids);
    }
    return add_ids(encoder, symbols->items, symbols->count);
}

/* ---- from the text to words ---- */

MUST_USE static Error *add_words(Encoder *encoder, Str piece)
{
    Buffer *prefixed = &encoder->space->prefixed;
    if (piece.len == 0)
        return NULL;
    if (encoder->model->prefix_space && piece.data[0] != ' ') {
        buffer_clear(prefixed);
        TRY(buffer_append_byte(prefixed, ' '));
        TRY(buffer_append_str(prefixed, piece));
        piece = buffer_str(prefixed);
    }
    if (!encoder->model->split_words)
        return add_word(encoder, piece);
    for (size_t at = 0, end; at < piece.len; at = end) {
        end = word_end(piece, at);
        TRY(add_word(encoder, (Str){piece.data + at, end - at}));
    }
    return NULL;
}

/* Calls `between` for what is between the tokens that are found, and adds those. */
MUST_USE static Error *cut_at_tokens(Encoder *encoder, const AddedTokens *tokens, Str text,
                                     Error *(*between)(Encoder *encoder, Str piece))
{
    size_t done = 0;
    for (AddedMatch match; added_tokens_find(tokens, text, done, &match); done = match.end) {
        TRY(between(encoder, str_slice(text, done, match.start)));
        TRY(add_ids(encoder, &match.id, 1));
    }
    return between(encoder, str_slice(text, done, text.len));
}

MUST_USE static Error *add_raw_piece(Encoder *encoder, Str piece)
{
    Str text;
    TRY(normalizer_apply(&encoder->model->normalizer, piece, &encoder->space->normalized, &text));
    return cut_at_tokens(encoder, &encoder->model->normalized_tokens, text, add_words);
}

/* ---- workspaces ---- */

static void workspace_free(Workspace *space)
{
    if (!space)
        return;
    free(space->cache);
    merge_scratch_done(&space->scratch);
    token_ids_done(&space->symbols);
    buffer_done(&space->normalized);
    buffer_done(&space->prefixed);
    free(space);
}

MUST_USE static Error *workspace_take(Tokenizer *tokenizer, Workspace **ret_space)
{
    pthread_mutex_lock(&tokenizer->lock);
    Workspace *space = tokenizer->unused;
    if (space)
        tokenizer->unused = space->next;
    pthread_mutex_unlock(&tokenizer->lock);
    if (!space) {
        space = calloc(1, sizeof *space);
        if (space)
            space->cache = calloc(CACHE_SLOTS, sizeof *space->cache);
        if (!space || !space->cache) {
            workspace_free(space);
            return FAIL(NO_MEMORY, "out of memory for a tokenizer's words");
        }
    }
    *ret_space = space;
    return NULL;
}

static void workspace_give_back(Tokenizer *tokenizer, Workspace *space)
{
    if (space->scratch.size_bytes > KEPT_SCRATCH_BYTES)
        merge_scratch_done(&space->scratch);
    if (space->symbols.capacity > KEPT_SYMBOLS)
        token_ids_done(&space->symbols);
    if (space->normalized.capacity > KEPT_SCRATCH_BYTES)
        buffer_done(&space->normalized);
    if (space->prefixed.capacity > KEPT_SCRATCH_BYTES)
        buffer_done(&space->prefixed);
    pthread_mutex_lock(&tokenizer->lock);
    space->next = tokenizer->unused;
    tokenizer->unused = space;
    pthread_mutex_unlock(&tokenizer->lock);
}

/* ---- the face ---- */

Error *tokenizer_read(Bytes json, Tokenizer **ret_tokenizer)
{
    CLEANUP(tokenizer_freep) Tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (!tokenizer)
        return FAIL(NO_MEMORY, "out of memory");
    pthread_mutex_init(&tokenizer->lock, NULL);
    TRY(model_read(json, &tokenizer->model));
    *ret_tokenizer = tokenizer;
    tokenizer = NULL;
    return NULL;
}

void tokenizer_free(Tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    while (tokenizer->unused) {
        Workspace *space = tokenizer->unused;
        tokenizer->unused = space->next;
        workspace_free(space);
    }
    model_done(&tokenizer->model);
    pthread_mutex_destroy(&tokenizer->lock);
    free(tokenizer);
}

MUST_USE static Error *encode(Tokenizer *tokenizer, Str text, TokenIds *ids, size_t *ret_count)
{
    Encoder encoder = {.model = &tokenizer->model, .ids = ids};
    if (!str_is_utf8(text))
        return FAIL(INVALID, "cannot encode a text that is not UTF-8");
    TRY(workspace_take(tokenizer, &encoder.space));
    Error *error = cut_at_tokens(&encoder, &encoder.model->raw_tokens, text, add_raw_piece);
    workspace_give_back(tokenizer, encoder.space);
    *ret_count = encoder.count;
    return error;
}

Error *tokenizer_encode(Tokenizer *tokenizer, Str text, TokenIds *ids)
{
    size_t count;
    return encode(tokenizer, text, ids, &count);
}

Error *tokenizer_count(Tokenizer *tokenizer, Str text, size_t *ret_count)
{
    return encode(tokenizer, text, NULL, ret_count);
}
