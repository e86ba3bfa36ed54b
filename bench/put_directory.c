/* put_directory.c - every file of a directory to a bucket through the public library, by THREADS threads that share a client.
 *
 *   put_directory DIRECTORY URL THREADS          URL s3://bucket/prefix/; endpoint and credentials from the environment */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <quern/quern.h>

enum { THREADS_MAX = 256 };

typedef struct Puts {
    QuernClient *client;
    const char *url;
    int directory;
    char **names;
    size_t count;
    _Atomic size_t next;
    _Atomic(QuernError *) first_error;
} Puts;

static QuernError *read_file(int directory, const char *name, void **ret_data, size_t *ret_bytes)
{
    struct stat status;
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &status) != 0)
        return quern_error_new(QUERN_NOT_FOUND, "cannot open '%s': %s", name, strerror(errno));
    size_t size_bytes = (size_t)status.st_size;
    void *data = malloc(size_bytes + 1);
    ssize_t n = data ? read(fd, data, size_bytes) : -1;
    close(fd);
    if (n != (ssize_t)size_bytes) {
        free(data);
        return quern_error_new(QUERN_CORRUPT, "cannot read the %zu bytes of '%s'", size_bytes, name);
    }
    *ret_data = data;
    *ret_bytes = size_bytes;
    return NULL;
}

static QuernError *put(const Puts *puts, const char *name)
{
    char *url = NULL;
    void *data = NULL;
    size_t size_bytes = 0;

    if (asprintf(&url, "%s%s", puts->url, name) < 0)
        return quern_error_new(QUERN_NO_MEMORY, "no memory for a URL");
    QuernError *error = read_file(puts->directory, name, &data, &size_bytes);
    if (!error)
        error = quern_client_put(puts->client, url, (QuernBytes){data, size_bytes}, NULL, QUERN_PUT_REPLACE, NULL);
    free(data);
    free(url);
    return error;
}

/* Ends at the first error of any thread. */
static void *put_many(void *context)
{
    Puts *puts = context;

    for (size_t i; !atomic_load(&puts->first_error) && (i = atomic_fetch_add(&puts->next, 1)) < puts->count;) {
        QuernError *none = NULL, *error = put(puts, puts->names[i]);
        if (error && !atomic_compare_exchange_strong(&puts->first_error, &none, error))
            quern_error_free(error);
    }
    return NULL;
}

static QuernError *put_all(Puts *puts, size_t threads)
{
    pthread_t started[THREADS_MAX];
    size_t count = 0;

    while (count < threads && pthread_create(&started[count], NULL, put_many, puts) == 0)
        count++;
    for (size_t i = 0; i < count; i++)
        pthread_join(started[i], NULL);
    if (count == 0)
        return quern_error_new(QUERN_NO_MEMORY, "no thread could be started");
    return atomic_load(&puts->first_error);
}

static QuernError *add_name(Puts *puts, const char *name)
{
    char **grown = realloc(puts->names, (puts->count + 1) * sizeof *grown);

    if (grown)
        puts->names = grown;
    if (!grown || !(grown[puts->count] = strdup(name)))
        return quern_error_new(QUERN_NO_MEMORY, "no memory for %zu names", puts->count + 1);
    puts->count++;
    return NULL;
}

static QuernError *list_names(const char *directory, Puts *puts)
{
    DIR *entries = opendir(directory);
    QuernError *error = NULL;

    if (!entries)
        return quern_error_new(QUERN_NOT_FOUND, "cannot open '%s': %s", directory, strerror(errno));
    for (const struct dirent *entry; !error && (entry = readdir(entries));)
        if (entry->d_name[0] != '.')
            error = add_name(puts, entry->d_name);
    puts->directory = dup(dirfd(entries));
    closedir(entries);
    return error;
}

static QuernError *new_client(QuernClient **ret_client)
{
    QuernOptions *options = quern_options_new();

    quern_options_load(options, NULL);
    QuernError *error = quern_client_new(options, ret_client);
    quern_options_free(options);
    return error;
}

int main(int argc, char **argv)
{
    size_t threads = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    if (threads == 0 || threads > THREADS_MAX) {
        fprintf(stderr, "usage: put_directory DIRECTORY URL THREADS\n");
        return 2;
    }
    Puts puts = {.url = argv[2], .directory = -1};
    QuernError *error = list_names(argv[1], &puts);
    if (!error)
        error = new_client(&puts.client);
    if (!error)
        error = put_all(&puts, threads);
    if (error)
        fprintf(stderr, "put_directory: %s\n", quern_error_message(error));
    int status = quern_exit_status(error, NULL);
    quern_error_free(error);
    quern_client_free(puts.client);
    for (size_t i = 0; i < puts.count; i++)
        free(puts.names[i]);
    free(puts.names);
    close(puts.directory);
    return status;
}
