/* Asking for a web server's configuration that fits the settings. Apart from the alerts, on whose
 * thread it runs, so that it can be tried without one. */
#include "web_watch.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "log.h"
#include "str.h"

#define LOOK_MS  3000
#define AGAIN_MS INT64_C(3600000)

static int differs(const struct saga_context *context, struct web_made *made, struct err *err)
{
    struct conf *note = calloc(1, sizeof *note);
    struct txn *txn;
    int rc = -1;

    if (note == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory");
    if (conf_read(note, context->paths.web_note, err) == 0 &&
        db_read(&txn, context->db, err) == 0) {
        rc = web_made_differs(txn, &context->conf, note, made, err);
        db_read_end(txn);
    }
    free(note);
    return rc;
}

int web_watch_look(struct web_watch *w, const struct saga_context *context, int64_t now_ms,
                   struct err *err)
{
    static const char why[] = "settings of the web server have changed\n";
    struct web_made made;
    int rc;

    if ((w->looked_ms != 0 && now_ms - w->looked_ms < LOOK_MS) ||
        !file_exists(context->paths.web_note))
        return 0;
    w->looked_ms = now_ms;
    if ((rc = differs(context, &made, err)) != 1)
        return rc;
    if (w->asked_ms != 0 && now_ms - w->asked_ms < AGAIN_MS && str_equal(made.now, w->asked.now))
        return 0;
    if (file_write(context->paths.web_request, why, strlen(why), 0644, err) == -1)
        return -1;
    w->asked = made;
    w->asked_ms = now_ms;
    log_info("%s is %s now: the web server's configuration is to follow", made.name, made.is);
    return 1;
}
