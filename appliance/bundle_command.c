/* `sett support-bundle`: the bundle into a file that others cannot read. Made here, so that it can
 * be had of a box whose worker does not answer. */
#include <fcntl.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "bundle.h"
#include "cli.h"
#include "file.h"
#include "str.h"

#define WAIT_MS 60000

static int ask_worker(void *arg, const char *question, const struct kv *params, struct buf *out,
                      struct err *err)
{
    return ask(arg, question, params, WAIT_MS, out, err);
}

int cli_support_bundle(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct bundle_source source = {ask_worker, cli->paths.ask_sock};
    char name[160];
    const char *path = argc == 1 ? argv[0] : name;
    struct buf tar;
    int fd, rc = -1;

    if (argc > 1 || (argc == 1 && argv[0][0] == '-'))
        return err_field(err, "argument", "usage", "usage: sett support-bundle [FILE]");
    if (cli_open(cli, err) == -1)
        return -1;
    bundle_name(&cli->box, name, sizeof name);
    buf_init(&tar, 2 * BUNDLE_MAX);
    if (bundle_make(&cli->box, &source, &tar, err) == 0) {
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd == -1 || file_write_all(fd, tar.data, tar.len) == -1) {
            (void)err_sys(err, "bundle", errno, path);
            (void)err_hint(err, "name a file that is not there yet, in a folder of your own: sett "
                                "support-bundle /tmp/bundle.tar");
        } else {
            printf("%s: %zu bytes. Keys, passwords and e-mail addresses were taken out; read it "
                   "before you send it.\n",
                   path, tar.len);
            rc = 0;
        }
        if (fd != -1)
            (void)close(fd);
    }
    buf_free(&tar);
    return rc;
}
