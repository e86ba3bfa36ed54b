#include "document/image/languages.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"

enum { NAME_BYTES_MAX = 64 };

/* Where distributions put the languages; the first that exists is taken, as an engine has one directory. */
static const char *const directories[] = {
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
};

const char *ocr_languages_directory(void)
{
    for (size_t i = 0; i < ARRAY_COUNT(directories); i++)
        if (access(directories[i], R_OK | X_OK) == 0)
            return directories[i];
    return NULL;
}

/* "deu", "chi_sim". What has a dot or a slash leads elsewhere. */
static bool is_name(Str language)
{
    for (size_t i = 0; i < language.len; i++) {
        char c = language.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    }
    return language.len > 0 && language.len <= NAME_BYTES_MAX;
}

static bool has_file(const char *directory, Str language)
{
    char path[256];
    snprintf(path, sizeof path, "%s/" STR_FMT OCR_LANGUAGE_SUFFIX, directory, STR_ARG(language));
    return access(path, R_OK) == 0;
}

Str ocr_languages_missing(Str names)
{
    Str name;
    const char *directory = ocr_languages_directory();
    while (directory && str_next_piece(&names, '+', &name))
        if (!is_name(name) || !has_file(directory, name))
            return name.len ? name : STR("+");
    return STR_EMPTY;
}

Error *ocr_languages_package(Str language, Buffer *out)
{
    if (!is_name(language))
        return NULL;
    TRY(buffer_append_str(out, STR("tesseract-ocr-")));
    for (size_t i = 0; i < language.len; i++) {
        char c = language.data[i];
        TRY(buffer_append_byte(out, (uint8_t)(c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c)));
    }
    return NULL;
}

uint64_t ocr_languages_hash(void)
{
    char text[320];
    struct stat about;
    const char *directory = ocr_languages_directory();
    if (!directory || stat(directory, &about) != 0)
        return 0;
    snprintf(text, sizeof text, "%s %lld.%09ld", directory, (long long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
    return xxh64(str_bytes(str_of(text)));
}
