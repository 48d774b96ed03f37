/* Doctor's findings as the worker makes them, who may look at more than the command line. */
#include "answer_doctor.h"

#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "str.h"

#define HANDS_MS   10000
#define FRONT_LINE "program front " /* of the verb programs; then the process, 0: none */

struct op_box *answer_box(const struct answer_setup *setup)
{
    const struct saga_context *c = setup->context;
    struct op_box *box = calloc(1, sizeof *box);

    if (box == NULL)
        return NULL;
    box->db = c->db;
    box->paths = c->paths;
    box->conf = c->conf;
    return box;
}

/* Only the web server may speak to the front; that it runs, and how often it had to be started, the
 * hands can see. */
static void look_at_front(const struct answer_setup *setup, struct doctor_finding *f)
{
    struct hands_request request = {.verb = HANDS_PROGRAMS};
    struct hands_reply reply;
    unsigned long pid;
    struct buf b;
    struct err err;
    const char *at;

    buf_init(&b, HANDS_STREAM_MAX);
    if (outside_hands(setup->outside, &request, HANDS_MS, &reply, &b, &err) == OUTCOME_OK &&
        (at = strstr(buf_string(&b), FRONT_LINE)) != NULL) {
        pid = strtoul(at + strlen(FRONT_LINE), NULL, 10);
        f->finding = pid != 0 ? FINE : BROKEN;
        (void)str_format(f->what, sizeof f->what,
                         pid != 0 ? "sett-front runs as process %lu" : "sett-front does not run",
                         pid);
        (void)str_copy(f->fix, sizeof f->fix, pid != 0 ? "" : "systemctl status sett-front");
    }
    buf_free(&b);
}

int answer_doctor(const struct answer_setup *setup, const struct kv *params, struct buf *out,
                  struct err *err)
{
    struct doctor_finding *findings = calloc(DOCTOR_MOST, sizeof *findings);
    struct op_box *box = answer_box(setup);
    struct json_out j;
    int result = 0;

    (void)params;
    if (findings == NULL || box == NULL) {
        result = err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for findings");
    } else {
        unsigned count = doctor_look(box, findings);

        for (unsigned i = 0; i < count; i++)
            if (str_equal(findings[i].name, "front") && findings[i].finding == SKIPPED)
                look_at_front(setup, &findings[i]);
        json_out_init(&j, out);
        doctor_json(findings, count, &j);
    }
    free(findings);
    free(box);
    return result;
}
