/* The stores that a client keeps open for calls on single objects: what one call learns of a bucket (its region, what its server lacks) the next
 * knows, and none reads the AWS files again. */
#include <stdlib.h>

#include "api/internal.h"

enum { KEPT_MAX = 16 };

/* All fields under the client's lock but `store`, which is constant. */
struct KeptStore {
    KeptStore *next;
    Store *store;
    char *root;
    unsigned users;
};

static void kept_free(KeptStore *kept)
{
    store_free(kept->store);
    free(kept->root);
    free(kept);
}

/* Found ones come to the front, so that the last is the one not used for longest. */
static KeptStore *find_locked(QuernClient *client, Str root)
{
    for (KeptStore **at = &client->kept; *at; at = &(*at)->next) {
        KeptStore *kept = *at;
        if (!str_equal(str_of(kept->root), root))
            continue;
        *at = kept->next;
        kept->next = client->kept;
        client->kept = kept;
        kept->users++;
        return kept;
    }
    return NULL;
}

/* Makes room; NULL in `*ret_old`: there is some. False: all are in use. */
static bool make_room_locked(QuernClient *client, KeptStore **ret_old)
{
    KeptStore **idle = NULL;
    size_t count = 0;
    *ret_old = NULL;
    for (KeptStore **at = &client->kept; *at; at = &(*at)->next, count++)
        if ((*at)->users == 0)
            idle = at;
    if (count < KEPT_MAX)
        return true;
    if (!idle)
        return false;
    *ret_old = *idle;
    *idle = (*idle)->next;
    return true;
}

/* From now on others find it. Without memory, or when all that are kept are in use, it is this call's alone. */
static void keep(QuernClient *client, Str root, ObjectPlace *place)
{
    KeptStore *kept = calloc(1, sizeof *kept), *old = NULL;
    char *text = kept ? strndup(root.data, root.len) : NULL;
    if (!text) {
        free(kept);
        return;
    }
    *kept = (KeptStore){.store = place->store, .root = text, .users = 1};
    pthread_mutex_lock(&client->lock);
    bool room = make_room_locked(client, &old);
    if (room) {
        kept->next = client->kept;
        client->kept = kept;
        place->kept = kept;
    }
    pthread_mutex_unlock(&client->lock);
    if (old)
        kept_free(old);
    if (!room) {
        free(kept->root);
        free(kept);
    }
}

/* A store keeps the log it was opened with, and that of a call may not outlive it. */
static bool may_keep(const Call *call, Str root)
{
    return !call->store_options.log && str_starts_with(root, STR("s3://"));
}

Error *client_find_object(const Call *call, const char *url, ObjectPlace *ret_place)
{
    QuernClient *client = call->client;
    ObjectPlace place = {.client = client};
    Str root;
    TRY(client_split_url(url, &root, &place.key));
    if (!may_keep(call, root)) {
        TRY(place_open_root(&call->env, root, &place.store));
        *ret_place = place;
        return NULL;
    }
    pthread_mutex_lock(&client->lock);
    place.kept = find_locked(client, root);
    pthread_mutex_unlock(&client->lock);
    if (place.kept) {
        place.store = place.kept->store;
    } else {
        TRY(place_open_root(&call->env, root, &place.store));
        keep(client, root, &place);
    }
    *ret_place = place;
    return NULL;
}

void object_place_done(ObjectPlace *place)
{
    if (place->kept) {
        pthread_mutex_lock(&place->client->lock);
        place->kept->users--;
        pthread_mutex_unlock(&place->client->lock);
    } else {
        store_free(place->store);
    }
    *place = (ObjectPlace){0};
}

void kept_stores_free(KeptStore *kept)
{
    while (kept) {
        KeptStore *next = kept->next;
        kept_free(kept);
        kept = next;
    }
}
