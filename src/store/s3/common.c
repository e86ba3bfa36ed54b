#include "store/s3/common.h"

static void customer_headers(S3CustomerKey *customer, bool of_source)
{
    static const char *const own[] = {"x-amz-server-side-encryption-customer-algorithm",
                                      "x-amz-server-side-encryption-customer-key",
                                      "x-amz-server-side-encryption-customer-key-md5"};
    static const char *const source[] = {"x-amz-copy-source-server-side-encryption-customer-algorithm",
                                         "x-amz-copy-source-server-side-encryption-customer-key",
                                         "x-amz-copy-source-server-side-encryption-customer-key-md5"};
    const Str values[] = {STR("AES256"), str_of(customer->key), str_of(customer->md5)};
    for (size_t i = 0; i < S3_CUSTOMER_HEADERS; i++)
        customer->headers[i] = (SignedHeader){str_of(of_source ? source[i] : own[i]), values[i]};
}

/* `text` is a secret: it stands in no message. */
MUST_USE static Error *set_customer_key(S3CustomerKey *customer, Str text, bool of_source)
{
    uint8_t key[S3_CUSTOMER_KEY_TEXT], digest[MD5_BYTES];
    size_t len = 0;

    if (text.len == 0)
        return NULL;
    if (text.len != S3_CUSTOMER_KEY_TEXT - 1 || !base64_decode(text, key, &len) || len != S3_CUSTOMER_KEY_BYTES)
        return FAIL(INVALID, "the customer key for encryption must be %d bytes in base64, %d characters",
                    S3_CUSTOMER_KEY_BYTES, S3_CUSTOMER_KEY_TEXT - 1);
    md5(bytes_from(key, len), digest);
    explicit_bzero(key, sizeof(key));
    memcpy(customer->key, text.data, text.len);
    base64_encode(digest, sizeof(digest), customer->md5);
    customer_headers(customer, of_source);
    customer->set = true;
    return NULL;
}

/* S3 wants base64; JSON is what a person writes. */
MUST_USE static Error *set_context(S3Common *common, Str text, Arena *arena)
{
    common->encryption_context = arena_str(arena, text);
    if (!str_starts_with(text, STR("{")))
        return common->encryption_context.data ? NULL : arena_error(arena);
    char *encoded = arena_alloc(arena, (text.len + 2) / 3 * 4 + 1);
    if (!encoded)
        return arena_error(arena);
    base64_encode((const uint8_t *)text.data, text.len, encoded);
    common->encryption_context = str_of(encoded);
    return NULL;
}

MUST_USE static Error *set_encryption(S3Common *common, const StoreOptions *options, Arena *arena)
{
    bool kms = str_starts_with(options->encryption, STR("aws:kms"));
    bool known = options->encryption.len == 0 || str_equal(options->encryption, STR("AES256"))
                 || str_equal(options->encryption, STR("aws:kms"))
                 || str_equal(options->encryption, STR("aws:kms:dsse"));
    if (!known)
        return FAIL(INVALID, "there is no encryption '" STR_FMT "': AES256, aws:kms or aws:kms:dsse",
                    STR_ARG(options->encryption));
    if (!kms && (options->encryption_key_id.len > 0 || options->encryption_context.len > 0 || options->bucket_key))
        return FAIL(INVALID, "a key id, a context and a bucket key go with the encryption aws:kms alone");
    if (options->encryption.len > 0 && options->customer_key.len > 0)
        return FAIL(INVALID, "a customer key and encryption by the server exclude each other");
    common->created.encryption = arena_str(arena, options->encryption);
    common->created.encryption_key_id = arena_str(arena, options->encryption_key_id);
    common->created.bucket_key = options->bucket_key ? STR("true") : STR_EMPTY;
    if (!common->created.encryption.data || !common->created.encryption_key_id.data)
        return arena_error(arena);
    return set_context(common, options->encryption_context, arena);
}

Error *s3_common_init(S3Common *common, const StoreOptions *options, Arena *arena)
{
    Str source = options->customer_key_source.len > 0 ? options->customer_key_source : options->customer_key;
    Str owner = arena_str(arena, options->expected_bucket_owner);

    *common = (S3Common){.created.storage_class = arena_str(arena, options->storage_class)};
    if (!owner.data || !common->created.storage_class.data)
        return arena_error(arena);
    if (owner.len > 0)
        common->every[common->every_count++] = (SignedHeader){STR("x-amz-expected-bucket-owner"), owner};
    if (options->requester_pays)
        common->every[common->every_count++] = (SignedHeader){STR("x-amz-request-payer"), STR("requester")};
    TRY(set_customer_key(&common->customer, options->customer_key, false));
    TRY(set_customer_key(&common->customer_source, source, true));
    return set_encryption(common, options, arena);
}

void s3_common_done(S3Common *common)
{
    explicit_bzero(common, sizeof(*common));
}
