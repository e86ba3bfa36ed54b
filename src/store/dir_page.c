#include "store/dir_page.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file_path.h"

enum { CANCEL_CHECK_ENTRIES = 1024 };

void dir_page_done(DirPage *page)
{
    buffer_done(&page->after);
    buffer_done(&page->upto);
    buffer_done(&page->text);
    free(page->entries);
    *page = (DirPage){0};
}

static void cleanup_closedir(DIR **dir)
{
    if (*dir)
        closedir(*dir);
}

static uint64_t head_of(Str part)
{
    uint64_t head = 0;
    for (size_t i = 0; i < sizeof(head); i++)
        head = head << 8 | (i < part.len ? (unsigned char)part.data[i] : 0);
    return head;
}

static int compare_entries(const void *left, const void *right, void *text)
{
    const DirEntry *a = left, *b = right;
    const uint8_t *data = text;
    if (a->head != b->head)
        return a->head < b->head ? -1 : 1;
    return str_compare(str_from(data + a->at, a->len), str_from(data + b->at, b->len));
}

static void sort(DirPage *page)
{
    if (page->count > 1)
        qsort_r(page->entries, page->count, sizeof(*page->entries), compare_entries, page->text.data);
}

/* Keeps the lower half of a full page, its text packed again in order: what lies above waits for the next page. */
MUST_USE static Error *keep_lower_half(DirPage *page)
{
    CLEANUP(buffer_done) Buffer packed = {0};
    sort(page);
    page->count /= 2;
    page->more = true;
    TRY(buffer_reserve(&packed, page->text.capacity));
    for (size_t i = 0; i < page->count; i++) {
        DirEntry *entry = &page->entries[i];
        size_t at = packed.len;
        TRY(buffer_append(&packed, page->text.data + entry->at, entry->len));
        entry->at = at;
    }
    Buffer old = page->text;
    page->text = packed;
    packed = old;
    buffer_clear(&page->upto);
    return buffer_append_str(&page->upto, dir_page_part_view(page, page->count - 1));
}

MUST_USE static Error *add(DirPage *page, Str part)
{
    if (page->text.len + part.len + (page->count + 1) * sizeof(DirEntry) > page->bytes_max && page->count > 1)
        TRY(keep_lower_half(page));
    if (page->more && str_compare(part, buffer_str(&page->upto)) > 0)
        return NULL;
    if (page->count == page->capacity) {
        size_t capacity = page->capacity ? page->capacity * 2 : 64;
        DirEntry *grown = reallocarray(page->entries, capacity, sizeof(*grown));
        if (!grown)
            return FAIL(NO_MEMORY, "out of memory after %zu names", page->count);
        page->entries = grown;
        page->capacity = capacity;
    }
    DirEntry entry = {head_of(part), page->text.len, (uint32_t)part.len};
    TRY(buffer_append_str(&page->text, part));
    page->entries[page->count++] = entry;
    return NULL;
}

static bool comes_after(const DirPage *page, Str part)
{
    Str after = buffer_str(&page->after);
    if (after.len == 0 || str_compare(part, after) > 0)
        return true;
    return page->within_after && str_ends_with(part, STR("/")) && str_starts_with(after, part);
}

/* DT_REG, DT_DIR, or anything else for what is no object. */
static int entry_type(int dir_fd, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type;
    if (fstatat(dir_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return DT_UNKNOWN;
    return S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : DT_UNKNOWN;
}

MUST_USE static Error *consider(DirPage *page, int dir_fd, const struct dirent *entry)
{
    char part[NAME_MAX + 2];
    size_t len;
    Str name = str_of(entry->d_name);

    if (str_equal(name, STR(".")) || str_equal(name, STR("..")) || !file_part_of_name(name, page->escape, part, &len))
        return NULL;
    int type = entry_type(dir_fd, entry);
    if (type != DT_REG && type != DT_DIR)
        return NULL;
    if (type == DT_DIR)
        part[len++] = '/';
    Str found = str_from(part, len);
    if (!str_starts_with(found, page->prefix) || !comes_after(page, found))
        return NULL;
    return add(page, found);
}

/* The next page begins where this one ends. */
MUST_USE static Error *advance(DirPage *page)
{
    if (page->count == 0)
        return NULL;
    buffer_clear(&page->after);
    page->within_after = false;
    return buffer_append_str(&page->after, dir_page_part_view(page, page->count - 1));
}

Error *dir_page_fill(DirPage *page, const Cancel *cancel, int dir_fd)
{
    TRY(advance(page));
    page->count = 0;
    page->more = false;
    buffer_clear(&page->text);

    /* a description of its own: the position in the directory must not be shared with other threads */
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(cleanup_closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int number = errno;
        if (fd >= 0)
            close(fd);
        errno = number;
        return FAIL_ERRNO("read the directory");
    }
    for (size_t i = 0;; i++) {
        if (i % CANCEL_CHECK_ENTRIES == 0)
            TRY(cancel_check(cancel));
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        TRY(consider(page, dir_fd, entry));
    }
    if (errno != 0)
        return FAIL_ERRNO("read the directory");
    sort(page);
    return NULL;
}
