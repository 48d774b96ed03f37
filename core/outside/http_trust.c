/* Which doors a connection has, and whom it trusts. Apart from the requests because the answer is
 * the same for one request at a time and for thousands at once. */
#include "http_doors.h"

#include <curl/curl.h>
#include <sodium.h>
#include <string.h>

#include "http.h"
#include "str.h"

void http_trust(void *curl, const char *ca, bool verify)
{
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
    (void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca[0] != '\0') {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
        (void)curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}

/* A text for libcurl, which is not copied: it outlives the transfer. */
static struct curl_blob blob_of(const char *pem)
{
    return (struct curl_blob){
        .data = (void *)(uintptr_t)pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY};
}

int http_identify(void *curl, const struct http_identity *identity, struct err *err)
{
    struct curl_blob ca = blob_of(identity->ca), own = blob_of(identity->certificate),
                     key = blob_of(identity->key);

    if (curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_SSLCERT_BLOB, &own) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_SSLCERTTYPE, "PEM") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_SSLKEY_BLOB, &key) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_SSLKEYTYPE, "PEM") != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "curl_option", "libcurl lacks an option that is needed");
    return 0;
}

/* An option that the library refused would leave a door open, so those that close one are checked.
 */
int http_close_doors(void *curl, const char *protocols, struct err *err)
{
    if (curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*") != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "curl_option", "libcurl lacks an option that is needed");
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "sett/" SETT_VERSION);
    return 0;
}

bool http_pinned(void *curl, const uint8_t pin[32], char seen[HTTP_PIN_SIZE])
{
    struct curl_certinfo *chain = NULL;
    uint8_t got[32];

    seen[0] = '\0';
    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
        chain->num_of_certs == 0)
        return false;
    for (const struct curl_slist *row = chain->certinfo[0]; row != NULL; row = row->next)
        if (str_starts(row->data, "Cert:") && http_pin_of(got, row->data + 5) == 0) {
            (void)sodium_bin2hex(seen, HTTP_PIN_SIZE, got, sizeof got);
            return sodium_memcmp(got, pin, sizeof got) == 0;
        }
    return false;
}
