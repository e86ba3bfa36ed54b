/* test_tls.h - the server's side of TLS with a certificate made on the spot. Tests only. Its own file because OpenSSL's headers and
 * base/error.h both define ERR_STATE. */
#ifndef HTTP_TEST_TLS_H
#define HTTP_TEST_TLS_H

#include <stddef.h>
#include <sys/types.h>

enum { TEST_CA_FILE_BYTES = 64 };

typedef struct TestTls TestTls;
typedef struct TestTlsConnection TestTlsConnection;

/* The certificate is for localhost alone; it is written to `ret_ca_file`, of TEST_CA_FILE_BYTES, which test_tls_free removes. */
TestTls *test_tls_new(char *ret_ca_file);
void test_tls_free(TestTls *tls);

/* NULL when the client does not want to. */
TestTlsConnection *test_tls_accept(TestTls *tls, int fd);
void test_tls_close(TestTlsConnection *connection);
ssize_t test_tls_read(TestTlsConnection *connection, void *out, size_t len);
ssize_t test_tls_write(TestTlsConnection *connection, const void *data, size_t len);

#endif
