/* Looking at a certificate. Apart from http.c because that one must not be able to take a
 * certificate that nobody vouches for, and this one must: it asks when, not whose. */
#include "certificate.h"

#include <curl/curl.h>
#include <string.h>
#include <time.h>

#include "http_doors.h"
#include "str.h"

#define TIMEOUT_S 10L
#define FIELD_END "Expire date:"

/* The first certificate of the chain is the server's own. */
static int read_expiry(CURL *curl, int64_t *expires_ms)
{
    struct curl_certinfo *info = NULL;
    time_t at;

    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1)
        return -1;
    for (struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next) {
        if (!str_starts(line->data, FIELD_END))
            continue;
        if ((at = curl_getdate(line->data + strlen(FIELD_END), NULL)) == (time_t)-1)
            return -1;
        *expires_ms = (int64_t)at * 1000;
        return 0;
    }
    return -1;
}

int certificate_expiry(const char *url, int64_t *expires_ms, struct err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    CURLcode code;
    int result = 0;

    if (curl == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a handshake");
    if (http_close_doors(curl, "https", err) == -1) {
        curl_easy_cleanup(curl);
        return -1;
    }
    http_trust(curl, "", false);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        result = err_set(err, ERR_NETWORK, "network", "%s: %s", url,
                         detail[0] != '\0' ? detail : curl_easy_strerror(code));
    else if (read_expiry(curl, expires_ms) != 0)
        result = err_set(err, ERR_NETWORK, "certificate", "%s shows no certificate", url);
    curl_easy_cleanup(curl);
    return result;
}
