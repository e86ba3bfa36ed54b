#include "tokenizer/vocab.h"

#include "base/hash.h"
#include "base/json_scan.h"

/* Open addressing, at most half full. */
static VocabEntry *slot_of(const Vocab *vocab, Str token)
{
    size_t slot = xxh64(str_bytes(token)) & vocab->mask;
    while (vocab->slots[slot].token.data && !str_equal(vocab->slots[slot].token, token))
        slot = (slot + 1) & vocab->mask;
    return &vocab->slots[slot];
}

uint32_t vocab_find(const Vocab *vocab, Str token)
{
    const VocabEntry *entry = slot_of(vocab, token);
    return entry->token.data ? entry->id : TOKEN_NONE;
}

MUST_USE static Error *add(Vocab *vocab, const JsonRaw *name, const JsonRaw *value, Arena *arena)
{
    Str token;
    uint64_t id;
    size_t room = name->escaped ? name->text.len : 0;
    char *text = arena_alloc(arena, room);
    if (!text)
        return arena_error(arena);
    if (!json_raw_string(name, text, room, &token))
        return FAIL(CORRUPT, "vocab: token '" STR_FMT "' is half a surrogate pair", STR_ARG(name->text));
    if (value->kind != JSON_KIND_NUMBER || !str_to_u64(value->text, &id) || id >= TOKEN_NONE)
        return FAIL(CORRUPT, "vocab: the id of token '" STR_FMT "' is no number from 0 to 4294967294", STR_ARG(token));
    *slot_of(vocab, token) = (VocabEntry){token, (uint32_t)id};
    return NULL;
}

Error *vocab_read(Str json, Arena *arena, Vocab *ret_vocab)
{
    JsonRaw name, value;
    size_t count = 0, slots = 16;
    JsonMembers counted = {.text = json}, members = {.text = json};
    while (json_members_next(&counted, &name, &value))
        count++;
    if (counted.problem)
        return error_at(FAIL(CORRUPT, "vocab: %s", counted.problem), counted.at);
    while (slots < 2 * count)
        slots *= 2;
    Vocab vocab = {.slots = ARENA_ARRAY(arena, VocabEntry, slots), .mask = slots - 1};
    if (!vocab.slots)
        return arena_error(arena);
    while (json_members_next(&members, &name, &value))
        TRY(add(&vocab, &name, &value, arena));
    *ret_vocab = vocab;
    return NULL;
}
