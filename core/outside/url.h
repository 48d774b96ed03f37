#ifndef SETT_URL_H
#define SETT_URL_H
/* Addresses taken apart as Go's net/url does it, which is how cloudflared reads them; and host
 * names in the spelling of the DNS. */
#include <stdbool.h>
#include <stddef.h>

/* Pieces of the text that was split; a missing one has length 0. */
struct url_parts {
    const char *scheme, *host, *port, *path, *query; /* host without brackets and port */
    size_t scheme_len, host_len, port_len, path_len, query_len;
};

/** url_split(url, parts): "http://user:pw@[::1]:80/path?query#fragment". "host:1" is a scheme with
 * something opaque behind it, so it has no host. Return 0, or -1 if Go would refuse it. */
int url_split(const char *url, struct url_parts *parts);

/** url_unescape(s, len, out, size, out_len): percent-decode and terminate. Return 0, or -1 if an
 * escape is broken or it does not fit. */
int url_unescape(const char *s, size_t len, char *out, size_t size, size_t *out_len);

/** url_punycode(host, out, size): each label that is not ASCII in Punycode (RFC 3492), ASCII
 * letters small. No table of characters is asked whether they are allowed. Return 0, or -1 if it is
 * not UTF-8 or does not fit. */
int url_punycode(const char *host, char *out, size_t size);

#endif
