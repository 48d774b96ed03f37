/* The one file that knows libpsl. The list is opened for each question and closed again: they are
 * few, and the program that asks is small. */
#include "public_suffix.h"

#include <libpsl.h>

#include "str.h"

#define SYSTEM_LIST "/usr/share/publicsuffix/public_suffix_list.dafsa"

int public_suffix_domain(const char *ascii, char *out, size_t size, struct err *err)
{
    psl_ctx_t *list = psl_latest(SYSTEM_LIST);
    const char *domain;
    int result = 0;

    if (list == NULL)
        return err_set(err, ERR_UNAVAILABLE, "public_suffix_list",
                       "the list of public suffixes cannot be read");
    if (psl_is_public_suffix2(list, ascii, PSL_TYPE_ANY) == 1) {
        (void)err_field(err, "name", "domain_public_suffix",
                        "%s belongs to everybody: names are registered below it", ascii);
        result = err_hint(err, "Give the domain itself, as in example.%s.", ascii);
    } else if ((domain = psl_registrable_domain(list, ascii)) == NULL ||
               str_copy(out, size, domain) == -1) {
        result = err_field(err, "name", "domain_invalid", "%s has no domain that can be registered",
                           ascii);
    }
    psl_free(list);
    return result;
}
