#include "jobs/timestamp/record.h"

#include "base/json_scan.h"
#include "jobs/timestamp/when.h"

enum { NAME_MAX_BYTES = 256, WHEN_MAX_BYTES = 64 };

#define IDENTIFIER STR("impresso_language_identifier_version")

static Record invalid(const char *problem, size_t at)
{
    return (Record){.outcome = RECORD_INVALID, .problem = problem, .problem_at = at};
}

static bool is_named(const JsonRaw *name, Str wanted)
{
    char text[NAME_MAX_BYTES];
    Str plain;
    return json_raw_string(name, text, sizeof text, &plain) && str_equal(plain, wanted);
}

/* The members that matter, the first true one counts; of FROM_TS it is only told that it is there. `there` is false for what did not occur. */
enum { FROM_TS_KEY, FROM_CDT, FROM_TIMESTAMP, FROM_IDENTIFIER, FROM_TS, SOURCES };
typedef struct Found {
    bool there;
    JsonRaw value;
} Found;

static void keep_member(const JsonRaw *name, const JsonRaw *value, Str ts_key, Found found[SOURCES])
{
    const Str names[SOURCES] = {ts_key, STR("cdt"), STR("timestamp"), IDENTIFIER, STR("ts")};
    for (size_t i = 0; i < SOURCES; i++)
        if (is_named(name, names[i]))
            found[i] = (Found){true, *value};
}

/* `ts` of the identifier's object. False when there is none, or it is false to Python; `ret_problem` when it is no object. */
static bool identifier_value(const Found *identifier, JsonRaw *ret_value, const char **ret_problem)
{
    JsonMembers members = {.text = identifier->value.text};
    JsonRaw name, value;
    bool there = false;
    if (!identifier->there)
        return false;
    if (identifier->value.kind != JSON_KIND_OBJECT) {
        *ret_problem = "impresso_language_identifier_version is not an object";
        return false;
    }
    while (json_members_next(&members, &name, &value)) {
        if (is_named(&name, STR("ts"))) {
            *ret_value = value;
            there = true;
        }
    }
    return there && !json_raw_is_falsy(ret_value);
}

static Record read_value(const JsonRaw *value)
{
    char text[WHEN_MAX_BYTES];
    Str plain;
    Record record = {.outcome = RECORD_FOUND};
    if (value->kind != JSON_KIND_STRING)
        return invalid("the time stamp is not a text", 0);
    if (!json_raw_string(value, text, sizeof text, &plain) || !when_parse(plain, &record.seconds))
        return invalid("the time stamp has none of the known forms", 0);
    return record;
}

static bool is_true(const Found *found)
{
    return found->there && !json_raw_is_falsy(&found->value);
}

Record record_read(Str line, Str ts_key)
{
    Found found[SOURCES] = {0};
    JsonMembers members = {.text = line};
    JsonRaw name, value;
    const char *problem = NULL;
    while (json_members_next(&members, &name, &value))
        keep_member(&name, &value, ts_key, found);
    if (members.problem)
        return invalid(members.problem, members.at);
    for (size_t i = 0; i < FROM_IDENTIFIER; i++)
        if (is_true(&found[i]))
            return read_value(&found[i].value);
    if (identifier_value(&found[FROM_IDENTIFIER], &value, &problem))
        return read_value(&value);
    return problem ? invalid(problem, 0) : (Record){.outcome = RECORD_WITHOUT, .has_ts = is_true(&found[FROM_TS])};
}
