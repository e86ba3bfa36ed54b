/* --verify etag and checksum: is a file of the right size the object? */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "jobs/fetch/job.h"

enum { READ_BYTES = 1 << 18 };

/* An ETag that may be the content's MD5: 32 hex digits, without the "-3" of a multipart upload. */
static bool etag_is_md5(Str etag, Checksum *ret_md5)
{
    uint8_t value[MD5_BYTES];
    if (etag.len != 2 * (size_t)MD5_BYTES)
        return false;
    for (size_t i = 0; i < etag.len; i++) {
        char c = etag.data[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return false;
        value[i / 2] = (uint8_t)(value[i / 2] << 4 | digit);
    }
    *ret_md5 = (Checksum){.kind = CHECKSUM_MD5};
    memcpy(ret_md5->value, value, sizeof value);
    return true;
}

static Error *checksum_file(Fetch *fetch, const Cancel *cancel, Str name, ChecksumKind kind, Checksum *ret_checksum)
{
    CLEANUP(cleanup_close) int fd = -1;
    CLEANUP(buffer_done) Buffer piece = {0};
    ChecksumState state;
    ssize_t got;
    TRY(dataset_open_file(&fetch->dataset, name, &fd));
    TRY(buffer_reserve(&piece, READ_BYTES));
    checksum_begin(&state, kind);
    while ((got = read(fd, piece.data, READ_BYTES)) != 0) {
        if (got < 0 && errno != EINTR)
            return FAIL_ERRNO("read '" STR_FMT "'", STR_ARG(name));
        TRY(cancel_check(cancel));
        if (got > 0)
            checksum_add(&state, bytes_from(piece.data, (size_t)got));
    }
    *ret_checksum = checksum_end(&state);
    return NULL;
}

static Error *file_has(Fetch *fetch, const Cancel *cancel, size_t index, const Checksum *wanted, bool *ret_has)
{
    Checksum own;
    TRY(checksum_file(fetch, cancel, selection_name_view(&fetch->selection, index), wanted->kind, &own));
    *ret_has = checksum_equal(&own, wanted);
    return NULL;
}

/* ---- what only the server can tell ---- */

/* One object whose checksum is asked for. */
typedef struct Question {
    StoreFetch request;
    Buffer key;
    Str etag; /* as listed */
    size_t index;
    Checksum checksum; /* of the whole content, of the object that was listed; CHECKSUM_NONE: the server keeps none */
    struct Question *next;
} Question;

typedef struct Questions {
    Fetch *fetch;
    const Cancel *cancel;
    StoreBatch *batch;
    Question *all;  /* [room] */
    Question *idle; /* of those, by `next` */
    size_t room;
} Questions;

static Error *questions_init(Questions *questions)
{
    questions->room = (size_t)config_int(questions->fetch->env->config, "workers");
    questions->all = calloc(questions->room, sizeof *questions->all);
    if (!questions->all)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < questions->room; i++) {
        questions->all[i].next = questions->idle;
        questions->idle = &questions->all[i];
    }
    return store_batch_new(questions->fetch->source.store, questions->cancel, &questions->batch);
}

static void questions_done(Questions *questions)
{
    StoreFetch *request;
    while (questions->batch && (request = store_batch_next(questions->batch))) {
        error_free(request->error); /* what ended the run is the news */
        request->error = NULL;
    }
    store_batch_free(questions->batch);
    for (size_t i = 0; questions->all && i < questions->room; i++)
        buffer_done(&questions->all[i].key);
    free(questions->all);
}

static Error *note_checksum(void *context, uint64_t offset_bytes, const ObjectInfo *info)
{
    (void)offset_bytes;
    Question *question = context;
    if (info->checksum.parts == 0 && str_equal(info->etag, question->etag))
        question->checksum = info->checksum;
    return NULL;
}

/* Objects whose file is not the object have one that differs. */
static void mark_differs(Fetch *fetch, size_t index)
{
    SelectedObject *object = &fetch->selection.objects[index];
    object->flags = (uint8_t)((object->flags & ~SELECTED_CURRENT) | SELECTED_DIFFERS);
}

/* Waits for an answer and judges by it. */
static Error *take_answer(Questions *questions)
{
    StoreFetch *request = store_batch_next(questions->batch);
    Question *question = request->user;
    Error *error = request->error;
    bool current = false;
    request->error = NULL;
    question->next = questions->idle;
    questions->idle = question;
    if (error_code(error) == ERR_NOT_FOUND) {
        error_free(error); /* gone since the listing: fetching it says so */
        error = NULL;
    }
    TRY(error);
    if (question->checksum.kind != CHECKSUM_NONE)
        TRY(file_has(questions->fetch, questions->cancel, question->index, &question->checksum, &current));
    if (!current)
        mark_differs(questions->fetch, question->index);
    return NULL;
}

static Error *ask(Questions *questions, size_t index)
{
    const Selection *selection = &questions->fetch->selection;
    if (!questions->batch)
        TRY(questions_init(questions));
    if (!questions->idle)
        TRY(take_answer(questions));
    Question *question = questions->idle;
    buffer_clear(&question->key);
    TRY(buffer_append_str(&question->key, questions->fetch->prefix));
    TRY(buffer_append_str(&question->key, selection_key_view(selection, index)));
    questions->idle = question->next;
    question->index = index;
    question->etag = selection_etag_view(selection, index);
    question->checksum = (Checksum){.kind = CHECKSUM_NONE};
    question->request = (StoreFetch){.key = buffer_str(&question->key),
                                     .range = BYTE_RANGE_ALL,
                                     .describe = true,
                                     .sink = {.begin = note_checksum, .context = question},
                                     .user = question};
    store_batch_get(questions->batch, &question->request);
    return NULL;
}

static size_t asked(const Questions *questions)
{
    size_t idle = 0;
    for (const Question *question = questions->idle; question; question = question->next)
        idle++;
    return questions->room - idle;
}

/* ---- the whole ---- */

/* What this machine and the listing can tell. */
static Error *is_known_current(Fetch *fetch, const Cancel *cancel, size_t index, bool *ret_current)
{
    Str etag = selection_etag_view(&fetch->selection, index), stored = STR_EMPTY;
    Checksum md5;
    selection_hash_view(&fetch->selection, index, &stored);
    *ret_current = fetch->verify == VERIFY_ETAG && etag.len && str_equal(stored, etag);
    /* Not known, or known to differ: a run that was cut short between file and manifest leaves both. The content tells. */
    return !*ret_current && etag_is_md5(etag, &md5) ? file_has(fetch, cancel, index, &md5, ret_current) : NULL;
}

static Error *verify_all(Questions *questions)
{
    Fetch *fetch = questions->fetch;
    for (size_t i = 0; i < fetch->selection.count; i++) {
        bool current = false;
        if (!(fetch->selection.objects[i].flags & SELECTED_CURRENT))
            continue;
        if (cancel_draining(questions->cancel))
            return FAIL(CANCELLED, "the run is ending");
        TRY(is_known_current(fetch, questions->cancel, i, &current));
        if (!current && fetch->verify == VERIFY_CHECKSUM)
            TRY(ask(questions, i));
        else if (!current)
            mark_differs(fetch, i);
    }
    while (asked(questions))
        TRY(take_answer(questions));
    return NULL;
}

Error *fetch_verify(Fetch *fetch, const Cancel *cancel)
{
    Questions questions = {.fetch = fetch, .cancel = cancel};
    Error *error = verify_all(&questions);
    questions_done(&questions);
    return error;
}
