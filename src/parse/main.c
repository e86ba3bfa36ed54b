/* main.c - quern-parse: one document at a time from bytes to elements, in a process that can do nothing else. The only
 * program that links poppler (GPL). Started by the sandbox; see sandbox/worker.h for its life, document/wire.h for what
 * it says. */
#include "base/json.h"
#include "document/image/ocr.h"
#include "document/partition.h"
#include "document/pdf/pdf.h"
#include "document/wire.h"
#include "parse/metadata_limit.h"
#include "parse/poppler_files.h"
#include "sandbox/sandbox.h"
#include "sandbox/worker.h"

/* All that one document becomes; the process's own limit comes first when it is lower. */
static const size_t ARENA_MAX_BYTES = GIB;
/* Elements of one frame together: large enough to be worth a system call, small enough to be on their way while the
 * next are encoded. */
static const size_t BATCH_BYTES = 256 * KIB;

static Error *warm_up(void)
{
    json_object_seed(0); /* else jansson opens /dev/urandom at the first object it reads */
    TRY_CTX(partition_warm_up(), "load what partitioning needs");
    TRY_CTX(pdf_warm_up(), "set up poppler");
    TRY(poppler_files_map(POPPLER_DATA_DIRECTORY));
    for (size_t i = 0; ocr_file_view(i); i++)
        TRY_CTX(poppler_files_map_one(ocr_file_view(i)), "load Tesseract's languages");
    poppler_files_close();
    return NULL;
}

static void report_progress(void *context, uint64_t units_done)
{
    sandbox_reply_progress(context, units_done);
}

/* `out` is where frames are encoded. */
static Error *send_elements(const Elements *elements, Str filetype, Buffer *out, SandboxReply *reply)
{
    size_t first = 0, count;
    do {
        count = wire_elements_fitting(elements, first, BATCH_BYTES);
        buffer_clear(out);
        TRY_CTX(wire_encode_elements(elements, first, count, filetype, out), "element %zu", first);
        TRY(sandbox_reply_frame(reply, buffer_bytes(out)));
        first += count;
    } while (first < elements->count);
    return NULL;
}

/* What was found before an error is sent too: a partial result. Nothing is sent when nothing was found, so that it is
 * not one. */
static Error *answer(Bytes input, const PartitionOptions *options, Arena *arena, Buffer *out, SandboxReply *reply)
{
    Elements elements = {.arena = arena};
    Str filetype = STR_EMPTY;
    PartitionWatch watch = {report_progress, reply};
    Error *error = partition(input, options, &watch, &elements, &filetype);
    if (error && elements.count == 0)
        return error;
    Error *clipped = metadata_limit(&elements);
    if (!error)
        error = clipped;
    else
        error_free(clipped);
    Error *unsent = send_elements(&elements, filetype, out, reply);
    if (!error)
        return unsent;
    error_free(unsent); /* what went wrong first is the news */
    return error;
}

static Error *work(Bytes request, Bytes input, SandboxReply *reply)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(ARENA_MAX_BYTES);
    CLEANUP(buffer_done) Buffer out = {.limit = SANDBOX_FRAME_MAX};
    PartitionOptions options;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    Error *error = wire_decode_request(request, &options);
    if (error) { /* not the document's fault, as CORRUPT would say */
        Error *ours = FAIL(INTERNAL, "%s", error_message_view(error));
        error_free(error);
        return ours;
    }
    return answer(input, &options, arena, &out, reply);
}

int main(int argc, char **argv)
{
    const SandboxProgram program = {.warm_up = warm_up, .work = work};
    return sandbox_serve(&program, argc, argv);
}
