#include "store/s3/quirks.h"

#include "base/buffer.h"

#define TIB ((uint64_t)1 << 40)
#define USUAL_PART (5 * MIB)
/* 10,000 parts of 5 GiB: AWS since late 2025. */
#define AWS_OBJECT ((uint64_t)10000 * 5 * 1024 * MIB)
#define USUAL .part_min_bytes = USUAL_PART, .object_max_bytes = 5 * TIB, .parts_max = 10000

/* Most particular hosts first. The last row is for servers that nobody knows. */
static const S3Provider providers[] = {
    {.name = "aws", .part_min_bytes = USUAL_PART, .object_max_bytes = AWS_OBJECT, .parts_max = 10000},
    /* CRC64NVME only since release 2025-01-20, and no header says which one it is */
    {.name = "minio", .server = "MinIO", .quirks = S3_NO_CRC64, USUAL},
    {.name = "ceph",
     .hosts = "os.zhdk.cloud.switch.ch",
     .server = "Ceph Object Gateway",
     .quirks = S3_NO_CRC64 | S3_COPY_ANY_SIZE,
     USUAL},
    {.name = "r2", .hosts = ".r2.cloudflarestorage.com", .quirks = S3_NO_CRC64 | S3_NO_TAGS | S3_MULTIPART_ETAG, USUAL},
    {.name = "gcs",
     .hosts = "storage.googleapis.com",
     .server = "UploadServer",
     .quirks = S3_NO_CRC64 | S3_NO_DELETE_MANY | S3_NO_COPY_PARTS | S3_COPY_ANY_SIZE | S3_NO_TAGS | S3_MULTIPART_ETAG,
     USUAL},
    {.name = "backblaze", .hosts = ".backblazeb2.com", .quirks = S3_NO_CRC64 | S3_NO_TAGS, USUAL},
    {.name = "versitygw", .server = "VERSITYGW", .quirks = S3_PART_COPY_CHECKSUM, USUAL},
    {.name = "moto", .server = "Werkzeug", .quirks = S3_NO_CRC64, USUAL},
    {.name = "storj",
     .hosts = "gateway.storjshare.io",
     .server = "Storj",
     .quirks = S3_NO_CRC64 | S3_NO_COPY_PARTS,
     .part_min_bytes = 64 * MIB,
     .object_max_bytes = 5 * TIB,
     .parts_max = 10000},
    {.name = "rgw-hosted", /* DigitalOcean, Dreamhost, Linode */
     .hosts = ".digitaloceanspaces.com .dream.io .linodeobjects.com",
     .quirks = S3_NO_CRC64 | S3_LIST_PLAIN,
     USUAL},
    {.name = "alibaba",
     .hosts = ".aliyuncs.com",
     .server = "AliyunOSS",
     .quirks = S3_NO_CRC64 | S3_MULTIPART_ETAG,
     USUAL},
    {.name = "tencent",
     .hosts = ".myqcloud.com",
     .server = "tencent-cos",
     .quirks = S3_NO_CRC64 | S3_LIST_V1 | S3_MULTIPART_ETAG,
     USUAL},
    {.name = "ibm",
     .hosts = ".appdomain.cloud",
     .server = "Cleversafe",
     .quirks = S3_NO_CRC64 | S3_LIST_V1 | S3_MULTIPART_ETAG,
     USUAL},
    {.name = "seaweedfs", .server = "SeaweedFS", .quirks = S3_NO_CRC64 | S3_LIST_V1 | S3_MULTIPART_ETAG, USUAL},
    {.name = "huawei",
     .hosts = ".myhuaweicloud.com",
     .server = "OBS",
     .quirks =
         S3_NO_CRC64 | S3_LIST_V1 | S3_LIST_PLAIN | S3_MULTIPART_ETAG, /* with url encoding a listing never ends */
     USUAL},
    {.name = "netease", .hosts = ".163yun.com", .quirks = S3_NO_CRC64 | S3_LIST_V1 | S3_MULTIPART_ETAG, USUAL},
    {.name = "magalu", .hosts = ".magaluobjects.com", .quirks = S3_NO_CRC64 | S3_LIST_V1 | S3_MULTIPART_ETAG, USUAL},
    {.name = "other-etags", /* Synology, HCP, Qiniu, Lyve, Liara, Mega */
     .hosts = ".synologyc2.net .qiniucs.com .lyvecloud.seagate.com .liara.space .s4.mega.io",
     .quirks = S3_NO_CRC64 | S3_MULTIPART_ETAG,
     USUAL},
    {.name = "scaleway",
     .hosts = ".scw.cloud",
     .quirks = S3_NO_CRC64,
     .part_min_bytes = USUAL_PART,
     .object_max_bytes = 5 * TIB,
     .parts_max = 1000},
    {.name = "fastly", .hosts = ".fastlystorage.app", .quirks = S3_NO_CRC64 | S3_NO_COPY_PARTS, USUAL},
    {.name = "rclone", .server = "rclone/", .quirks = S3_NO_CRC64 | S3_NO_MULTIPART | S3_NO_COPY_PARTS, USUAL},
    {.name = "unknown", .quirks = S3_NO_CRC64, USUAL},
};

static const S3Provider *const aws = &providers[0], *const unknown = &providers[ARRAY_COUNT(providers) - 1];

static bool starts_nocase(Str text, Str prefix)
{
    return str_equal_nocase(str_slice(text, 0, prefix.len), prefix);
}

static const S3Provider *by_host(Str host)
{
    if (host.len == 0 || str_find(host, STR(".amazonaws.com")) != SIZE_MAX)
        return aws;
    for (size_t i = 0; i < ARRAY_COUNT(providers); i++) {
        Str rest = str_of(providers[i].hosts), piece;
        while (providers[i].hosts && str_next_piece(&rest, ' ', &piece)) {
            if (str_find(host, piece) != SIZE_MAX)
                return &providers[i];
        }
    }
    return unknown;
}

MUST_USE static Error *by_name(Str name, const S3Provider **ret_provider)
{
    CLEANUP(buffer_done) Buffer names = {0};
    for (size_t i = 0; i < ARRAY_COUNT(providers); i++) {
        if (str_equal(name, str_of(providers[i].name))) {
            *ret_provider = &providers[i];
            return NULL;
        }
        TRY(buffer_append_format(&names, "%s%s", i > 0 ? ", " : "", providers[i].name));
    }
    return FAIL(INVALID, "there is no provider '" STR_FMT "': one of " STR_FMT, STR_ARG(name),
                STR_ARG(buffer_str(&names)));
}

Error *s3_quirks_init(S3Quirks *quirks, Str name, Str host, Log *log)
{
    const S3Provider *provider = by_host(host);
    if (name.len > 0)
        TRY(by_name(name, &provider));
    atomic_init(&quirks->provider, provider);
    atomic_init(&quirks->learnt, 0);
    quirks->fixed = name.len > 0;
    quirks->log = log;
    return NULL;
}

void s3_quirks_hear_server(S3Quirks *quirks, Str server)
{
    if (server.len == 0 || quirks->fixed || s3_quirks_provider(quirks) != unknown)
        return;
    for (size_t i = 0; i < ARRAY_COUNT(providers); i++) {
        if (!providers[i].server || !starts_nocase(server, str_of(providers[i].server)))
            continue;
        atomic_store(&quirks->provider, &providers[i]);
        log_debug(quirks->log, "the server is of the kind '%s'", providers[i].name);
        return;
    }
}

bool s3_quirks_learn(S3Quirks *quirks, S3Quirk quirk)
{
    if (s3_quirks_have(quirks, quirk))
        return false;
    atomic_fetch_or(&quirks->learnt, (unsigned)quirk);
    log_info(quirks->log, "the server (%s) lacks an optional feature, which is left out from now on (0x%x)",
             s3_quirks_provider(quirks)->name, (unsigned)quirk);
    return true;
}

bool s3_quirks_have(const S3Quirks *quirks, S3Quirk quirk)
{
    return ((s3_quirks_provider(quirks)->quirks | atomic_load(&quirks->learnt)) & (unsigned)quirk) != 0;
}

const S3Provider *s3_quirks_provider(const S3Quirks *quirks)
{
    return atomic_load(&quirks->provider);
}
