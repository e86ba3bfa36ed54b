/* replay_main.c - runs a fuzz target once over every file it is given, so that ordinary tests replay the corpora.
 *
 * Arguments are files, and directories whose files are taken in byte order of their names. Fails when an input cannot
 * be read and when there was none at all: a replay of nothing proves nothing. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads the whole file into memory of exactly its size, so that a sanitizer sees one byte read past it. */
static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (!file || fstat(fileno(file), &info) != 0) {
        fprintf(stderr, "replay: cannot open '%s': %s\n", path, strerror(errno));
        if (file)
            fclose(file);
        return false;
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size ? size : 1);
    bool ok = data && fread(data, 1, size, file) == size;
    fclose(file);
    if (ok)
        (void)LLVMFuzzerTestOneInput(data, size);
    else
        fprintf(stderr, "replay: cannot read %zu bytes of '%s'\n", size, path);
    free(data);
    return ok;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool replay_directory(const char *path, int *count)
{
    struct dirent **entries = NULL;
    int found = scandir(path, &entries, is_visible, alphasort);
    if (found < 0) {
        fprintf(stderr, "replay: cannot list '%s': %s\n", path, strerror(errno));
        return false;
    }
    bool ok = true;
    for (int i = 0; i < found; i++) {
        char name[4096];
        int length = snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        ok = length > 0 && (size_t)length < sizeof name && replay_file(name) && ok;
        free(entries[i]);
    }
    free(entries);
    *count += found;
    return ok;
}

int main(int argc, char **argv)
{
    bool ok = true;
    int count = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode)) {
            ok = replay_directory(argv[i], &count) && ok;
        } else {
            ok = replay_file(argv[i]) && ok;
            count++;
        }
    }
    printf("%d inputs replayed\n", count);
    if (count == 0)
        fprintf(stderr, "replay: no input was given\n");
    return ok && count > 0 ? 0 : 1;
}
