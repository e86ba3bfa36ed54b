/* manifest_name.h - what the key of a data manifest says: "langident/langident_v1-4-4/langident_v0-0-1.json" is version v0.0.1 of stage
 * langident in that partition. Source: spec/impresso.md 7. */
#ifndef JOBS_MANIFEST_MANIFEST_NAME_H
#define JOBS_MANIFEST_MANIFEST_NAME_H

#include "base/str.h"

enum { MANIFEST_VERSION_PARTS = 3, MANIFEST_VERSION_BYTES = 40 };

typedef struct ManifestVersion {
    uint32_t parts[MANIFEST_VERSION_PARTS]; /* major, minor, patch; each at most 999,999 */
} ManifestVersion;

typedef struct ManifestName {
    Str partition; /* in the key, without the slash; "" at the root of a bucket */
    Str stage;
    ManifestVersion version;
} ManifestName;

/* "v1.2.3" as it stands inside, "v1-2-3" as in names. False for anything else. */
bool manifest_version_parse(Str text, ManifestVersion *ret_version);
/* "v1.2.3". */
Str manifest_version_text(const ManifestVersion *version, char out[MANIFEST_VERSION_BYTES]);
/* Below, equal to, above zero. As impresso orders them: a part counts 100 times the next one, so that v0.0.100 equals v0.1.0. */
int manifest_version_compare(const ManifestVersion *a, const ManifestVersion *b);

/* One of impresso's stages, "canonical" to "mysql-ingestion". */
bool manifest_stage_is_known(Str stage);
/* False for a key that is not of this form, or of a stage that impresso does not have: such an object is no data manifest. */
bool manifest_name_parse(Str key, ManifestName *ret_name);

#endif
