/*
 * What this box's own container engine is, and what this machine lets it do. Apart from the
 * runtime, which only works with it: here is asked what an operator wants to know before there is a
 * tenant, above all on a box that is itself a container, where it depends on what its host allows.
 */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "docker_api.h"
#include "file.h"
#include "hands_world.h"
#include "http.h"
#include "json_in.h"
#include "json_out.h"
#include "process_launch.h"
#include "str.h"

#define LOOK_S 10

struct looking {
    struct hands_world *world;
    struct json_out *j;
    char container[32]; /* what kind of container this machine is, "": none */
    bool nesting, keyctl, fuse;
};

static void problem(struct looking *l, const char *what, const char *fix)
{
    json_out_object(l->j);
    json_out_key_text(l->j, "what", what);
    json_out_key_text(l->j, "fix", fix);
    json_out_end_object(l->j);
}

/* systemd writes it down at boot: "lxc". */
static void read_container(struct looking *l)
{
    struct buf b;

    buf_init(&b, 200);
    if (file_read("/run/systemd/container", &b, NULL) == 0 && b.len > 0)
        (void)str_copy_n(l->container, sizeof l->container, b.data, strcspn(b.data, "\n"));
    buf_free(&b);
}

/* Whether a command succeeds on this machine, and not behind the hands' own walls. */
static bool succeeds(const struct hands_world *world, const char *const *argv)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct err err;
    struct buf out;
    int code = 1;

    buf_init(&out, 2000);
    if (plan != NULL)
        plan->apart = world->apart;
    if (plan == NULL || str_copy(plan->name, sizeof plan->name, "nesting") == -1 ||
        process_plan_args(plan, (char *const *)(uintptr_t)argv) == -1 ||
        process_run(plan, LOOK_S, &out, &code, &err) == -1)
        code = 1;
    buf_free(&out);
    free(plan);
    return code == 0;
}

/* What every container engine does first: namespaces of its own with a /proc of its own. */
static bool may_nest(const struct hands_world *world)
{
    static const char *const argv[] = {"/usr/bin/unshare", "--mount",   "--pid", "--fork",
                                       "--mount-proc",     "/bin/true", NULL};

    return succeeds(world, argv);
}

static bool has_fuse(const struct hands_world *world)
{
    static const char *const argv[] = {"/usr/bin/test", "-c", "/dev/fuse", NULL};

    return succeeds(world, argv);
}

/* runc takes "there is no such call" for an answer, and nothing else. */
static bool keyring_fine(void)
{
    return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) != -1 ||
           errno == ENOSYS || errno == ENOKEY;
}

static void machine_problems(struct looking *l, bool answers)
{
    if (!l->nesting && l->container[0] != '\0')
        problem(l, "this container may hold no containers: nesting is off",
                "on its host: pct set ID --features nesting=1, then pct reboot ID; with LXC: "
                "lxc.include = /usr/share/lxc/config/nesting.conf");
    else if (!l->nesting)
        problem(l, "this machine lets nobody make namespaces",
                "is its kernel or a policy in the way?");
    if (!l->keyctl)
        problem(
            l, "keyrings are refused here, and runc does not go on without",
            "on the host: pct set ID --features nesting=1,keyctl=1 (root@pam alone may set it), "
            "or apt install crun and make it the engine's runtime");
    if (!answers)
        problem(l, "no engine answers at the socket of [hands] docker_socket",
                "apt install docker.io; or apt install podman, systemctl enable --now "
                "podman.socket, and docker_socket = /run/podman/podman.sock in sett.conf");
}

static void engine_problems(struct looking *l, const struct cJSON *info)
{
    const struct cJSON *warnings = json_at(info, "Warnings"), *at = NULL;
    const char *driver = json_text(info, "Driver", "");

    if (str_equal(driver, "vfs"))
        problem(l, "its storage driver is vfs: each container is a whole copy of its image",
                l->fuse ? "apt install fuse-overlayfs, then restart the engine with no containers"
                        : "on the host: pct set ID --features nesting=1,fuse=1; then apt install "
                          "fuse-overlayfs");
    if (str_equal(json_text(info, "CgroupVersion", "2"), "1"))
        problem(l, "control groups are of version 1",
                "boot with systemd.unified_cgroup_hierarchy=1");
    if (!json_bool(info, "MemoryLimit", true))
        problem(l, "it cannot limit memory here",
                "the memory controller must be delegated to this "
                "machine: is it cgroup2 on the host, too?");
    while ((at = json_next(warnings, at)) != NULL)
        if (strstr(json_text(at, "", ""), "No ") != NULL)
            problem(l, json_text(at, "", ""), "the kernel or the host does not offer it here");
}

static void write_engine(struct looking *l, const struct cJSON *version, const struct cJSON *info)
{
    struct json_out *j = l->j;

    json_out_key_text(j, "name", json_text(version, "Components[0].Name", "engine"));
    json_out_key_text(j, "version", json_text(version, "Version", ""));
    json_out_key_text(j, "api_version", json_text(version, "ApiVersion", ""));
    json_out_key_text(j, "storage", json_text(info, "Driver", ""));
    json_out_key_text(j, "cgroup_version", json_text(info, "CgroupVersion", ""));
    json_out_key_text(j, "runtime", json_text(info, "DefaultRuntime", ""));
    json_out_key_u64(j, "containers", (uint64_t)json_i64(info, "Containers", 0));
}

static bool get(struct docker_api *api, const char *path, struct docker_reply *reply)
{
    struct err err;

    if (docker_api_call(api, "GET", path, NULL, LOOK_S, reply, &err) != 0)
        return false;
    if (reply->status == 200 && reply->json != NULL)
        return true;
    docker_reply_free(reply);
    return false;
}

static void look(struct looking *l)
{
    struct docker_reply version = {.json = NULL}, info = {.json = NULL};
    const char *socket = l->world->docker_socket;
    struct docker_api api;
    struct err err;
    bool made, answers = false;

    json_out_object(l->j);
    json_out_key_text(l->j, "object", "engine_local");
    json_out_key_text(l->j, "socket", socket == NULL ? "" : socket);
    json_out_key_text(l->j, "container", l->container);
    json_out_key_bool(l->j, "nesting", l->nesting);
    json_out_key_bool(l->j, "keyctl", l->keyctl);
    json_out_key_bool(l->j, "fuse", l->fuse);
    made = socket != NULL && file_exists(socket) && http_init(&err) == 0 &&
           docker_api_init(&api, socket, &err) == 0;
    if (made)
        answers = get(&api, "/version", &version) && get(&api, "/info", &info);
    json_out_key_bool(l->j, "answers", answers);
    if (answers)
        write_engine(l, version.json, info.json);
    json_out_key(l->j, "problems");
    json_out_array(l->j);
    machine_problems(l, answers);
    if (answers)
        engine_problems(l, info.json);
    json_out_end_array(l->j);
    json_out_end_object(l->j);
    docker_reply_free(&version);
    docker_reply_free(&info);
    if (made)
        docker_api_free(&api);
}

enum outcome hands_engine_local(struct hands_job *job, struct err *err)
{
    struct json_out j;
    struct looking l = {.world = job->world, .j = &j};

    json_out_init(&j, job->stream);
    read_container(&l);
    l.nesting = may_nest(job->world);
    l.keyctl = keyring_fine();
    l.fuse = has_fuse(job->world);
    look(&l);
    if (job->stream->failed)
        return hands_outcome(err_set(err, ERR_TOO_LARGE, "answer_too_large", "too large"), err);
    return OUTCOME_OK;
}
