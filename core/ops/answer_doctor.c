/* Doctor's findings as the worker makes them, who may look at more than the command line. */
#include "answer_doctor.h"

#include <stdlib.h>

#include "doctor.h"

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
        json_out_init(&j, out);
        doctor_json(findings, doctor_look(box, findings), &j);
    }
    free(findings);
    free(box);
    return result;
}
