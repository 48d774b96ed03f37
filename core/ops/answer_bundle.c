/* The support bundle as the worker hands it out. Apart from its making, which the command line does
 * by itself when the worker cannot. */
#include "answer_doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "bundle.h"
#include "file.h"
#include "json_out.h"

static int ask_self(void *arg, const char *question, const struct kv *params, struct buf *out,
                    struct err *err)
{
    return answer_to(arg, question, params, out, err);
}

/* As long as who asked takes it. */
static int hand_out(const struct answer_setup *s, const char *name, const struct buf *tar,
                    struct buf *out, struct err *err)
{
    struct json_out j;
    int ends[2], rc;

    if (pipe2(ends, O_CLOEXEC) == -1)
        return err_sys(err, "pipe", errno, name);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "name", name);
    json_out_key_u64(&j, "bytes", tar->len);
    json_out_end_object(&j);
    rc = s->file(s->progress_arg, out, ends[0]);
    (void)close(ends[0]);
    if (rc == 0)
        rc = file_write_all(ends[1], tar->data, tar->len);
    (void)close(ends[1]);
    return rc == 0 ? 0 : err_set(err, ERR_UNAVAILABLE, "peer_gone", "who asked is gone");
}

int answer_bundle(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err)
{
    struct answer_setup self = *s;
    struct bundle_source source = {ask_self, &self};
    struct op_box *box = answer_box(s);
    char name[160];
    struct buf tar;
    int rc = -1;

    buf_init(&tar, 2 * BUNDLE_MAX);
    if (box == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a bundle");
    else if (s->file == NULL || kv_get_u64(params, "from", 0) != 0)
        (void)err_set(err, ERR_INVALID, "range", "a bundle is made anew each time: take all of it");
    else if (bundle_make(box, &source, &tar, err) == 0) {
        bundle_name(box, name, sizeof name);
        rc = hand_out(s, name, &tar, out, err);
    }
    buf_free(&tar);
    free(box);
    return rc;
}
