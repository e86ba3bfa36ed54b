#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/program.h"

/* One unfinished upload that is to be aborted. */
typedef struct Left {
    char *url, *upload_id;
    QuernUpload upload; /* its texts are the library's and gone by now; counts and times stay */
} Left;

typedef struct Uploads {
    Program *program;
    const char *place;
    QuernClient *client;
    Left *left;
    size_t count, capacity;
    uint64_t parts, bytes;
} Uploads;

static void uploads_done(Uploads *uploads)
{
    for (size_t i = 0; i < uploads->count; i++) {
        free(uploads->left[i].url);
        free(uploads->left[i].upload_id);
    }
    free(uploads->left);
    quern_client_free(uploads->client);
}

static void print_when(int64_t started_us)
{
    char text[32];
    time_t seconds = (time_t)(started_us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    fputs(text, stdout);
}

/* `outcome` NULL: it is only shown. */
static void print_json(const Program *program, const QuernUpload *upload, const char *key_or_url, const char *upload_id,
                       const char *outcome)
{
    print_event_head(stdout, "upload", quern_control_run_view(program->control));
    printf(", \"%s\": ", outcome ? "url" : "key");
    print_json_string(stdout, key_or_url);
    fputs(", \"upload_id\": ", stdout);
    print_json_string(stdout, upload_id);
    fputs(", \"started\": \"", stdout);
    print_when(upload->started_us);
    printf("\", \"parts\": %" PRIu64 ", \"size_bytes\": %" PRIu64, upload->parts, upload->size_bytes);
    if (outcome)
        printf(", \"outcome\": \"%s\"", outcome);
    puts("}");
}

static void print_upload(const Uploads *uploads, const QuernUpload *upload)
{
    if (uploads->program->terminal.json) {
        print_json(uploads->program, upload, upload->key, upload->upload_id, NULL);
        return;
    }
    print_when(upload->started_us);
    printf("  %5" PRIu64 " parts  %12" PRIu64 "  ", upload->parts, upload->size_bytes);
    print_safe(stdout, upload->upload_id);
    fputs("  ", stdout);
    print_safe(stdout, upload->key);
    putchar('\n');
}

/* "s3://bucket/" of the place, and the key behind it. */
static char *object_url(const char *place, const char *key)
{
    const char *scheme = strstr(place, "://");
    size_t bucket = scheme ? (size_t)(scheme + 3 - place) + strcspn(scheme + 3, "/") : 0;
    char *url = NULL;
    return asprintf(&url, "%.*s/%s", (int)bucket, place, key) < 0 ? NULL : url;
}

static QuernError *keep(Uploads *uploads, const QuernUpload *upload)
{
    if (uploads->count == uploads->capacity) {
        size_t capacity = uploads->capacity ? 2 * uploads->capacity : 64;
        Left *grown = reallocarray(uploads->left, capacity, sizeof *grown);
        if (!grown)
            return quern_error_new(QUERN_NO_MEMORY, "out of memory");
        uploads->left = grown;
        uploads->capacity = capacity;
    }
    Left *left = &uploads->left[uploads->count++];
    *left = (Left){object_url(uploads->place, upload->key), strdup(upload->upload_id), *upload};
    return left->url && left->upload_id ? NULL : quern_error_new(QUERN_NO_MEMORY, "out of memory");
}

static QuernError *find(Uploads *uploads, QuernError *(*take)(Uploads *uploads, const QuernUpload *upload))
{
    Program *program = uploads->program;
    QuernUploads *found = NULL;
    const QuernUpload *upload = NULL;
    QuernError *e = quern_client_new(program->options, &uploads->client);
    if (!e)
        e = quern_client_list_uploads(uploads->client, uploads->place, program->options, program->control, &found);
    while (!e && !(e = quern_uploads_next(found, &upload)) && upload) {
        uploads->parts += upload->parts;
        uploads->bytes += upload->size_bytes;
        e = take(uploads, upload);
    }
    quern_uploads_free(found);
    return e;
}

static int begin(Program *program, const char *command, Uploads *uploads)
{
    *uploads = (Uploads){.program = program};
    if (program->arguments.count != 1)
        return program_fail(program, quern_error_new(QUERN_INVALID, "%s takes one place: s3://bucket/prefix", command));
    uploads->place = program->arguments.values[0];
    return 0;
}

/* Only those are shown that --older lets through. */
static const char *age_hint(const Uploads *uploads)
{
    return uploads->count ? "" : " (of those that are as old as --older says: 24h unless it is given; 0 takes all)";
}

/* ---- list ---- */

static QuernError *show(Uploads *uploads, const QuernUpload *upload)
{
    print_upload(uploads, upload);
    uploads->count++;
    return NULL;
}

int command_uploads_list(Program *program)
{
    Uploads uploads;
    int status = begin(program, "uploads list", &uploads);
    if (status)
        return status;
    QuernError *e = find(&uploads, show);
    if (!e && program->terminal.json) {
        print_event_head(stdout, "summary", quern_control_run_view(program->control));
        printf(", \"command\": \"uploads list\", \"status\": \"ok\", \"uploads\": %zu, \"parts\": %" PRIu64
               ", \"bytes\": %" PRIu64 "}\n",
               uploads.count, uploads.parts, uploads.bytes);
    } else if (!e && !program->terminal.quiet) {
        fprintf(program->terminal.talk, "unfinished uploads: %zu, parts: %" PRIu64 ", bytes: %" PRIu64 "%s\n",
                uploads.count, uploads.parts, uploads.bytes, age_hint(&uploads));
    }
    uploads.count = 0; /* they were only shown */
    uploads_done(&uploads);
    return program_flush(program, program_fail(program, e));
}

/* ---- abort ---- */

/* The plan is said, then somebody must agree. */
static QuernError *agree(const Uploads *uploads, bool *ret_agreed)
{
    FILE *talk = uploads->program->terminal.talk;
    char answer[16];
    fprintf(talk, "unfinished uploads below '%s': %zu, parts: %" PRIu64 ", bytes: %" PRIu64 "%s\n", uploads->place,
            uploads->count, uploads->parts, uploads->bytes, age_hint(uploads));
    *ret_agreed = program_flag(uploads->program, "yes") || uploads->count == 0;
    if (*ret_agreed)
        return NULL;
    if (!isatty(STDIN_FILENO))
        return quern_error_new(QUERN_INVALID, "nobody can be asked whether to abort them (%zu): say --yes",
                               uploads->count);
    fputs("abort them? [y/N] ", talk);
    fflush(talk);
    *ret_agreed = fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
    return NULL;
}

static size_t abort_all(Uploads *uploads)
{
    Program *program = uploads->program;
    size_t aborted = 0;
    for (size_t i = 0; i < uploads->count && !quern_control_cancelled(program->control); i++) {
        const Left *left = &uploads->left[i];
        QuernError *e = quern_client_abort_upload(uploads->client, left->url, left->upload_id, program->control);
        aborted += !e;
        if (program->terminal.json)
            print_json(program, &left->upload, left->url, left->upload_id, e ? "failed" : "done");
        if (e)
            terminal_log(&program->terminal, QUERN_LOG_ERROR, quern_error_message(e));
        quern_error_free(e); /* the others may still be aborted; the exit status tells */
    }
    return aborted;
}

static int say_aborted(const Uploads *uploads, size_t aborted)
{
    const Program *program = uploads->program;
    int status = aborted == uploads->count ? 0 : 1;
    if (program->terminal.json) {
        print_event_head(stdout, "summary", quern_control_run_view(program->control));
        printf(
            ", \"command\": \"uploads abort\", \"status\": \"%s\", \"exit_status\": %d, \"done\": %zu, \"failed\": %zu, \"bytes\": %" PRIu64
            "}\n",
            status ? "finished with failures" : "ok", status, aborted, uploads->count - aborted, uploads->bytes);
    } else if (!program->terminal.quiet) {
        fprintf(program->terminal.talk, "aborted: %zu, failed: %zu\n", aborted, uploads->count - aborted);
    }
    return status;
}

int command_uploads_abort(Program *program)
{
    Uploads uploads;
    bool agreed = false;
    int status = begin(program, "uploads abort", &uploads);
    if (status)
        return status;
    QuernError *e = find(&uploads, keep);
    if (!e)
        e = agree(&uploads, &agreed);
    if (!e && agreed)
        status = say_aborted(&uploads, abort_all(&uploads));
    if (!e && quern_control_cancelled(program->control))
        e = quern_error_new(QUERN_CANCELLED,
                            "interrupted: the uploads that are left can be aborted by the same command");
    uploads_done(&uploads);
    return program_flush(program, e ? program_fail(program, e) : status);
}
