#ifndef SETT_DOCTOR_H
#define SETT_DOCTOR_H
/* What is wrong with a box, and what to do about it: a list of findings, the same for the command
 * line, for the API and for a support bundle. */
#include "op.h"

enum finding { FINE, WARNING, BROKEN, SKIPPED };
extern const char *const doctor_finding_names[]; /* "ok", "warning", "broken", "skipped" */

#define DOCTOR_MOST 48

struct doctor_finding {
    const char *name;
    enum finding finding;
    char what[320], fix[240];
};

/** doctor_look(box, findings): make all checks, which takes up to some seconds and changes nothing.
 * What needs rights that this process lacks is SKIPPED. Return how many there are. */
unsigned doctor_look(const struct op_box *box, struct doctor_finding findings[DOCTOR_MOST]);

/** doctor_fine(findings, count): whether none is BROKEN. */
bool doctor_fine(const struct doctor_finding *findings, unsigned count);

/** doctor_json(findings, count, j): the list as one JSON object. */
void doctor_json(const struct doctor_finding *findings, unsigned count, struct json_out *j);

/* What the checks share. */
struct look {
    const struct op_box *box;
    char text[320], fix[240]; /* what was found; what to do */
};

/** doctor_say(l, f, fix, fmt, ...): the finding with its text and the one thing to do. Return ${f}.
 */
enum finding doctor_say(struct look *l, enum finding f, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** doctor_runtimes(l): what the runtimes of the blueprints that plans are sold with need: programs,
 * images, an engine that answers, a swarm that is active. */
enum finding doctor_runtimes(struct look *l);

/** doctor_certificate(l): the certificate at /etc/sett/tls, and what is to renew it. */
enum finding doctor_certificate(struct look *l);

/** doctor_web(l): whether a web server leads here, by a configuration for the settings that hold.
 */
enum finding doctor_web(struct look *l);

/** doctor_backups(l): whether there is anything to restore from, and whether that is proven. */
enum finding doctor_backups(struct look *l);

/** doctor_place(l): whether this machine is where the box lives. */
enum finding doctor_place(struct look *l);

/** doctor_units(l): that systemd has all units, runs them, starts them at a boot, and had not to
 * start them over and over; in a container, that they may have their walls. */
enum finding doctor_units(struct look *l);

/** doctor_users(l): users and groups, and who may read and write what of the box. */
enum finding doctor_users(struct look *l);

/** doctor_time_zone(l): which zone dates and schedules go by, and the machine's own. */
enum finding doctor_time_zone(struct look *l);

/** doctor_logs(l): that logs have a bound. */
enum finding doctor_logs(struct look *l);

/** doctor_system(l): Debian's release, what the kernel can do for tenants, a reboot that is due. */
enum finding doctor_system(struct look *l);

/** doctor_ingress(l): what leads visitors to tenants; where that is Cloudflare's tunnels, whether
 * cloudflared is there and new enough. */
enum finding doctor_ingress(struct look *l);

/** doctor_engines(l): whether the container engines on other machines answer. */
enum finding doctor_engines(struct look *l);

#endif
