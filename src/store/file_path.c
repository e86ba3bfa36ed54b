#include "store/file_path.h"

#include <stdio.h>

enum { PRIVATE_STEM_BYTES = 200 };

static bool is_hex_lower(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* True for ".stem.DIGITSsuffix". */
static bool is_private_form(Str name, size_t digits, Str suffix)
{
    if (name.len < 3 + digits + suffix.len || name.data[0] != '.' || !str_ends_with(name, suffix))
        return false;
    const char *hex = name.data + name.len - suffix.len - digits;
    for (size_t i = 0; i < digits; i++) {
        if (!is_hex_lower(hex[i]))
            return false;
    }
    return hex[-1] == '.';
}

bool file_name_is_private(Str name)
{
    return is_private_form(name, FILE_TEMP_DIGITS, STR(FILE_TEMP_SUFFIX))
           || is_private_form(name, FILE_TEMP_DIGITS, STR(FILE_STATE_SUFFIX))
           || is_private_form(name, FILE_META_DIGITS, STR(FILE_META_SUFFIX));
}

void file_name_private(char out[NAME_MAX + 1], const char *name, uint64_t number, int digits, const char *suffix)
{
    int written = snprintf(out, NAME_MAX + 1, ".%.*s.%0*llx%s", PRIVATE_STEM_BYTES, name, digits,
                           (unsigned long long)number, suffix);
    ASSERT(written > 0 && written <= NAME_MAX);
}

static bool needs_escape(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f || c == '%';
}

static bool is_dots(Str part)
{
    return str_equal(part, STR(".")) || str_equal(part, STR(".."));
}

/* How many of the leading dots of `part` must be escaped. */
static size_t dots_to_escape(Str part)
{
    if (is_dots(part))
        return part.len;
    return file_name_is_private(part) ? 1 : 0;
}

static bool escape_part(Str part, char ret_name[NAME_MAX + 1])
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len = 0, dots = dots_to_escape(part);

    if (part.len == 0) {
        memcpy(ret_name, "%", 2);
        return true;
    }
    for (size_t i = 0; i < part.len; i++) {
        bool escaped = i < dots || needs_escape(part.data[i]);
        if (len + (escaped ? 3 : 1) > NAME_MAX)
            return false;
        if (escaped) {
            unsigned char c = (unsigned char)part.data[i];
            ret_name[len++] = '%';
            ret_name[len++] = hex[c >> 4];
            ret_name[len++] = hex[c & 15];
        } else {
            ret_name[len++] = part.data[i];
        }
    }
    ret_name[len] = '\0';
    return true;
}

bool file_name_of_part(Str part, bool escape, char ret_name[NAME_MAX + 1])
{
    if (escape)
        return escape_part(part, ret_name);
    if (part.len == 0 || part.len > NAME_MAX || is_dots(part) || file_name_is_private(part)
        || memchr(part.data, '\0', part.len))
        return false;
    memcpy(ret_name, part.data, part.len);
    ret_name[part.len] = '\0';
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool unescape_name(Str name, char *out, size_t *ret_len)
{
    size_t len = 0;
    if (str_equal(name, STR("%"))) {
        *ret_len = 0;
        return true;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] != '%') {
            out[len++] = name.data[i];
            continue;
        }
        if (name.len - i < 3)
            return false;
        int high = hex_digit(name.data[i + 1]), low = hex_digit(name.data[i + 2]);
        if (high < 0 || low < 0)
            return false;
        out[len++] = (char)(high << 4 | low);
        i += 2;
    }
    *ret_len = len;
    return true;
}

bool file_part_of_name(Str name, bool escape, char *out, size_t *ret_len)
{
    char again[NAME_MAX + 1];

    if (file_name_is_private(name))
        return false;
    if (!escape) {
        memcpy(out, name.data, name.len);
        *ret_len = name.len;
        return true;
    }
    return unescape_name(name, out, ret_len) && escape_part(str_from(out, *ret_len), again)
           && str_equal(str_of(again), name);
}

/* Why file_name_of_part said no. */
MUST_USE static Error *part_error(Str key, Str part, bool escape)
{
    if (escape || part.len > NAME_MAX)
        return FAIL(INVALID, "the key '" STR_FMT "' has a part of %zu bytes, and no name in a directory may pass %d",
                    STR_ARG(key), part.len, NAME_MAX);
    const char *problem = "an empty part";
    if (is_dots(part))
        problem = "'.' or '..' as a part, which would lead elsewhere";
    else if (part.len > 0 && memchr(part.data, '\0', part.len))
        problem = "a NUL byte";
    else if (part.len > 0)
        problem = "a name that the store keeps for its temporary files";
    return FAIL(INVALID,
                "the key '" STR_FMT "' has %s: no path can hold it; escape names (--escape-names) to keep such keys",
                STR_ARG(key), problem);
}

MUST_USE static Error *append_part(Str key, Str part, bool escape, FilePath *path)
{
    char name[NAME_MAX + 1];
    if (!file_name_of_part(part, escape, name))
        return part_error(key, part, escape);

    size_t len = strlen(name), slash = path->dir_len > 0;
    if (path->dir_len + slash + len + 1 > sizeof(path->dir))
        return FAIL(INVALID, "the key '" STR_FMT "' makes a path over %zu bytes", STR_ARG(key), sizeof(path->dir) - 1);
    if (slash)
        path->dir[path->dir_len] = '/';
    memcpy(path->dir + path->dir_len + slash, name, len + 1);
    path->dir_len += slash + len;
    return NULL;
}

Error *file_path_of_dir(Str key_dir, bool escape, FilePath *ret_path)
{
    ret_path->dir[0] = ret_path->name[0] = '\0';
    ret_path->dir_len = 0;
    if (key_dir.len == 0)
        return NULL;
    Str rest = key_dir, part;
    while (str_next_piece(&rest, '/', &part))
        TRY(append_part(key_dir, part, escape, ret_path));
    return NULL;
}

Error *file_path_of(Str key, bool escape, FilePath *ret_path)
{
    if (key.len == 0)
        return FAIL(INVALID, "an empty key names no file");
    size_t slash = str_rfind_char(key, '/');
    bool nested = slash != SIZE_MAX;
    Str last = nested ? str_slice(key, slash + 1, key.len) : key;

    ret_path->dir[0] = ret_path->name[0] = '\0';
    ret_path->dir_len = 0;
    if (nested) {
        Str rest = str_slice(key, 0, slash), part;
        while (str_next_piece(&rest, '/', &part))
            TRY(append_part(key, part, escape, ret_path));
    }
    if (last.len == 0 && !escape)
        return NULL;
    return file_name_of_part(last, escape, ret_path->name) ? NULL : part_error(key, last, escape);
}
