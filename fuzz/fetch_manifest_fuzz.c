/* The JSON of manifests, which come from buckets and from directories that others write to, walked in pieces of all sizes; and patterns. */
#include <stddef.h>

#include "jobs/fetch/fnmatch.h"
#include "jobs/fetch/json_walk.h"

typedef struct Input {
    Str text;
    size_t step;
} Input;

static Error *read_some(void *context, uint8_t *out, size_t room, size_t *ret_len)
{
    Input *input = context;
    *ret_len = MIN(MIN(room, input->step), input->text.len);
    memcpy(out, input->text.data, *ret_len);
    input->text = str_slice(input->text, *ret_len, input->text.len);
    return NULL;
}

/* How many tokens there are before the end or the first mistake. */
static size_t walk_all(Str text, size_t step)
{
    Input input = {text, step};
    CLEANUP(json_walk_freep) JsonWalk *walk = json_walk_new(read_some, &input);
    JsonToken token = TOKEN_OBJECT;
    size_t count = 0;
    Error *error = NULL;
    while (walk && token != TOKEN_END && !(error = json_walk_next(walk, &token)))
        count++;
    error_free(error);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    Str text = str_from(data, len);
    ASSERT(walk_all(text, 1) == walk_all(text, JSON_WALK_PIECE)); /* the pieces do not matter */
    size_t cut = str_find_char(text, '\n');
    if (cut < 200 && len < 4096) {
        CLEANUP(fnmatch_freep) Fnmatch *pattern = NULL;
        Error *error = fnmatch_new(str_slice(text, 0, cut), &pattern);
        if (!error)
            (void)fnmatch_matches(pattern, str_slice(text, cut + 1, len));
        error_free(error);
    }
    return 0;
}
