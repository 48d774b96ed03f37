/* What is known of the web server. Apart because hands, certificates and the doctor ask the same.
 */
#include "web_note.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"

int web_note_read(struct web_note *n, const char *path, const struct conf *conf, struct err *err)
{
    struct conf *own = calloc(1, sizeof *own);
    const struct {
        const char *name;
        char *out;
        size_t size;
    } all[] = {
        {"kind", n->kind, sizeof n->kind},
        {"test", n->test, sizeof n->test},
        {"reload", n->reload, sizeof n->reload},
        {"pid", n->pid, sizeof n->pid},
        {"key_group", n->key_group, sizeof n->key_group},
        {"error_log", n->error_log, sizeof n->error_log},
    };
    int noted = 1;

    memset(n, 0, sizeof *n);
    (void)str_copy(n->kind, sizeof n->kind, "nginx");
    if (own == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for %s", path);
    if (conf_read(own, path, err) == -1)
        noted = err->kind == ERR_NOT_FOUND ? 0 : -1;
    if (noted == 1)
        conf = own;
    for (size_t i = 0; noted != -1 && conf != NULL && i < sizeof all / sizeof all[0]; i++) {
        const char *value = conf_get(conf, "web", all[i].name);
        if (value != NULL && str_copy(all[i].out, all[i].size, value) == -1)
            noted = err_set(err, ERR_INVALID, "conf_long", "[web] %s of %s is too long",
                            all[i].name, noted == 1 ? path : "sett.conf");
    }
    free(own);
    return noted;
}
