#include "store/list_fold.h"

void list_fold_done(ListFold *fold)
{
    buffer_done(&fold->shown);
}

Error *list_fold_key(void *context, const ObjectInfo *object)
{
    ListFold *fold = context;
    const ListOptions *options = fold->options;
    size_t behind = options->prefix.len;
    size_t at = str_find(str_slice(object->key, behind, object->key.len), options->delimiter);
    if (at == SIZE_MAX)
        return fold->each(fold->context, object);
    Str prefix = str_slice(object->key, 0, behind + at + options->delimiter.len);
    if (str_equal(prefix, buffer_str(&fold->shown)) || str_equal(prefix, options->start_after))
        return NULL;
    buffer_clear(&fold->shown);
    TRY(buffer_append_str(&fold->shown, prefix));
    ObjectInfo shown = {.key = prefix, .is_prefix = true};
    return fold->each(fold->context, &shown);
}
