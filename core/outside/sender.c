/*
 * From whom a request came, through proxies. Apart from the web servers, each of which has its own
 * half of this: the front reads the headers itself, so that with all of them the same addresses
 * meet the same limits.
 */
#include "sender.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "network.h"
#include "str.h"

#define BETWEEN " ,\t\n"

static const struct {
    const char *word, *networks;
} words[] = {
    {"loopback", "127.0.0.0/8 ::1"},
    /* As published at https://www.cloudflare.com/ips/; unchanged since 2021. */
    {"cloudflare", "173.245.48.0/20 103.21.244.0/22 103.22.200.0/22 103.31.4.0/22 141.101.64.0/18 "
                   "108.162.192.0/18 190.93.240.0/20 188.114.96.0/20 197.234.240.0/22 "
                   "198.41.128.0/17 162.158.0.0/15 104.16.0.0/13 104.24.0.0/14 172.64.0.0/13 "
                   "131.0.72.0/22 2400:cb00::/32 2606:4700::/32 2803:f800::/32 2405:b500::/32 "
                   "2405:8100::/32 2a06:98c0::/29 2c0f:f248::/32"},
};

static int put(const char *networks, char *out, size_t size, struct err *err)
{
    size_t len = strlen(out);

    if (str_format(out + len, size - len, "%s%s", len > 0 ? " " : "", networks) == 0)
        return 0;
    return err_field(err, "value", "setting_invalid", "these are too many networks");
}

/* A word of ours, or a network. */
static int put_word(const char *word, char *out, size_t size, struct err *err)
{
    char canonical[96];
    struct err why;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_equal(word, words[i].word))
            return put(words[i].networks, out, size, err);
    if (network_list(word, canonical, sizeof canonical, &why) == 0)
        return put(canonical, out, size, err);
    return err_field(err, "value", "setting_invalid",
                     "\"%s\" is neither a network such as 192.0.2.0/24, nor loopback, nor "
                     "cloudflare",
                     word);
}

int sender_trusted(const char *text, char *out, size_t size, struct err *err)
{
    char word[64];
    size_t len;

    out[0] = '\0';
    for (const char *at = text + strspn(text, BETWEEN); *at != '\0';
         at += len, at += strspn(at, BETWEEN)) {
        len = strcspn(at, BETWEEN);
        if (str_copy_n(word, sizeof word, at, len) == -1)
            return err_field(err, "value", "setting_invalid", "\"%.60s…\" is no network", at);
        if (put_word(word, out, size, err) == -1)
            return -1;
    }
    return 0;
}

static bool trusts(const char *trusted, const char *address)
{
    return trusted[0] != '\0' && network_list_has(trusted, address);
}

/* One entry of X-Forwarded-For: "192.0.2.1", "2001:db8::1", and with a port as some add it. */
static bool entry_read(const char *at, size_t len, char out[SENDER_ADDRESS_SIZE])
{
    uint8_t bytes[16];
    char text[SENDER_ADDRESS_SIZE + 8], *address = text, *end;

    while (len > 0 && (*at == ' ' || *at == '\t'))
        at++, len--;
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    if (str_copy_n(text, sizeof text, at, len) == -1)
        return false;
    if (text[0] == '[') {
        if ((end = strchr(text, ']')) == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        *end = '\0';
        address++;
    } else if ((end = strchr(text, ':')) != NULL && strchr(end + 1, ':') == NULL) {
        *end = '\0';
    }
    return inet_pton(strchr(address, ':') == NULL ? AF_INET : AF_INET6, address, bytes) == 1 &&
           str_copy(out, SENDER_ADDRESS_SIZE, address) == 0;
}

void sender_find(const char *trusted, const char *peer, const char *forwarded,
                 const char *cloudflare, char out[SENDER_ADDRESS_SIZE])
{
    char seen[SENDER_ADDRESS_SIZE];
    size_t end = strlen(forwarded);

    if (str_copy(out, SENDER_ADDRESS_SIZE, peer) == -1)
        out[0] = '\0';
    if (!str_starts(peer, "unix:") && !trusts(trusted, peer))
        return;
    if (end == 0 && entry_read(cloudflare, strlen(cloudflare), seen))
        (void)str_copy(out, SENDER_ADDRESS_SIZE, seen);
    while (end > 0) {
        size_t from = end;
        while (from > 0 && forwarded[from - 1] != ',')
            from--;
        if (!entry_read(forwarded + from, end - from, seen))
            return;
        (void)str_copy(out, SENDER_ADDRESS_SIZE, seen);
        if (!trusts(trusted, seen))
            return;
        end = from > 0 ? from - 1 : 0;
    }
}
