#include "http/proxy.h"

#include <stdlib.h>

#include "base/testing.h"

static void set(const char *url, const char *exceptions)
{
    static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        unsetenv(names[i]);
    if (url)
        setenv("http_proxy", url, 1);
    if (exceptions)
        setenv("no_proxy", exceptions, 1);
}

static void assert_text(const char *found, const char *wanted)
{
    if (wanted)
        assert_string_equal(found ? found : "(none)", wanted);
    else
        assert_null(found);
}

static void test_addresses_of_proxies(void **state)
{
    (void)state;
    static const struct {
        const char *url, *origin, *authorization;
    } rows[] = {
        {NULL, NULL, NULL},
        {"", NULL, NULL},
        {"http://proxy.example:3128", "http://proxy.example:3128", NULL},
        {"http://proxy.example:3128/", "http://proxy.example:3128", NULL},
        {"proxy.example:3128", "http://proxy.example:3128", NULL},
        {"http://proxy.example", "http://proxy.example:1080", NULL},
        {"https://proxy.example", "https://proxy.example:443", NULL},
        {"http://[::1]:8080", "http://[::1]:8080", NULL},
        {"http://Aladdin:open%20sesame@p:1", "http://p:1", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, /* RFC 7617 2 */
        {"http://u@p:1", "http://p:1", "Basic dTo="},
        {"socks5://p:1080", NULL, NULL},
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(proxy_done) Proxy proxy = {0};
        set(rows[i].url, NULL);
        assert_ok(proxy_from_environment(&proxy));
        assert_text(proxy.origin, rows[i].origin);
        assert_text(proxy.authorization, rows[i].authorization);
    }
}

static void test_which_variable(void **state)
{
    (void)state;
    CLEANUP(proxy_done) Proxy proxy = {0};

    set(NULL, NULL);
    setenv("HTTP_PROXY", "http://never:1", 1);
    assert_ok(proxy_from_environment(&proxy));
    assert_null(proxy.origin);
    setenv("ALL_PROXY", "http://all:1", 1);
    assert_ok(proxy_from_environment(&proxy));
    assert_text(proxy.origin, "http://all:1");
    proxy_done(&proxy);
    setenv("http_proxy", "http://own:1", 1);
    assert_ok(proxy_from_environment(&proxy));
    assert_text(proxy.origin, "http://own:1");
    unsetenv("HTTP_PROXY");
}

static void test_what_is_no_address(void **state)
{
    (void)state;
    CLEANUP(proxy_done) Proxy proxy = {0};
    set("http://:::", "example.org");
    assert_ok(proxy_from_environment(&proxy)); /* who needs it will hear of it */
    assert_non_null(proxy.problem);
    assert_true(proxy_serves(&proxy, STR("example.com")));
    assert_false(proxy_serves(&proxy, STR("example.org")));
}

static void test_exceptions(void **state)
{
    (void)state;
    static const struct {
        const char *exceptions, *authority;
        bool served;
    } rows[] = {
        {NULL, "example.org", true},
        {"*", "example.org", false},
        {" * ", "example.org", false},
        {"example.org", "example.org", false},
        {"example.org", "EXAMPLE.org:9000", false},
        {"example.org", "example.org.", false},
        {"example.org.", "example.org", false},
        {".example.org", "example.org", false},
        {"example.org", "s3.example.org", false},
        {"example.org", "notexample.org", true},
        {"example.org", "example.org.evil", true},
        {"a.b, example.org", "example.org", false},
        {"a.b example.org", "example.org", false},
        {"a.b,,example.org,", "example.org", false},
        {",", "example.org", true},
        {".", "example.org", true},
        {"127.0.0.1", "127.0.0.1:9000", false},
        {"127.0.0.1", "127.0.0.2", true},
        {"127.0.0.0/8", "127.9.9.9", false},
        {"10.1.0.0/15", "10.0.3.4", false},
        {"10.1.0.0/16", "10.0.3.4", true},
        {"10.0.0.0/33", "10.0.0.1", true},
        {"0.0.0.0/0", "9.9.9.9", false},
        {"::1", "[::1]:9000", false},
        {"fe80::/10", "[febf::1]", false},
        {"fe80::/10", "[fec0::1]", true},
        {"10.0.0.0/8", "[::1]", true},
        {"0.0.1", "127.0.0.1", true}, /* the end of a name, but not of an address */
    };

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(proxy_done) Proxy proxy = {0};
        set("http://proxy:1", rows[i].exceptions);
        assert_ok(proxy_from_environment(&proxy));
        if (proxy_serves(&proxy, str_of(rows[i].authority)) != rows[i].served)
            fail_msg("no_proxy '%s', host '%s': wrong", rows[i].exceptions, rows[i].authority);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_of_proxies),
        cmocka_unit_test(test_which_variable),
        cmocka_unit_test(test_what_is_no_address),
        cmocka_unit_test(test_exceptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
