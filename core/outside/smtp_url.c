/* What may name a mail server. Apart from smtp.c so that the front can check a setting without
 * being linked to anything that opens a connection. */
#include "smtp.h"

#include <string.h>

#include "str.h"

const char *const smtp_tls_names[] = {"required", "if_offered", "none", NULL};

int smtp_url(const char *url, struct err *err)
{
    const char *host = str_starts(url, "smtps://")  ? url + 8
                       : str_starts(url, "smtp://") ? url + 7
                                                    : NULL;

    if (host == NULL || host[0] == '\0' || strpbrk(url, " \t\r\n\"'\\<>@?#") != NULL)
        return err_set(err, ERR_INVALID, "smtp_url",
                       "\"%.200s\" is not smtp://host[:port] or smtps://host[:port]", url);
    return 0;
}
