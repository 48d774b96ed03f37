/*
 * Networks as people write them. Apart from address.c, which knows what the registries say of
 * addresses: here it is somebody's own list that counts.
 */
#include "network.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "str.h"

#define BETWEEN  " ,\t\n"
#define TEXT_MAX 64

struct network {
    int family;
    unsigned bits;
    uint8_t bytes[16];
};

static bool read_address(const char *text, struct network *n)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    memset(n, 0, sizeof *n);
    n->family = strchr(text, ':') == NULL ? AF_INET : AF_INET6;
    if (inet_pton(n->family, text, n->bytes) != 1)
        return false;
    if (n->family == AF_INET6 && memcmp(n->bytes, mapped, sizeof mapped) == 0) {
        memmove(n->bytes, n->bytes + sizeof mapped, 4);
        n->family = AF_INET;
    }
    n->bits = n->family == AF_INET ? 32 : 128;
    return true;
}

static bool bit(const uint8_t *bytes, unsigned i)
{
    return (bytes[i / 8] >> (7 - i % 8) & 1) != 0;
}

/* "192.0.2.0/24", or an address alone: all of its bits. */
static bool read_network(const char *text, size_t len, struct network *n)
{
    char word[TEXT_MAX], *slash;
    uint64_t bits;

    if (str_copy_n(word, sizeof word, text, len) == -1)
        return false;
    if ((slash = strchr(word, '/')) != NULL)
        *slash = '\0';
    if (!read_address(word, n))
        return false;
    if (slash == NULL)
        return true;
    /* A prefix counts in the form that was written, so a mapped network is not one. */
    if (strchr(word, ':') != NULL && n->family == AF_INET)
        return false;
    if (str_u64(slash + 1, 0, n->bits, &bits) == -1)
        return false;
    for (unsigned i = (unsigned)bits; i < n->bits; i++)
        if (bit(n->bytes, i))
            return false;
    n->bits = (unsigned)bits;
    return true;
}

/* The next word of a list. Return its length, 0 at the end. */
static size_t next_word(const char **at)
{
    *at += strspn(*at, BETWEEN);
    return strcspn(*at, BETWEEN);
}

static int put(const struct network *n, char *out, size_t size)
{
    char text[TEXT_MAX];
    size_t len = strlen(out);
    unsigned all = n->family == AF_INET ? 32 : 128;

    if (inet_ntop(n->family, n->bytes, text, sizeof text) == NULL)
        return -1;
    return n->bits == all
               ? str_format(out + len, size - len, "%s%s", len > 0 ? " " : "", text)
               : str_format(out + len, size - len, "%s%s/%u", len > 0 ? " " : "", text, n->bits);
}

int network_list(const char *text, char *out, size_t size, struct err *err)
{
    struct network n;
    unsigned count = 0;
    size_t len;

    out[0] = '\0';
    for (const char *at = text; (len = next_word(&at)) > 0; at += len) {
        if (!read_network(at, len, &n)) {
            (void)err_field(err, "networks", "network_invalid", "\"%.*s\" is no network",
                            (int)(len < TEXT_MAX ? len : TEXT_MAX), at);
            return err_hint(err, "as in 192.0.2.0/24 or 2001:db8::/32, or a single address; bits "
                                 "behind the prefix are zero");
        }
        if (++count > NETWORK_MOST || put(&n, out, size) == -1)
            return err_field(err, "networks", "too_many_networks", "at most %d networks",
                             NETWORK_MOST);
    }
    return 0;
}

static bool within(const struct network *n, const struct network *address)
{
    if (n->family != address->family)
        return false;
    for (unsigned i = 0; i < n->bits; i++)
        if (bit(n->bytes, i) != bit(address->bytes, i))
            return false;
    return true;
}

bool network_list_has(const char *list, const char *address)
{
    struct network n, from;
    size_t len;

    if (list[0] == '\0')
        return true;
    if (!read_address(address, &from))
        return false;
    for (const char *at = list; (len = next_word(&at)) > 0; at += len)
        if (read_network(at, len, &n) && within(&n, &from))
            return true;
    return false;
}
