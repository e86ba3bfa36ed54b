#include "store/download_state.h"

#include "base/hash.h"

static const Str MAGIC = {"quern-download 1", sizeof("quern-download 1") - 1};

MUST_USE static Error *identity_hex(const DownloadIdentity *identity, char out[SHA256_HEX_BYTES + 1])
{
    CLEANUP(buffer_done) Buffer text = {0};
    uint8_t digest[SHA256_BYTES];
    TRY(buffer_append_str(&text, identity->key));
    TRY(buffer_append_byte(&text, '\0'));
    TRY(buffer_append_str(&text, identity->etag));
    sha256(buffer_bytes(&text), digest);
    hex_encode(digest, sizeof(digest), out);
    return NULL;
}

Error *download_state_begin(Buffer *out, const DownloadIdentity *identity, uint64_t part_bytes)
{
    char hex[SHA256_HEX_BYTES + 1];
    TRY(identity_hex(identity, hex));
    return buffer_append_format(out, STR_FMT " %llu %llu %s\n", STR_ARG(MAGIC),
                                (unsigned long long)identity->size_bytes, (unsigned long long)part_bytes, hex);
}

Error *download_state_add(Buffer *out, const DownloadPart *part)
{
    char text[CHECKSUM_TEXT_MAX_BYTES + 8];
    checksum_text(&part->checksum, text);
    return buffer_append_format(out, "%llu %s %s\n", (unsigned long long)part->index,
                                checksum_name(part->checksum.kind), text);
}

/* A line with its end; what has none is a cut one. */
static bool next_line(Str *rest, Str *ret_line)
{
    size_t end = str_find_char(*rest, '\n');
    if (end == SIZE_MAX)
        return false;
    *ret_line = str_slice(*rest, 0, end);
    *rest = str_slice(*rest, end + 1, rest->len);
    return true;
}

bool download_state_open(Str *rest, const DownloadIdentity *identity, uint64_t *ret_part_bytes)
{
    Str line, size_text, part_text, hash;
    char hex[SHA256_HEX_BYTES + 1];
    uint64_t size, part_bytes;

    if (!next_line(rest, &line) || !str_starts_with(line, MAGIC))
        return false;
    line = str_slice(line, MIN(MAGIC.len + 1, line.len), line.len);
    if (!str_next_piece(&line, ' ', &size_text) || !str_next_piece(&line, ' ', &part_text)
        || !str_next_piece(&line, ' ', &hash) || !str_to_u64(size_text, &size) || !str_to_u64(part_text, &part_bytes))
        return false;
    Error *err = identity_hex(identity, hex);
    if (err) {
        error_free(err); /* without memory there is no resuming, and the next step will tell */
        return false;
    }
    if (size != identity->size_bytes || part_bytes == 0 || !str_equal(hash, str_of(hex)))
        return false;
    *ret_part_bytes = part_bytes;
    return true;
}

static bool parse_part(Str line, DownloadPart *ret_part)
{
    Str index, kind_name, value;
    if (!str_next_piece(&line, ' ', &index) || !str_next_piece(&line, ' ', &kind_name)
        || !str_next_piece(&line, ' ', &value) || !str_to_u64(index, &ret_part->index))
        return false;
    for (ChecksumKind kind = CHECKSUM_MD5; kind <= CHECKSUM_SHA256; kind++) {
        if (str_equal(kind_name, str_of(checksum_name(kind))))
            return checksum_parse(kind, value, &ret_part->checksum) && ret_part->checksum.parts == 0;
    }
    return false;
}

bool download_state_next(Str *rest, DownloadPart *ret_part)
{
    Str line;
    while (next_line(rest, &line)) {
        if (parse_part(line, ret_part))
            return true;
    }
    return false;
}
