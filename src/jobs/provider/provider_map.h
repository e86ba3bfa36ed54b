/* provider_map.h - which institution delivers a media title: impresso's table of providers and their aliases.
 *
 * Read from JSON, {"providers": [{"provider": "BNL", "aliases": ["actionfem", ...], "disabled_aliases": [...]}, ...]}; the table of 2026-04-23 is
 * built in. Names are compared byte by byte. Constant once made: any thread. Source: spec/impresso.md 4.4. */
#ifndef JOBS_PROVIDER_PROVIDER_MAP_H
#define JOBS_PROVIDER_PROVIDER_MAP_H

#include "base/error.h"
#include "base/str.h"

typedef struct ProviderMap ProviderMap;

/* Errors: INVALID (not of that form, an alias of two providers), NO_MEMORY. */
MUST_USE Error *provider_map_new(Bytes json, ProviderMap **ret_map);
/* The table that is built in. */
MUST_USE Error *provider_map_new_default(ProviderMap **ret_map);
/* The table in the file at `path`; "": the one that is built in. Errors: INVALID (no such file too), NO_MEMORY. */
MUST_USE Error *provider_map_open(const char *path, ProviderMap **ret_map);
void provider_map_free(ProviderMap *map);
DEFINE_FREEP(ProviderMap, provider_map_free)

/* "" when nobody delivers it. */
Str provider_of_alias(const ProviderMap *map, Str alias);
bool provider_is_known(const ProviderMap *map, Str provider);
/* Known to the project, but not to be used. */
bool provider_alias_is_disabled(const ProviderMap *map, Str alias);

#endif
