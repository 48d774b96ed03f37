/*
 * Which runtime a verb goes to. Apart because each is made when it is first needed, by whichever
 * request needs it, and a box pays for none that it does not use.
 */
#include "file.h"
#include "hands_world.h"
#include "http.h"
#include "runtime_docker.h"
#include "runtime_lxc.h"
#include "runtime_swarm.h"
#include "str.h"

struct runtime *hands_docker(struct hands_world *w, struct err *err)
{
    struct runtime_docker_setup setup = {.socket = w->docker_socket,
                                         .pool = w->docker_pool,
                                         .tenants = w->paths->tenants,
                                         .box_id = ""};
    struct runtime *docker = &w->docker;

    if (w->docker_socket == NULL) {
        (void)err_set(err, ERR_INVALID, "runtime_missing", "this box has no runtime docker");
        return NULL;
    }
    (void)pthread_mutex_lock(&w->docker_lock);
    if (docker->self == NULL &&
        (http_init(err) == -1 || runtime_docker_new(docker, &setup, err) == -1))
        docker = NULL;
    (void)pthread_mutex_unlock(&w->docker_lock);
    return docker;
}

struct runtime *hands_lxc(struct hands_world *w, struct err *err)
{
    struct runtime *lxc = &w->lxc;

    (void)pthread_mutex_lock(&w->docker_lock);
    if (lxc->self == NULL && w->lxc_setup == NULL) {
        (void)err_set(err, ERR_INVALID, "runtime_missing", "this box has no runtime lxc");
        lxc = NULL;
    } else if (lxc->self == NULL && runtime_lxc_new(lxc, w->lxc_setup, err) == -1) {
        lxc = NULL;
    }
    (void)pthread_mutex_unlock(&w->docker_lock);
    return lxc;
}

struct runtime *hands_swarm(struct hands_world *w, struct err *err)
{
    struct runtime_swarm_setup setup = {.socket = w->docker_socket,
                                        .tenants = w->paths->tenants,
                                        .folder = w->paths->hands,
                                        .ports = w->swarm_ports,
                                        .box_id = ""};
    struct runtime *swarm = &w->swarm;

    if (w->docker_socket == NULL || w->swarm_ports == NULL) {
        (void)err_set(err, ERR_INVALID, "runtime_missing", "this box has no runtime swarm");
        return NULL;
    }
    (void)pthread_mutex_lock(&w->docker_lock);
    if (swarm->self == NULL &&
        (http_init(err) == -1 || runtime_swarm_new(swarm, &setup, err) == -1))
        swarm = NULL;
    (void)pthread_mutex_unlock(&w->docker_lock);
    return swarm;
}

struct runtime *hands_runtime_named(struct hands_world *w, const char *name, struct err *err)
{
    if (str_equal(name, "process"))
        return w->process;
    if (str_equal(name, "docker"))
        return hands_docker(w, err);
    if (str_equal(name, "lxc"))
        return hands_lxc(w, err);
    if (str_equal(name, "swarm"))
        return hands_swarm(w, err);
    (void)err_set(err, ERR_INVALID, "runtime_missing", "this box has no runtime %s", name);
    return NULL;
}

/* Whose blueprint is gone is still known to the runtime that has it. */
struct runtime *hands_runtime_of(struct hands_world *w, uint64_t number, struct err *err)
{
    struct process_status known;
    char name[24];
    bool in_lxc;

    (void)str_format(name, sizeof name, "%llu", (unsigned long long)number);
    process_group_status(w->group, name, &known);
    if (known.known)
        return w->process;
    (void)pthread_mutex_lock(&w->docker_lock); /* another request may be making it just now */
    in_lxc = runtime_lxc_known(&w->lxc, number);
    (void)pthread_mutex_unlock(&w->docker_lock);
    if (in_lxc)
        return &w->lxc;
    if (w->docker_socket == NULL || !file_exists(w->docker_socket))
        return w->process;
    return hands_docker(w, err);
}
