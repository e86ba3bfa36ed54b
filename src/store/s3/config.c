#include "store/s3/config.h"

#include <errno.h>
#include <unistd.h>

#include "store/s3/profile.h"

enum { ATTEMPTS_LIMIT = 1000, LEGACY_ATTEMPTS = 5, STANDARD_ATTEMPTS = 3, CONCURRENT_LIMIT = 10000 };

static const char default_region[] = "us-east-1";

/* ---- where ---- */

static Str find_endpoint(const StoreOptions *options, const S3Profiles *profiles)
{
    Str configured = first_of(options->endpoint_url, service_endpoint(profiles, "S3", "s3"));
    return first_of(configured, options->endpoint_default);
}

static Str find_region(const StoreOptions *options, const S3Profiles *profiles)
{
    Str region =
        first_of(profiles_environment(profiles, "AWS_REGION"), profiles_environment(profiles, "AWS_DEFAULT_REGION"));
    return first_of(first_of(options->region, region), profile_config(profiles, profiles->name, STR_EMPTY, "region"));
}

static Str s3_block(const S3Profiles *profiles, const char *key)
{
    return profile_config(profiles, profiles->name, STR("s3"), key);
}

MUST_USE static Error *find_addressing(const StoreOptions *options, const S3Profiles *profiles,
                                       StoreAddressing *ret_addressing)
{
    Str text = s3_block(profiles, "addressing_style");
    *ret_addressing = options->addressing;
    if (*ret_addressing != STORE_ADDRESSING_AUTO || text.len == 0 || str_equal(text, STR("auto")))
        return NULL;
    if (str_equal(text, STR("path")))
        *ret_addressing = STORE_ADDRESSING_PATH;
    else if (str_equal(text, STR("virtual")))
        *ret_addressing = STORE_ADDRESSING_VIRTUAL;
    else
        return FAIL(INVALID, "'" STR_FMT "': addressing_style is 'auto', 'path' or 'virtual', not '" STR_FMT "'",
                    STR_ARG(profiles->config.path), STR_ARG(text));
    return NULL;
}

static void find_hosts(const S3Profiles *profiles, S3Config *config)
{
    Str dualstack = setting_get(profiles, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
    Str fips = setting_get(profiles, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
    config->dualstack = setting_is_true(first_of(dualstack, s3_block(profiles, "use_dualstack_endpoint")));
    config->fips = setting_is_true(fips);
    config->accelerate = setting_is_true(s3_block(profiles, "use_accelerate_endpoint"));
}

/* ---- how ---- */

/* One that cannot be read would else show as a certificate nobody trusts. */
MUST_USE static Error *find_ca_file(const StoreOptions *options, const S3Profiles *profiles, Arena *arena,
                                    Str *ret_file)
{
    const struct {
        Str file;
        const char *who;
    } places[] = {
        {options->ca_file, "the option --ca-bundle"},
        {profiles_environment(profiles, "AWS_CA_BUNDLE"), "AWS_CA_BUNDLE"},
        {profile_config(profiles, profiles->name, STR_EMPTY, "ca_bundle"), "ca_bundle of the profile"},
        {profiles_environment(profiles, "CURL_CA_BUNDLE"), "CURL_CA_BUNDLE"},
        {profiles_environment(profiles, "SSL_CERT_FILE"), "SSL_CERT_FILE"},
    };
    *ret_file = STR_EMPTY;
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        if (places[i].file.len == 0)
            continue;
        *ret_file = arena_str(arena, places[i].file);
        if (!ret_file->data)
            return arena_error(arena);
        if (access(ret_file->data, R_OK) != 0)
            return FAIL(INVALID, "the CA file '" STR_FMT "', which %s names, cannot be read: %s",
                        STR_ARG(places[i].file), places[i].who, strerror(errno));
        return NULL;
    }
    return NULL;
}

/* retry_mode says how many attempts when nobody gives a number; how to wait between them is ours in every mode. */
MUST_USE static Error *find_attempts(const StoreOptions *options, const S3Profiles *profiles, unsigned *ret_attempts)
{
    Str text = setting_get(profiles, "AWS_MAX_ATTEMPTS", "max_attempts");
    Str mode = setting_get(profiles, "AWS_RETRY_MODE", "retry_mode");
    uint64_t number = 0;

    *ret_attempts = options->attempts_max;
    if (str_equal(mode, STR("legacy")))
        number = LEGACY_ATTEMPTS;
    else if (str_equal(mode, STR("standard")) || str_equal(mode, STR("adaptive")))
        number = STANDARD_ATTEMPTS;
    else if (mode.len > 0)
        return FAIL(INVALID,
                    "AWS_RETRY_MODE (or retry_mode of the profile) is 'legacy', 'standard' or 'adaptive', not '" STR_FMT
                    "'",
                    STR_ARG(mode));
    if (text.len > 0 && (!str_to_u64(text, &number) || number == 0 || number > ATTEMPTS_LIMIT))
        return FAIL(INVALID,
                    "AWS_MAX_ATTEMPTS (or max_attempts of the profile) is a number from 1 to %d, not '" STR_FMT "'",
                    ATTEMPTS_LIMIT, STR_ARG(text));
    if (*ret_attempts == 0)
        *ret_attempts = (unsigned)number;
    return NULL;
}

MUST_USE static Error *find_checksum(const S3Profiles *profiles, const char *variable, const char *key,
                                     ChecksumWish *ret_wish)
{
    Str text = setting_get(profiles, variable, key);
    *ret_wish = str_equal_nocase(text, STR("when_required")) ? CHECKSUM_WHEN_REQUIRED : CHECKSUM_WHEN_SUPPORTED;
    if (text.len == 0 || *ret_wish == CHECKSUM_WHEN_REQUIRED || str_equal_nocase(text, STR("when_supported")))
        return NULL;
    return FAIL(INVALID, "%s (or %s of the profile) is 'when_supported' or 'when_required', not '" STR_FMT "'",
                variable, key, STR_ARG(text));
}

MUST_USE static Error *choose_checksum(Str name, ChecksumKind *ret_kind)
{
    static const ChecksumKind kinds[] = {CHECKSUM_CRC64NVME, CHECKSUM_CRC32, CHECKSUM_CRC32C, CHECKSUM_SHA256};
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (str_equal_nocase(name, str_of(checksum_name(kinds[i])))) {
            *ret_kind = kinds[i];
            return NULL;
        }
    }
    if (name.len == 0)
        return NULL;
    return FAIL(INVALID, "checksums of what is written are CRC64NVME, CRC32, CRC32C or SHA256, not '" STR_FMT "'",
                STR_ARG(name));
}

/* "8MB", "1.5GiB" is not one of theirs: a whole number and a unit, which counts in 1024s whatever its case; "/s" may follow a rate. */
static bool parse_amount(Str text, uint64_t *ret_bytes)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = {{"", 0}, {"B", 0}, {"KB", 10}, {"KiB", 10}, {"MB", 20}, {"MiB", 20}, {"GB", 30}, {"GiB", 30}};
    size_t digits = 0;
    uint64_t number;
    if (str_ends_with(text, STR("/s")))
        text = str_slice(text, 0, text.len - 2);
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    Str unit = str_trim(str_slice(text, digits, text.len));
    if (!str_to_u64(str_slice(text, 0, digits), &number) || number == 0)
        return false;
    for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
        if (str_equal_nocase(unit, str_of(units[i].unit)) && number <= UINT64_MAX >> units[i].shift) {
            *ret_bytes = number << units[i].shift;
            return true;
        }
    }
    return false;
}

MUST_USE static Error *find_hint(const S3Profiles *profiles, const char *key, uint64_t limit, uint64_t *ret_value)
{
    Str text = s3_block(profiles, key);
    if (text.len == 0 || (parse_amount(text, ret_value) && *ret_value <= limit))
        return NULL;
    return FAIL(INVALID, "'" STR_FMT "': %s is an amount such as 10 or 8MB, not '" STR_FMT "'",
                STR_ARG(profiles->config.path), key, STR_ARG(text));
}

MUST_USE static Error *find_hints(const S3Profiles *profiles, S3Config *config)
{
    uint64_t concurrent = 0;
    TRY(find_hint(profiles, "max_concurrent_requests", CONCURRENT_LIMIT, &concurrent));
    config->concurrent_requests_max = (unsigned)concurrent;
    TRY(find_hint(profiles, "multipart_threshold", UINT64_MAX, &config->multipart_threshold_bytes));
    TRY(find_hint(profiles, "multipart_chunksize", UINT64_MAX, &config->multipart_part_bytes));
    return find_hint(profiles, "max_bandwidth", UINT64_MAX, &config->bandwidth_max_bytes_s);
}

MUST_USE static Error *keep(Arena *arena, Str text, Str *ret_text)
{
    *ret_text = arena_str(arena, text);
    return ret_text->data ? NULL : arena_error(arena);
}

Error *s3_config_load(const StoreOptions *options, Arena *arena, S3Config *ret_config)
{
    CLEANUP(s3_profiles_done) S3Profiles profiles = {0};
    S3Config config = {0};

    TRY(s3_profiles_load(options, arena, &profiles));
    Str region = find_region(options, &profiles);
    config.region_chosen = region.len > 0;
    TRY(keep(arena, config.region_chosen ? region : str_of(default_region), &config.region));
    TRY(keep(arena, find_endpoint(options, &profiles), &config.endpoint_url));
    TRY(find_ca_file(options, &profiles, arena, &config.ca_file));
    TRY(find_addressing(options, &profiles, &config.addressing));
    find_hosts(&profiles, &config);
    TRY(find_attempts(options, &profiles, &config.attempts_max));
    TRY(find_checksum(&profiles, "AWS_REQUEST_CHECKSUM_CALCULATION", "request_checksum_calculation",
                      &config.request_checksum));
    TRY(find_checksum(&profiles, "AWS_RESPONSE_CHECKSUM_VALIDATION", "response_checksum_validation",
                      &config.response_checksum));
    TRY(choose_checksum(options->checksum_algorithm, &config.checksum_chosen));
    TRY(find_hints(&profiles, &config));
    *ret_config = config;
    return NULL;
}
