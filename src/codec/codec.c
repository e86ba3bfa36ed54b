#include "codec/codec.h"

#include <stdlib.h>

#include "codec/codec_table.h"

/* CompressionCodec of parquet.thrift, in the order of its numbers; NULL: known, not built in. */
static const struct ParquetCodec {
    const char *name;
    const Codec *codec;
} PARQUET_CODECS[] = {
    {"UNCOMPRESSED", &CODEC_NONE},
    {"SNAPPY", &CODEC_SNAPPY},
    {"GZIP", &CODEC_GZIP},
    {"LZO", NULL},
    {"BROTLI", NULL},
    {"LZ4", NULL},
    {"ZSTD", &CODEC_ZSTD},
    {"LZ4_RAW", NULL},
};

static const Codec *const CODECS[] = {&CODEC_NONE, &CODEC_SNAPPY, &CODEC_GZIP, &CODEC_ZLIB, &CODEC_ZSTD};

const Codec *codec_by_name(Str name)
{
    if (str_equal_nocase(name, STR("uncompressed")))
        return &CODEC_NONE;
    for (size_t i = 0; i < ARRAY_COUNT(CODECS); i++)
        if (str_equal_nocase(name, str_of(CODECS[i]->name)))
            return CODECS[i];
    return NULL;
}

const Codec *codec_by_parquet_id(int32_t id)
{
    return id >= 0 && (size_t)id < ARRAY_COUNT(PARQUET_CODECS) ? PARQUET_CODECS[id].codec : NULL;
}

const char *codec_parquet_name(int32_t id)
{
    return id >= 0 && (size_t)id < ARRAY_COUNT(PARQUET_CODECS) ? PARQUET_CODECS[id].name : "unknown";
}

Str codec_name(const Codec *codec)
{
    return str_of(codec->name);
}

int32_t codec_parquet_id(const Codec *codec)
{
    return codec->parquet_id;
}

bool codec_is_none(const Codec *codec)
{
    return codec == &CODEC_NONE;
}

CodecContext *codec_context_new(void)
{
    return calloc(1, sizeof(CodecContext));
}

void codec_context_free(CodecContext *context)
{
    if (!context)
        return;
    ZSTD_freeCCtx(context->zstd_compress);
    ZSTD_freeDCtx(context->zstd_decompress);
    libdeflate_free_compressor(context->deflate_compress);
    libdeflate_free_decompressor(context->deflate_decompress);
    free(context);
}

Error *codec_compress(CodecContext *context, const Codec *codec, int level, Bytes input, Buffer *out)
{
    if (level == CODEC_LEVEL_DEFAULT)
        level = codec->level_default;
    if (codec->level_max > 0 && (level < codec->level_min || level > codec->level_max))
        return FAIL(INVALID, "%s has no level %d, only %d to %d", codec->name, level, codec->level_min,
                    codec->level_max);

    size_t room = codec->bound(context, input.len);
    size_t written = 0;
    TRY(buffer_reserve(out, room));
    TRY(codec->compress(context, level, input, out->data + out->len, room, &written));
    buffer_grown(out, written);
    return NULL;
}

Error *codec_decompress_exact(CodecContext *context, const Codec *codec, Bytes input, uint8_t *out, size_t out_bytes)
{
    return codec->decompress_exact(context, input, out, out_bytes);
}

Error *codec_decompress(CodecContext *context, const Codec *codec, Bytes input, size_t bytes_max, Buffer *out)
{
    size_t before = out->len;
    Error *error = codec->decompress(context, input, bytes_max, out);

    if (error)
        out->len = before;
    return error;
}

uint32_t codec_crc32(Bytes data)
{
    return libdeflate_crc32(0, data.data, data.len);
}
