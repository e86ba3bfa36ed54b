#include "codec/text_reader.h"

#include <stdlib.h>

#include "codec/bzip2_split.h"
#include "codec/text_pool.h"
#include "codec/unpack.h"

/* From the source at once, and of what serial formats give. */
#define READ_BYTES ((size_t)256 * KIB)
#define SERIAL_PIECE_BYTES ((size_t)1 * MIB)
/* The same where only the beginning may be wanted, and of the first block of bzip2. */
#define SMALL_READ_BYTES ((size_t)64 * KIB)
#define SMALL_PIECE_BYTES ((size_t)64 * KIB)
#define BLOCK_BEGINNING_BYTES ((size_t)4 * KIB)

/* A piece on its way: compressed in, result out. */
typedef struct Piece {
    TextTask task; /* first: the pool gives it back */
    TextReader *reader;
    Buffer input;
    Bytes rest;   /* of the input, while a serial format has not used it up */
    bool no_more; /* nothing comes behind this input */
    Bzip2Block block;
    size_t wanted_bytes, mapped_bytes; /* of its text */
    bool has_rest;                     /* there may be more of its text */
    bool is_empty;
    void *result;
    Error *error;
} Piece;

struct TextReader {
    TextPool *pool;
    TextFormat format;
    TextSource source;
    TextMap map;
    Bzip2Split split;
    Unpack unpack;
    size_t read_bytes, serial_piece_bytes;
    size_t block_bytes; /* wanted of the next block's text at first */
    bool source_ended, split_ended;
    Error *end_error; /* behind the pieces that are still in the ring */
    Piece *ring;      /* [oldest, oldest + in_flight) modulo ring_count are with the pool */
    size_t ring_count, oldest, in_flight;
    Piece *shown; /* whose result the caller has */
};

/* ---- on the pool's threads ---- */

static void map_piece(Piece *piece, Bytes text)
{
    const TextMap *map = &piece->reader->map;
    piece->is_empty = text.len == 0;
    if (!piece->error && !piece->is_empty)
        piece->error = map->map(map->context, text, piece->result);
}

static void run_plain(TextTask *task, TextWorker *worker)
{
    Piece *piece = (Piece *)task;
    (void)worker;
    map_piece(piece, buffer_bytes(&piece->input));
}

/* Behind a beginning that was wanted alone, the block is gone through once more for all of it: no decoder is kept for a rest that nobody may
 * want. */
static void run_bzip2_block(TextTask *task, TextWorker *worker)
{
    Piece *piece = (Piece *)task;
    Buffer *text = &worker->text;
    buffer_clear(text);
    piece->error = worker->bzip2 ? NULL : bzip2_decoder_new(BZIP2_FAST, &worker->bzip2);
    if (!piece->error)
        piece->error = bzip2_block_decode(worker->bzip2, &piece->block, piece->wanted_bytes, text);
    if (piece->error)
        return;
    size_t mapped = piece->mapped_bytes;
    piece->mapped_bytes = text->len;
    piece->has_rest = text->len >= piece->wanted_bytes;
    piece->wanted_bytes = BZIP2_WHOLE_TEXT;
    map_piece(piece, bytes_from(text->data + mapped, text->len - mapped));
}

static void run_serial(TextTask *task, TextWorker *worker)
{
    Piece *piece = (Piece *)task;
    TextReader *reader = piece->reader;
    buffer_clear(&worker->text);
    piece->error = buffer_reserve(&worker->text, reader->serial_piece_bytes);
    if (!piece->error)
        piece->error = unpack_step(&reader->unpack, &piece->rest, piece->no_more, &worker->text);
    map_piece(piece, buffer_bytes(&worker->text));
}

/* ---- making pieces ---- */

static bool is_serial(const TextReader *reader)
{
    return reader->format != TEXT_PLAIN && reader->format != TEXT_BZIP2;
}

/* Appends what the source gives next. */
MUST_USE static Error *read_more(TextReader *reader, Buffer *input)
{
    size_t before = input->len;
    TRY(reader->source.read(reader->source.context, reader->read_bytes, input));
    reader->source_ended = input->len == before;
    return NULL;
}

MUST_USE static Error *next_bzip2_block(TextReader *reader, Piece *piece, bool *ret_made)
{
    Bzip2SplitResult result;
    for (;;) {
        TRY(bzip2_split_next(&reader->split, reader->source_ended, &piece->input, &piece->block, &result));
        if (result != BZIP2_HUNGRY)
            break;
        TRY(read_more(reader, &reader->split.input));
    }
    reader->split_ended = result == BZIP2_END;
    piece->wanted_bytes = reader->block_bytes;
    piece->mapped_bytes = 0;
    reader->block_bytes = BZIP2_WHOLE_TEXT;
    *ret_made = result == BZIP2_BLOCK;
    return NULL;
}

/* Fills `piece` with what the pool is to work on; false at the end. */
MUST_USE static Error *make_piece(TextReader *reader, Piece *piece, bool *ret_made)
{
    if (reader->format == TEXT_BZIP2)
        return next_bzip2_block(reader, piece, ret_made);
    buffer_clear(&piece->input);
    TRY(read_more(reader, &piece->input));
    piece->no_more = reader->source_ended;
    piece->rest = buffer_bytes(&piece->input);
    *ret_made = is_serial(reader) || !reader->source_ended;
    return NULL;
}

static void submit(TextReader *reader, Piece *piece)
{
    if (reader->map.clear)
        reader->map.clear(piece->result);
    memset(piece->result, 0, reader->map.result_bytes);
    piece->error = NULL;
    text_pool_submit(reader->pool, &piece->task);
    reader->in_flight++;
}

static bool nothing_to_read(const TextReader *reader)
{
    return reader->end_error || reader->split_ended || (reader->source_ended && reader->format != TEXT_BZIP2);
}

/* Keeps the ring full. An error of source or format waits until what came before it has been shown. */
static void fill_ring(TextReader *reader)
{
    while (reader->in_flight < reader->ring_count && !nothing_to_read(reader)) {
        Piece *piece = &reader->ring[(reader->oldest + reader->in_flight) % reader->ring_count];
        bool made = false;
        reader->end_error = make_piece(reader, piece, &made);
        if (made && !reader->end_error)
            submit(reader, piece);
    }
}

/* ---- the caller's side ---- */

Error *text_reader_new(TextPool *pool, TextFormat format, const TextSource *source, const TextMap *map, unsigned ahead,
                       TextReader **ret_reader)
{
    CLEANUP(text_reader_freep) TextReader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return FAIL(NO_MEMORY, "read a compressed text: out of memory");
    *reader = (TextReader){.pool = pool, .format = format, .source = *source, .map = *map};
    reader->read_bytes = ahead ? READ_BYTES : SMALL_READ_BYTES;
    reader->serial_piece_bytes = ahead ? SERIAL_PIECE_BYTES : SMALL_PIECE_BYTES;
    reader->block_bytes = ahead ? BZIP2_WHOLE_TEXT : BLOCK_BEGINNING_BYTES;
    bzip2_split_init(&reader->split);
    unpack_init(&reader->unpack, format);
    size_t count = is_serial(reader) ? 1 : (size_t)ahead + 1;
    reader->ring = calloc(count, sizeof *reader->ring);
    for (; reader->ring && reader->ring_count < count; reader->ring_count++) {
        Piece *piece = &reader->ring[reader->ring_count];
        piece->reader = reader;
        piece->task.run = format == TEXT_PLAIN ? run_plain : format == TEXT_BZIP2 ? run_bzip2_block : run_serial;
        piece->result = calloc(1, MAX(map->result_bytes, (size_t)1));
        if (!piece->result)
            break;
    }
    if (reader->ring_count < count)
        return FAIL(NO_MEMORY, "read a compressed text: out of memory");
    *ret_reader = reader;
    reader = NULL;
    return NULL;
}

/* Nothing more comes; `take_error` or, without one, what stood at the end of the source. */
MUST_USE static Error *end_reading(TextReader *reader, Error *take_error)
{
    Error *error = take_error ? take_error : reader->end_error;
    if (take_error)
        error_free(reader->end_error);
    reader->end_error = NULL;
    reader->source_ended = reader->split_ended = true;
    return error;
}

/* The oldest piece, once the pool is through with it. */
static Piece *take_oldest(TextReader *reader)
{
    Piece *piece = &reader->ring[reader->oldest];
    text_pool_wait(reader->pool, &piece->task);
    reader->oldest = (reader->oldest + 1) % reader->ring_count;
    reader->in_flight--;
    return piece;
}

static Error *take_piece_error(Piece *piece)
{
    Error *error = piece->error;
    piece->error = NULL;
    return error;
}

/* A block of which only the beginning was made has more in it, and a serial piece whose output was full. */
static bool has_more(const TextReader *reader, const Piece *piece)
{
    if (reader->format == TEXT_BZIP2)
        return piece->has_rest;
    return is_serial(reader) && !piece->error && !reader->unpack.ended
           && (piece->rest.len > 0 || (piece->no_more && reader->unpack.open));
}

Error *text_reader_next(TextReader *reader, void **ret_result)
{
    *ret_result = NULL;
    for (;;) {
        Piece *shown = reader->shown;
        reader->shown = NULL;
        if (shown && has_more(reader, shown))
            submit(reader, shown);
        else
            fill_ring(reader);
        if (reader->in_flight == 0)
            return end_reading(reader, NULL);
        reader->shown = take_oldest(reader);
        if (reader->shown->error)
            return end_reading(reader, take_piece_error(reader->shown));
        if (!reader->shown->is_empty) {
            *ret_result = reader->shown->result;
            return NULL;
        }
    }
}

void text_reader_free(TextReader *reader)
{
    if (!reader)
        return;
    while (reader->in_flight > 0)
        error_free(take_oldest(reader)->error);
    for (size_t i = 0; i < reader->ring_count; i++) {
        Piece *piece = &reader->ring[i];
        if (reader->map.clear)
            reader->map.clear(piece->result);
        free(piece->result);
        buffer_done(&piece->input);
    }
    free(reader->ring);
    bzip2_split_done(&reader->split);
    unpack_done(&reader->unpack);
    error_free(reader->end_error);
    free(reader);
}
