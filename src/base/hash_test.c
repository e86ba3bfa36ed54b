/* Known answers: FIPS 180-4 and NIST's examples, RFC 1321, RFC 4231, RFC 4648, the CRC catalogue, xxHash's own documentation. */
#include "base/hash.h"

#include "base/random.h"
#include "base/testing.h"

#define MILLION_A_SHA256 "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"

static void assert_hex(const uint8_t *digest, size_t len, const char *expected)
{
    char hex[129];
    hex_encode(digest, len, hex);
    assert_string_equal(hex, expected);
}

static void sha256_known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *digest;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint8_t digest[SHA256_BYTES];
        sha256(str_bytes(str_of(rows[i].text)), digest);
        assert_hex(digest, sizeof digest, rows[i].digest);
    }
    uint8_t digest[SHA256_BYTES];
    sha256((Bytes){NULL, 0}, digest);
    assert_hex(digest, sizeof digest, rows[0].digest);
}

static void sha256_over_pieces_is_that_of_the_whole(void **state)
{
    (void)state;
    CLEANUP(sha256_freep) Sha256 *hash = sha256_new();
    Random random;
    uint8_t piece[2000], digest[SHA256_BYTES];
    random_init_seed(&random, 2);
    memset(piece, 'a', sizeof piece);
    for (int round = 0; round < 3; round++) { /* sha256_end begins anew */
        for (size_t left = 1000000; left > 0;) {
            size_t len = random_below(&random, MIN(sizeof piece, left) + 1);
            sha256_update(hash, bytes_from(piece, len));
            left -= len;
        }
        sha256_end(hash, digest);
        assert_hex(digest, sizeof digest, MILLION_A_SHA256);
    }
    sha256_free(NULL);
}

/* RFC 4231, 4.2 to 4.8; 4.6 is the truncated one and left out. Keys and data are `*_repeat` times the byte when that is not 0. */
static void hmac_sha256_known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        size_t key_repeat;
        const char *data;
        size_t data_repeat;
        const char *digest;
    } rows[] = {
        {"\x0b", 20, "Hi There", 0, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", 0, "what do ya want for nothing?", 0,
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"\xaa", 20, "\xdd", 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
        {"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19", 0,
         "\xcd", 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
        {"\xaa", 131, "Test Using Larger Than Block-Size Key - Hash Key First", 0,
         "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
        {"\xaa", 131,
         "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed "
         "before being used by the HMAC algorithm.",
         0, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
        {"", 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char key[200], data[200];
        uint8_t digest[SHA256_BYTES];
        Bytes key_bytes = str_bytes(str_of(rows[i].key)), data_bytes = str_bytes(str_of(rows[i].data));
        memset(key, rows[i].key[0], sizeof key);
        memset(data, rows[i].data[0], sizeof data);
        if (rows[i].key_repeat)
            key_bytes = bytes_from(key, rows[i].key_repeat);
        if (rows[i].data_repeat)
            data_bytes = bytes_from(data, rows[i].data_repeat);
        hmac_sha256(key_bytes, data_bytes, digest);
        assert_hex(digest, sizeof digest, rows[i].digest);
    }
    uint8_t digest[SHA256_BYTES];
    hmac_sha256((Bytes){NULL, 0}, (Bytes){NULL, 0}, digest);
    assert_hex(digest, sizeof digest, rows[6].digest);
}

static void md5_known_answers(void **state)
{
    (void)state;
    static const struct {
        const char *text, *digest;
    } rows[] = {{"", "d41d8cd98f00b204e9800998ecf8427e"},
                {"abc", "900150983cd24fb0d6963f7d28e17f72"},
                {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint8_t digest[MD5_BYTES];
        md5(str_bytes(str_of(rows[i].text)), digest);
        assert_hex(digest, sizeof digest, rows[i].digest);
    }
}

static void checksums_known_answers(void **state)
{
    (void)state;
    assert_true(xxh64(BYTES_EMPTY) == 0xef46db3751d8e999u);
    assert_true(xxh64((Bytes){NULL, 0}) == 0xef46db3751d8e999u);
    assert_true(xxh64(str_bytes(STR("a"))) == 0xd24ec4f1a98c6e5bu);
    assert_true(xxh64(str_bytes(STR("abc"))) == 0x44bc2cf5ad770999u);
    Bytes check = str_bytes(STR("123456789"));
    assert_int_equal(crc32_ieee(0, check), 0xcbf43926u);
    for (size_t cut = 0; cut <= check.len; cut++) {
        uint32_t first = crc32_ieee(0, (Bytes){check.data, cut});
        assert_int_equal(crc32_ieee(first, (Bytes){check.data + cut, check.len - cut}), 0xcbf43926u);
        assert_int_equal(crc32_ieee(first, (Bytes){NULL, 0}), first); /* nothing more changes nothing */
    }
}

/* RFC 4648, section 10. */
static const struct {
    const char *plain, *base64;
} base64_rows[] = {{"", ""},
                   {"f", "Zg=="},
                   {"fo", "Zm8="},
                   {"foo", "Zm9v"},
                   {"foob", "Zm9vYg=="},
                   {"fooba", "Zm9vYmE="},
                   {"foobar", "Zm9vYmFy"},
                   {"\xfb\xff\xfe", "+//+"}};

static void base64_known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(base64_rows); i++) {
        char text[16];
        uint8_t plain[16];
        size_t len = 99;
        base64_encode((const uint8_t *)base64_rows[i].plain, strlen(base64_rows[i].plain), text);
        assert_string_equal(text, base64_rows[i].base64);
        assert_true(base64_decode(str_of(text), plain, &len));
        assert_str(str_from(plain, len), base64_rows[i].plain);
    }
}

static void base64_that_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"Z",        "Zg",   "Zg=",    "=",    "====", "Z===",  "Zh==",     "Zm9=",
                                       "Zg==Zg==", "Zg=v", "Zm9v\n", "Zm9 ", "Zm-_", "Zm9v=", "Zm9vZg=A", "Zmv\xff"};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        uint8_t plain[16];
        size_t len;
        if (base64_decode(str_of(rows[i]), plain, &len))
            fail_msg("'%s' was taken", rows[i]);
    }
    uint8_t plain[4];
    size_t len;
    assert_false(base64_decode(str_from("Zm\0v", 4), plain, &len));
}

static void base64_comes_back(void **state)
{
    (void)state;
    Random random;
    random_init_seed(&random, 3);
    for (size_t len = 0; len < 100; len++) {
        uint8_t plain[100], back[102];
        char text[140];
        size_t back_len;
        for (size_t i = 0; i < len; i++)
            plain[i] = (uint8_t)random_u64(&random);
        base64_encode(plain, len, text);
        assert_int_equal(strlen(text), (len + 2) / 3 * 4);
        assert_true(base64_decode(str_of(text), back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, plain, len);
    }
}

static void hex_is_lower_case(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff};
    assert_hex(bytes, 4, "000fa0ff");
    assert_hex(bytes, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(sha256_over_pieces_is_that_of_the_whole),
        cmocka_unit_test(hmac_sha256_known_answers),
        cmocka_unit_test(md5_known_answers),
        cmocka_unit_test(checksums_known_answers),
        cmocka_unit_test(base64_known_answers),
        cmocka_unit_test(base64_that_is_not_canonical_is_refused),
        cmocka_unit_test(base64_comes_back),
        cmocka_unit_test(hex_is_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
