#include "store/s3/regions.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { PLACES_MAX = 256 };

typedef struct Place {
    char *endpoint, *bucket; /* NULL: not used yet */
    char region[S3_REGION_MAX_BYTES + 1];
} Place;

struct S3Regions {
    atomic_uint lessons;
    pthread_mutex_t lock;
    Place places[PLACES_MAX]; /* under lock, as the next */
    size_t next;              /* to be written over */
};

Error *s3_regions_new(S3Regions **ret_regions)
{
    S3Regions *regions = calloc(1, sizeof *regions);
    if (!regions)
        return FAIL(NO_MEMORY, "out of memory");
    pthread_mutex_init(&regions->lock, NULL);
    *ret_regions = regions;
    return NULL;
}

static void place_done(Place *place)
{
    free(place->endpoint);
    free(place->bucket);
    *place = (Place){0};
}

void s3_regions_free(S3Regions *regions)
{
    if (!regions)
        return;
    for (size_t i = 0; i < PLACES_MAX; i++)
        place_done(&regions->places[i]);
    pthread_mutex_destroy(&regions->lock);
    free(regions);
}

static Place *find_locked(S3Regions *regions, Str endpoint, Str bucket)
{
    for (size_t i = 0; i < PLACES_MAX && regions->places[i].bucket; i++)
        if (str_equal(str_of(regions->places[i].bucket), bucket)
            && str_equal(str_of(regions->places[i].endpoint), endpoint))
            return &regions->places[i];
    return NULL;
}

/* NULL without memory: then nobody remembers, and is told again. */
static Place *add_locked(S3Regions *regions, Str endpoint, Str bucket)
{
    char *endpoint_text = strndup(endpoint.len > 0 ? endpoint.data : "", endpoint.len);
    char *bucket_text = strndup(bucket.len > 0 ? bucket.data : "", bucket.len);
    if (!endpoint_text || !bucket_text) {
        free(endpoint_text);
        free(bucket_text);
        return NULL;
    }
    Place *place = &regions->places[regions->next++ % PLACES_MAX];
    place_done(place);
    place->endpoint = endpoint_text;
    place->bucket = bucket_text;
    return place;
}

void s3_regions_learn(S3Regions *regions, Str endpoint, Str bucket, Str region)
{
    ASSERT(region.len > 0 && region.len <= S3_REGION_MAX_BYTES);
    pthread_mutex_lock(&regions->lock);
    Place *place = find_locked(regions, endpoint, bucket);
    if (!place)
        place = add_locked(regions, endpoint, bucket);
    if (place) {
        memcpy(place->region, region.data, region.len);
        place->region[region.len] = '\0';
        atomic_fetch_add(&regions->lessons, 1);
    }
    pthread_mutex_unlock(&regions->lock);
}

bool s3_regions_find(S3Regions *regions, Str endpoint, Str bucket, char ret_region[S3_REGION_MAX_BYTES + 1])
{
    pthread_mutex_lock(&regions->lock);
    const Place *place = find_locked(regions, endpoint, bucket);
    if (place)
        memcpy(ret_region, place->region, sizeof place->region);
    pthread_mutex_unlock(&regions->lock);
    return place != NULL;
}

unsigned s3_regions_lessons(const S3Regions *regions)
{
    return atomic_load_explicit(&regions->lessons, memory_order_acquire);
}
