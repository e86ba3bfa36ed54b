/* What a run tells those who watch it: the hooks of a control, and the objects of --json. */
#include "api/internal.h"

#include "base/fiber.h"
#include "engine/report.h"

enum { PROGRESS_EVERY_US = 1000000 };

/* Around every hook. It may call the library, so a fiber is held: what waits in it must not let another fiber of the thread, whose lock this is
 * already, in as well. */
static void hooks_begin(QuernControl *control)
{
    fiber_hold();
    pthread_mutex_lock(&control->one_at_a_time);
}

static void hooks_end(QuernControl *control)
{
    pthread_mutex_unlock(&control->one_at_a_time);
    fiber_release();
}

/* Without memory one object is missing. */
static void pass_event(QuernControl *control, JsonWriter *w, Buffer *line)
{
    json_close_object(w);
    Error *error = json_finish(w);
    if (!error && buffer_cstr(line))
        control->on_event(control->event_user, buffer_cstr(line));
    error_free(error);
}

static void open_event(const QuernControl *control, JsonWriter *w, Buffer *line, const char *type)
{
    json_begin(w, line, 0);
    event_open(w, type, clock_system(), str_of(control->run));
}

static bool is_time_for_progress(QuernControl *control, const Progress *progress)
{
    int64_t now_us = clock_monotonic_us(clock_system());
    bool last = progress->items_total && progress->items_ended == progress->items_total;
    if (!last && control->progress_said_us && now_us - control->progress_said_us < PROGRESS_EVERY_US)
        return false;
    control->progress_said_us = now_us;
    return true;
}

static void progress_event(QuernControl *control, const Progress *progress)
{
    CLEANUP(buffer_done) Buffer line = {0};
    JsonWriter w;
    if (!is_time_for_progress(control, progress))
        return;
    open_event(control, &w, &line, "progress");
    if (progress->items_total)
        json_member(&w, "items_total", uint, progress->items_total);
    json_member(&w, "items_ended", uint, progress->items_ended);
    json_member(&w, "items_skipped", uint, progress->items_skipped);
    json_member(&w, "items_failed", uint, progress->items_failed);
    json_member(&w, "bytes", uint, progress->bytes);
    if (progress->bytes_total)
        json_member(&w, "bytes_total", uint, progress->bytes_total);
    pass_event(control, &w, &line);
}

static void pass_progress(void *context, const Progress *progress)
{
    QuernControl *control = context;
    QuernProgress shown = {progress->items_total, progress->items_ended,   progress->items_failed,
                           progress->bytes,       progress->items_skipped, progress->bytes_total};
    hooks_begin(control);
    if (control->on_progress)
        control->on_progress(control->progress_user, &shown);
    if (control->on_event)
        progress_event(control, progress);
    hooks_end(control);
}

/* The item as a log may show it; without memory it shows nothing. */
typedef struct Redacted {
    Buffer key, reason, details;
} Redacted;

static void redacted_done(Redacted *redacted)
{
    buffer_done(&redacted->key);
    buffer_done(&redacted->reason);
    buffer_done(&redacted->details);
}

static const char *text_of(const Error *error, Buffer *text)
{
    return !error && buffer_cstr(text) ? buffer_cstr(text) : "";
}

static void redact(const Item *item, QuernItem *shown, Redacted *redacted)
{
    Error *error = report_append_key(&redacted->key, item->key, true);
    if (!error)
        error = report_append_reason(&redacted->reason, item->key, item->error, true);
    if (!error)
        error = report_append_text(&redacted->details, item->key, str_of(shown->details), true);
    shown->key = text_of(error, &redacted->key);
    shown->reason = text_of(error, &redacted->reason);
    shown->details = text_of(error, &redacted->details);
    error_free(error);
}

static void call_on_item(QuernControl *control, const Item *item)
{
    CLEANUP(redacted_done) Redacted redacted = {0};
    QuernItem shown = {item->key.data,
                       error_message_view(item->error),
                       (QuernOutcome)item->outcome,
                       (QuernCode)error_code(item->error),
                       item->partial,
                       item->status ? item->status : "",
                       item->details ? item->details : ""};
    if (control->redact_keys)
        redact(item, &shown, &redacted);
    control->on_item(control->item_user, &shown);
}

static void call_on_event(const QuernControl *control, Str line)
{
    CLEANUP(buffer_done) Buffer text = {0};
    Error *error = buffer_append_str(&text, line);
    if (!error && line.len && buffer_cstr(&text))
        control->on_event(control->event_user, buffer_cstr(&text));
    error_free(error); /* without memory one line is missing */
}

static void pass_item(void *context, const Item *item, Str line)
{
    QuernControl *control = context;
    hooks_begin(control);
    if (control->on_item)
        call_on_item(control, item);
    if (control->on_event)
        call_on_event(control, line);
    hooks_end(control);
}

static void pass_planned(void *context, const PlanTotal *total)
{
    QuernControl *control = context;
    CLEANUP(buffer_done) Buffer line = {0};
    JsonWriter w;
    hooks_begin(control);
    open_event(control, &w, &line, "plan");
    json_member(&w, "command", str, config_command_name(control->config));
    if (total->source.len)
        json_member(&w, "source", str, total->source);
    if (total->target.len)
        json_member(&w, "target", str, total->target);
    json_member(&w, "items", uint, total->items);
    json_member(&w, "bytes", uint, total->bytes);
    json_put_key(&w, STR("options"));
    config_put_chosen(control->config, &w);
    pass_event(control, &w, &line);
    hooks_end(control);
}

EngineWatch control_watch(QuernControl *control)
{
    if (!control)
        return (EngineWatch){0};
    return (EngineWatch){
        .progress = control->on_progress || control->on_event ? pass_progress : NULL,
        .item = control->on_item || control->on_event ? pass_item : NULL,
        .planned = control->on_event ? pass_planned : NULL,
        .context = control,
        .lines = control->on_event != NULL,
    };
}

void control_pass_line(void *context, const char *line, bool logged)
{
    QuernControl *control = context;
    hooks_begin(control);
    control->on_line(control->line_user, line, logged);
    hooks_end(control);
}

/* ---- the hooks ---- */

static void log_event(QuernControl *control, LogLevel level, const char *message)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    CLEANUP(buffer_done) Buffer line = {0};
    JsonWriter w;
    open_event(control, &w, &line, names[level]);
    json_member(&w, "message", str, str_of(message));
    pass_event(control, &w, &line);
}

static void pass_log(void *context, LogLevel level, const char *message)
{
    QuernControl *control = context;
    hooks_begin(control);
    if (control->on_log && level >= control->log_least)
        control->on_log(control->log_user, (QuernLogLevel)level, message);
    if (control->on_event && level >= control->event_least)
        log_event(control, level, message);
    hooks_end(control);
}

/* One log for both hooks, of the lower level; without memory: silence. */
static void renew_log(QuernControl *control)
{
    LogLevel least = control->on_log ? control->log_least : control->event_least;
    if (control->on_event)
        least = MIN(least, control->event_least);
    log_free(control->log);
    control->log = control->on_log || control->on_event ? log_new(least, pass_log, control) : NULL;
}

void quern_control_on_log(QuernControl *control, QuernLogLevel least,
                          void (*log)(void *user, QuernLogLevel level, const char *message), void *user)
{
    control->on_log = log;
    control->log_user = user;
    control->log_least = (LogLevel)least;
    renew_log(control);
}

void quern_control_on_event(QuernControl *control, QuernLogLevel least, void (*event)(void *user, const char *json),
                            void *user)
{
    control->on_event = event;
    control->event_user = user;
    control->event_least = (LogLevel)least;
    renew_log(control);
}

void quern_control_on_progress(QuernControl *control, void (*progress)(void *user, const QuernProgress *progress),
                               void *user)
{
    control->on_progress = progress;
    control->progress_user = user;
}

void quern_control_on_line(QuernControl *control, void (*line)(void *user, const char *line, int logged), void *user)
{
    control->on_line = line;
    control->line_user = user;
}

void quern_control_on_item(QuernControl *control, void (*ended)(void *user, const QuernItem *item), void *user)
{
    control->on_item = ended;
    control->item_user = user;
}
