#include "engine/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/time_text.h"
#include "engine/cause.h"

struct Report {
    char run[RUN_NAME_BYTES];
    const Clock *clock;
    bool lines; /* wanted by who watches */
    uint64_t counts[OUTCOMES], partial, bytes;
    ReportFailure failures[REPORT_FAILURES_MAX];
    size_t failure_count;
    ReportReason reasons[REPORT_REASONS_MAX + OUTCOMES]; /* the last are for those that found no room */
    size_t reason_count;
    ReportReason *last_reason; /* among them; NULL: none */
    Buffer last_message;       /* which led to it */
    bool redact_keys;
    char *path; /* NULL: no file */
    /* Written to until it takes the place of `path`. NULL: `path` itself is, which is a pipe or a device. */
    char *part_path;
    FILE *file;
    Buffer line;
    Error *write_error; /* the first */
};

void run_name(const Clock *clock, Random *random, char out[RUN_NAME_BYTES])
{
    char time[TIME_TEXT_BYTES], digits[9];
    time_basic(clock_wall_us(clock), time);
    random_hex(random, digits, sizeof digits - 1);
    snprintf(out, RUN_NAME_BYTES, "%.16s-%s", time, digits);
}

void event_open(JsonWriter *w, const char *type, const Clock *clock, Str run)
{
    char time[TIME_TEXT_BYTES];
    json_open_object(w);
    json_member(w, "type", str, str_of(type));
    json_member(w, "time", str, time_iso8601(clock_wall_us(clock), time));
    json_member(w, "run", str, run);
}

static const char *written_path(const Report *report)
{
    return report->part_path ? report->part_path : report->path;
}

Str report_path_view(const Report *report)
{
    return str_of(report->path);
}

/* A pipe, a terminal or a device is written to as it is: a rename would put a file in its place. */
static Error *open_file(Report *report, const char *path)
{
    struct stat about;
    bool direct = stat(path, &about) == 0 && !S_ISREG(about.st_mode);
    report->path = strdup(path);
    if (!direct && asprintf(&report->part_path, "%s.part", path) < 0)
        report->part_path = NULL;
    if (!report->path || (!direct && !report->part_path))
        return FAIL(NO_MEMORY, "out of memory");
    report->file = fopen(written_path(report), "we");
    if (report->file)
        return NULL;
    Error *error = FAIL_ERRNO("open the report file '%s'", written_path(report));
    ErrorCode code = error_code(error);
    if (code != ERR_NOT_FOUND && code != ERR_DENIED)
        return error;
    Error *wrong = FAIL(INVALID, "%s", error_message_view(error)); /* it is the name that is wrong */
    error_free(error);
    return wrong;
}

Error *report_new(const char *file_path, bool redact_keys, Report **ret_report)
{
    CLEANUP(report_freep) Report *report = calloc(1, sizeof *report);
    if (!report)
        return FAIL(NO_MEMORY, "out of memory");
    report->redact_keys = redact_keys;
    report->clock = clock_system();
    if (file_path)
        TRY(open_file(report, file_path));
    *ret_report = report;
    report = NULL;
    return NULL;
}

void report_begin(Report *report, Str run, const Clock *clock, bool lines)
{
    snprintf(report->run, sizeof report->run, STR_FMT, STR_ARG(run));
    if (clock)
        report->clock = clock;
    report->lines = lines;
}

const Clock *report_clock(const Report *report)
{
    return report->clock;
}

Str report_run_view(const Report *report)
{
    return str_of(report->run);
}

void report_free(Report *report)
{
    if (!report)
        return;
    if (report->file) {
        fclose(report->file); /* not published: whoever wanted it has called report_close */
        if (report->part_path)
            unlink(report->part_path);
    }
    for (size_t i = 0; i < report->failure_count; i++) {
        free(report->failures[i].key);
        error_free(report->failures[i].error);
    }
    for (size_t i = 0; i < report->reason_count; i++) {
        free(report->reasons[i].text);
        free(report->reasons[i].example);
    }
    buffer_done(&report->last_message);
    buffer_done(&report->line);
    error_free(report->write_error);
    free(report->part_path);
    free(report->path);
    free(report);
}

Error *report_append_key(Buffer *out, Str key, bool redact)
{
    if (redact)
        return buffer_append_format(out, "%016" PRIx64, xxh64(str_bytes(key)));
    for (size_t at = 0; at < key.len;) {
        size_t start = at;
        uint32_t c = str_next_code_point(key, &at);
        uint8_t byte = (uint8_t)key.data[start];
        bool control =
            c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
        bool broken = c == 0xfffd && at == start + 1;
        if (!control && !broken) {
            TRY(buffer_append(out, key.data + start, at - start));
            continue;
        }
        for (; start < at; start++) {
            byte = (uint8_t)key.data[start];
            TRY(buffer_append_format(out, "\\x%02x", byte));
        }
    }
    return NULL;
}

Error *report_append_text(Buffer *out, Str key, Str text, bool redact)
{
    CLEANUP(buffer_done) Buffer encoded = {0}, hash = {0};
    Str rest = text;
    if (!redact || key.len == 0)
        return buffer_append_str(out, rest);
    TRY(append_percent_encoded(&encoded, key));
    TRY(report_append_key(&hash, key, true));
    while (rest.len) {
        Str hidden = str_starts_with(rest, key)                    ? key
                     : str_starts_with(rest, buffer_str(&encoded)) ? buffer_str(&encoded)
                                                                   : STR_EMPTY;
        TRY(hidden.len ? buffer_append_str(out, buffer_str(&hash)) : buffer_append_byte(out, (uint8_t)rest.data[0]));
        rest = str_slice(rest, hidden.len ? hidden.len : 1, rest.len);
    }
    return NULL;
}

Error *report_append_reason(Buffer *out, Str key, const Error *error, bool redact)
{
    return report_append_text(out, key, str_of(error_message_view(error)), redact);
}

Error *report_hide_key(Error *take_error, Str key)
{
    CLEANUP(buffer_done) Buffer text = {0};
    CLEANUP(error_freep) Error *error = take_error;
    if (!error)
        return NULL;
    CLEANUP(error_freep) Error *without = report_append_reason(&text, key, error, true);
    const char *said = without ? NULL : buffer_cstr(&text);
    Error *hidden = error_new(error_code(error), error_file_view(error), error_line(error), "%s",
                              said ? said : "there is no memory left to say why");
    return error_offset(error) == ERROR_NO_OFFSET ? hidden : error_at(hidden, error_offset(error));
}

static Error *append_cause(const Report *report, const Item *item, Buffer *out)
{
    CLEANUP(buffer_done) Buffer said = {0}, hash = {0};
    TRY(report_append_reason(&said, item->key, item->error, report->redact_keys));
    if (report->redact_keys)
        TRY(report_append_key(&hash, item->key, true));
    return cause_append(out, report->redact_keys ? buffer_str(&hash) : item->key, buffer_str(&said));
}

static bool same_status(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The reason with this text, made when there is none yet; NULL when `reasons_max` are there already, or without memory. */
static ReportReason *find_reason(Report *report, const Item *item, const char *text, size_t reasons_max)
{
    CLEANUP(buffer_done) Buffer example = {0};
    for (size_t i = 0; i < report->reason_count; i++) {
        ReportReason *reason = &report->reasons[i];
        if (reason->outcome == item->outcome && same_status(reason->status, item->status)
            && strcmp(reason->text, text) == 0)
            return reason;
    }
    if (report->reason_count >= reasons_max)
        return NULL;
    Error *error = report_append_key(&example, item->key, report->redact_keys);
    const char *shown = error ? NULL : buffer_cstr(&example);
    char *text_copy = strdup(text), *example_copy = shown ? strdup(shown) : NULL;
    error_free(error);
    if (!text_copy || !example_copy) {
        free(text_copy);
        free(example_copy);
        return NULL;
    }
    ReportReason *reason = &report->reasons[report->reason_count++];
    *reason = (ReportReason){text_copy, example_copy, item->outcome, item->status, 0};
    return reason;
}

/* Most runs have one reason to skip, in the same words for every item. */
static bool is_said_again(const Report *report, const Item *item)
{
    return report->last_reason && report->last_reason->outcome == item->outcome
           && same_status(report->last_reason->status, item->status)
           && str_equal(buffer_str(&report->last_message), str_of(error_message_view(item->error)));
}

static void remember_reason(Report *report, const Item *item, ReportReason *reason)
{
    buffer_clear(&report->last_message);
    Error *error = buffer_append_str(&report->last_message, str_of(error_message_view(item->error)));
    report->last_reason = error ? NULL : reason;
    error_free(error); /* it is looked for again */
}

/* Without memory one is not counted here; the counts of outcomes add up all the same. */
static void count_reason(Report *report, const Item *item)
{
    if (is_said_again(report, item)) {
        report->last_reason->count++;
        return;
    }
    CLEANUP(buffer_done) Buffer cause = {0};
    Error *error = append_cause(report, item, &cause);
    const char *text = error ? NULL : buffer_cstr(&cause);
    error_free(error);
    if (!text || !*text)
        return;
    ReportReason *reason = find_reason(report, item, text, REPORT_REASONS_MAX);
    if (!reason)
        reason = find_reason(report, item, REPORT_OTHER_REASONS, REPORT_REASONS_MAX + OUTCOMES);
    if (!reason)
        return;
    reason->count++;
    remember_reason(report, item, reason);
}

static void keep_failure(Report *report, const Item *item)
{
    if (report->failure_count == REPORT_FAILURES_MAX)
        return;
    char *key = malloc(item->key.len + 1);
    if (!key)
        return;
    memcpy(key, item->key.data, item->key.len + 1);
    report->failures[report->failure_count++] =
        (ReportFailure){key, item->key.len, error_copy(item->error), item->outcome, item->status};
}

static Error *make_line(Report *report, const Item *item)
{
    CLEANUP(buffer_done) Buffer key = {0}, reason = {0}, details = {0};
    TRY(report_append_key(&key, item->key, report->redact_keys));
    JsonWriter w;
    buffer_clear(&report->line);
    json_begin(&w, &report->line, 0);
    event_open(&w, "document", report->clock, str_of(report->run));
    json_member(&w, "key", str, buffer_str(&key));
    json_member(&w, "outcome", str, str_of(item->partial ? "partial" : outcome_name(item->outcome)));
    if (item->status)
        json_member(&w, "status", str, str_of(item->status));
    json_member(&w, "bytes", uint, item->bytes_done);
    if (item->error) {
        if (item->outcome != OUTCOME_SKIPPED || error_code(item->error) != ERR_EXISTS)
            json_member(&w, "code", str, str_of(error_code_name(error_code(item->error))));
        TRY(report_append_reason(&reason, item->key, item->error, report->redact_keys));
        json_member(&w, "reason", str, buffer_str(&reason));
    }
    if (item->details) {
        TRY(report_append_text(&details, item->key, str_of(item->details), report->redact_keys));
        json_member(&w, "details", str, buffer_str(&details));
    }
    json_close_object(&w);
    return json_finish(&w);
}

static Error *write_line(const Report *report)
{
    const Buffer *line = &report->line;
    if (fwrite(line->data, 1, line->len, report->file) != line->len || fputc('\n', report->file) == EOF)
        return FAIL_ERRNO("write the report file '%s'", written_path(report));
    return NULL;
}

Str report_item(Report *report, const Item *item)
{
    report->counts[item->outcome]++;
    report->partial += item->partial;
    report->bytes += item->bytes_done;
    if (item->error && item->outcome != OUTCOME_CANCELLED)
        count_reason(report, item);
    if (item->outcome == OUTCOME_FAILED || item->partial)
        keep_failure(report, item);
    if (!report->lines && (!report->file || report->write_error))
        return STR_EMPTY;
    Error *error = make_line(report, item);
    if (!error && report->file && !report->write_error)
        error = write_line(report);
    if (!error)
        return buffer_str(&report->line);
    if (report->write_error)
        error_free(error); /* the first is the news */
    else
        report->write_error = error;
    return STR_EMPTY;
}

void report_count_skipped(Report *report, const char *reason, uint64_t count)
{
    Item item = {.key = STR_EMPTY, .outcome = OUTCOME_SKIPPED};
    if (count == 0)
        return;
    report->counts[OUTCOME_SKIPPED] += count;
    ReportReason *known = find_reason(report, &item, reason, REPORT_REASONS_MAX);
    if (known)
        known->count += count;
}

/* Of what is written to; a pipe or a device has nothing to sync. */
static Error *sync_file(const Report *report)
{
    if (fflush(report->file) != 0 || (report->part_path && fdatasync(fileno(report->file)) != 0))
        return FAIL_ERRNO("write the report file '%s'", written_path(report));
    return NULL;
}

Error *report_close(Report *report)
{
    if (!report->file) { /* a line that could not be made is missing all the same */
        Error *error = report->write_error;
        report->write_error = NULL;
        return error;
    }
    if (!report->write_error)
        report->write_error = sync_file(report);
    if (fclose(report->file) != 0 && !report->write_error)
        report->write_error = FAIL_ERRNO("write the report file '%s'", written_path(report));
    report->file = NULL;
    if (!report->write_error && report->part_path && rename(report->part_path, report->path) != 0)
        report->write_error = FAIL_ERRNO("publish the report file '%s'", report->path);
    if (report->write_error && report->part_path)
        unlink(report->part_path);
    Error *error = report->write_error;
    report->write_error = NULL;
    return error;
}

uint64_t report_count(const Report *report, Outcome outcome)
{
    return report->counts[outcome];
}

uint64_t report_partial_count(const Report *report)
{
    return report->partial;
}

uint64_t report_bytes(const Report *report)
{
    return report->bytes;
}

size_t report_failure_count(const Report *report)
{
    return report->failure_count;
}

const ReportFailure *report_failure_at(const Report *report, size_t index)
{
    return index < report->failure_count ? &report->failures[index] : NULL;
}

size_t report_reason_count(const Report *report)
{
    return report->reason_count;
}

const ReportReason *report_reason_at(const Report *report, size_t index)
{
    /* At most 68: the index-th by falling count, ties in order of appearance. */
    for (size_t i = 0; i < report->reason_count; i++) {
        size_t before = 0;
        for (size_t j = 0; j < report->reason_count; j++) {
            uint64_t mine = report->reasons[i].count, other = report->reasons[j].count;
            before += other > mine || (other == mine && j < i);
        }
        if (before == index)
            return &report->reasons[i];
    }
    return NULL;
}

void report_write_members(const Report *report, JsonWriter *w)
{
    json_member(w, "done", uint, report->counts[OUTCOME_DONE]);
    json_member(w, "partial", uint, report->partial);
    json_member(w, "skipped", uint, report->counts[OUTCOME_SKIPPED]);
    json_member(w, "failed", uint, report->counts[OUTCOME_FAILED]);
    json_member(w, "cancelled", uint, report->counts[OUTCOME_CANCELLED]);
    json_member(w, "bytes", uint, report->bytes);
    json_put_key(w, STR("reasons"));
    json_open_array(w);
    const ReportReason *reason;
    for (size_t i = 0; (reason = report_reason_at(report, i)); i++) {
        json_open_object(w);
        json_member(w, "outcome", str, str_of(outcome_name(reason->outcome)));
        if (reason->status)
            json_member(w, "status", str, str_of(reason->status));
        json_member(w, "reason", str, str_of(reason->text));
        json_member(w, "count", uint, reason->count);
        json_member(w, "example", str, str_of(reason->example));
        json_close_object(w);
    }
    json_close_array(w);
}
