#include "jobs/fetch/fingerprint.h"

#include "base/hash.h"

Error *fingerprint(const FingerprintOf *of, char out[FINGERPRINT_BYTES])
{
    CLEANUP(buffer_done) Buffer text = {0};
    uint8_t digest[MD5_BYTES];
    TRY(buffer_append_str(&text, of->bucket));
    TRY(buffer_append_str(&text, of->prefix));
    TRY(buffer_append_str(&text, of->region));
    md5(buffer_bytes(&text), digest);
    hex_encode(digest, sizeof digest, out);
    return NULL;
}
