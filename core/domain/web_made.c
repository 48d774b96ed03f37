/* The settings of the web server's configuration, then and now. Apart because the doctor and the
 * worker must not have two opinions of it. */
#include "web_made.h"

#include <string.h>

#include "setting.h"
#include "str.h"

int web_made_differs(struct txn *txn, const struct conf *conf, const struct conf *note,
                     struct web_made *made, struct err *err)
{
    memset(made, 0, sizeof *made);
    for (uint32_t i = 0; i < note->count; i++) {
        const struct conf_row *row = &note->rows[i];
        const char *name = row->name + strlen("for.");
        size_t len = strlen(made->now);
        char value[sizeof made->is];

        if (!str_starts(row->name, "for.") || setting_row_find(name) == NULL)
            continue;
        if (setting_text(txn, conf, name, value, sizeof value, err) < 0)
            return -1;
        (void)str_format(made->now + len, sizeof made->now - len, "%s\n", value);
        if (made->name[0] != '\0' || str_equal(value, row->value))
            continue;
        (void)str_copy(made->name, sizeof made->name, name);
        (void)str_copy(made->was, sizeof made->was, row->value);
        (void)str_copy(made->is, sizeof made->is, value);
    }
    return made->name[0] != '\0';
}
