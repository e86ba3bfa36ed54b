#include "http/test_tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/macros.h"

struct TestTls {
    SSL_CTX *context;
    char ca_file[TEST_CA_FILE_BYTES];
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    ASSERT(extension && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    ASSERT(certificate);
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -24L * 3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24L * 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"quern test", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, "DNS:localhost");
    ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void write_certificate(X509 *certificate, char *ca_file)
{
    snprintf(ca_file, TEST_CA_FILE_BYTES, "/tmp/quern-test-ca-XXXXXX");
    int fd = mkstemp(ca_file);
    ASSERT(fd >= 0);
    FILE *file = fdopen(fd, "w");
    ASSERT(file && PEM_write_X509(file, certificate) == 1 && fclose(file) == 0);
}

TestTls *test_tls_new(char *ret_ca_file)
{
    TestTls *tls = calloc(1, sizeof *tls);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ASSERT(tls && key);
    X509 *certificate = make_certificate(key);

    tls->context = SSL_CTX_new(TLS_server_method());
    ASSERT(tls->context && SSL_CTX_use_certificate(tls->context, certificate) == 1);
    ASSERT(SSL_CTX_use_PrivateKey(tls->context, key) == 1);
    write_certificate(certificate, tls->ca_file);
    memcpy(ret_ca_file, tls->ca_file, TEST_CA_FILE_BYTES);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

void test_tls_free(TestTls *tls)
{
    if (!tls)
        return;
    unlink(tls->ca_file);
    SSL_CTX_free(tls->context);
    free(tls);
}

TestTlsConnection *test_tls_accept(TestTls *tls, int fd)
{
    SSL *ssl = SSL_new(tls->context);

    ASSERT(ssl);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1)
        return (TestTlsConnection *)ssl;
    SSL_free(ssl);
    return NULL;
}

void test_tls_close(TestTlsConnection *connection)
{
    SSL_free((SSL *)connection);
}

ssize_t test_tls_read(TestTlsConnection *connection, void *out, size_t len)
{
    return SSL_read((SSL *)connection, out, (int)len);
}

ssize_t test_tls_write(TestTlsConnection *connection, const void *data, size_t len)
{
    return SSL_write((SSL *)connection, data, (int)len);
}
