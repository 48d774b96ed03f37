/* The address of a resolver as people write it. Apart from dns.c because the setting's check is
 * linked into programs that may not connect anywhere. */
#include "dns.h"

#include <arpa/inet.h>
#include <string.h>

#include "str.h"

static int refuse(const char *text, struct err *err)
{
    return err_field(err, "value", "dns_server",
                     "\"%.100s\" is not an address of a name server, as in 192.0.2.1, "
                     "192.0.2.1:5353 or [2001:db8::1]:53",
                     text);
}

int dns_server_parse(const char *text, struct sockaddr_storage *out, struct err *err)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;
    const char *host = text, *end, *port = NULL;
    char address[INET6_ADDRSTRLEN];
    uint64_t number = 53;
    bool six =
        text[0] == '[' || (strchr(text, ':') != NULL && strchr(text, ':') != strrchr(text, ':'));

    memset(out, 0, sizeof *out);
    if (text[0] == '[') {
        host++;
        end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return refuse(text, err);
        port = end[1] == ':' ? end + 2 : NULL;
    } else {
        end = six ? NULL : strchr(text, ':');
        port = end == NULL ? NULL : end + 1;
        end = end == NULL ? text + strlen(text) : end;
    }
    if (str_copy_n(address, sizeof address, host, (size_t)(end - host)) == -1 ||
        (port != NULL && str_u64(port, 1, 65535, &number) == -1))
        return refuse(text, err);
    if (six && inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)number);
        return 0;
    }
    if (six || inet_pton(AF_INET, address, &v4->sin_addr) != 1)
        return refuse(text, err);
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)number);
    return 0;
}
