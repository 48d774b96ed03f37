#ifndef SETT_UPGRADE_H
#define SETT_UPGRADE_H
/*
 * One version of sett in the place of another, and the way back. `sett upgrade` looks, shows the
 * plan and writes down what is wanted; a program of its own (sett-upgrade, as a copy that the
 * package cannot replace under it) leads: it is started by systemd, outlives the terminal, and when
 * the machine goes down in the middle it is started again by the next boot and knows from the
 * state's file where things stood. It never opens the store: what must, is a child that gives up
 * root first.
 */
#include <stdbool.h>
#include <stdint.h>
#include "conf.h"
#include "hold.h"
#include "kv.h"
#include "paths.h"

#define UPGRADE_KEEP_MS 60000 /* how long a new version is watched, and may take to come up */

struct upgrade {
    struct paths paths;
    struct conf conf;        /* sett.conf, whose [upgrade] names other tools, below a root */
    char folder[PATHS_SIZE]; /* var/lib/sett/upgrade: root's */
    struct kv state;         /* as it is on the disk */
    struct hold hold;        /* while nobody else may have live/ */
};

/* Names in the state. */
#define UPGRADE_PHASE   "phase"
#define UPGRADE_FROM    "from" /* versions */
#define UPGRADE_TO      "to"
#define UPGRADE_OLD     "old"    /* the package to go back with */
#define UPGRADE_NEW     "new"    /* and the one to go on with */
#define UPGRADE_RETURN  "return" /* downgrade: the store that is to come back */
#define UPGRADE_UNITS   "units"  /* that ran */
#define UPGRADE_BROKEN  "broken" /* what doctor found broken before */
#define UPGRADE_WATCH   "watch_s"
#define UPGRADE_SWAPPED "swapped" /* 1: the store was exchanged */
#define UPGRADE_REASON  "reason"  /* why it goes back */
#define UPGRADE_ENDED   "ended"   /* done, undone, failed, nothing */

/* ---- upgrade_state.c ---- */

/** upgrade_open(u, root, err): paths, configuration, and the state, if there is one. Return 1 if
 * there is, 0 or -1. */
int upgrade_open(struct upgrade *u, const char *root, struct err *err);

/** upgrade_folder(u, err): the upgrade's folder is there, and nobody else's: what lies in it is run
 * as whoever this is. Return 0 or -1. */
int upgrade_folder(const struct upgrade *u, struct err *err);

/** upgrade_file(u, name, out): a file of the upgrade's folder. */
void upgrade_file(const struct upgrade *u, const char *name, char out[PATHS_SIZE + 64]);

/** upgrade_tool(u, name): the program to run: "dpkg", "systemctl", "sett" … absolute. */
const char *upgrade_tool(const struct upgrade *u, const char *name);

/** upgrade_set(u, name, value, err): in the state, and on the disk. Return 0 or -1. */
int upgrade_set(struct upgrade *u, const char *name, const char *value, struct err *err);

/** upgrade_phase(u, phase, err): what is done from now on. Return 0 or -1. */
int upgrade_phase(struct upgrade *u, const char *phase, struct err *err);

/** upgrade_end(u, ended, err): the state becomes the result; whoever waits for it sees it. 0 or
 * -1. */
int upgrade_end(struct upgrade *u, const char *ended, struct err *err);

/** upgrade_result(u, out, err): how the last one ended. Return 1, 0 if there was none, or -1. */
int upgrade_result(const struct upgrade *u, struct kv *out, struct err *err);

/** upgrade_say(u, fmt, ...): a line for whoever follows, and for the journal. */
void upgrade_say(const struct upgrade *u, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- upgrade_child.c ---- */

struct upgrade_child {
    const char *const *argv; /* argv[0] absolute */
    struct buf *out;         /* its standard output; NULL: to whoever follows */
    const char *folder;      /* where it works; NULL: here */
    bool quiet;              /* what it says is only in ${said} */
    bool holds;              /* it may know that nobody else has live/ */
    int wait_ms;             /* after which it is killed */
};

/** upgrade_run(u, child, said, err): run a program to its end, without a terminal. ${said}: its
 * last words, of both outputs. Return its exit code (128 if it was killed), or -1. */
int upgrade_run(const struct upgrade *u, const struct upgrade_child *child, char said[256],
                struct err *err);

/* ---- upgrade_units.c ---- */

/** upgrade_units_stop(u, err): note which units run, have the programs end at a boundary of their
 * work, and keep them from being started. Nobody has live/ then but ${u}. Return 0 or -1. */
int upgrade_units_stop(struct upgrade *u, struct err *err);

/** upgrade_units_start(u, err): let go, and start what ran. Return 0 or -1. */
int upgrade_units_start(struct upgrade *u, struct err *err);

/** upgrade_over(u): nothing is to be led by the next boot. */
void upgrade_over(const struct upgrade *u);

/** upgrade_units_restarts(u): how often systemd had to start them again. */
uint64_t upgrade_units_restarts(const struct upgrade *u);

/* ---- upgrade_watch.c ---- */

/** upgrade_note_before(u, err): what is broken already, and which tenants answer, into the state.
 * Return 0 or -1. */
int upgrade_note_before(struct upgrade *u, struct err *err);

/** upgrade_well(u, err): wait until all programs answer. Return 0 or -1. */
int upgrade_well(const struct upgrade *u, struct err *err);

/** upgrade_watch(u, err): for as long as the state says: they answer on, none is begun anew again
 * and again, doctor finds nothing broken that was not, tenants answer that did. Return 0, or -1
 * saying what is wrong. */
int upgrade_watch(const struct upgrade *u, struct err *err);

/* ---- upgrade_facts.c ---- */

enum upgrade_weight { UPGRADE_FINE, UPGRADE_WARNS, UPGRADE_STOPS, UPGRADE_SKIPPED };

struct upgrade_fact {
    const char *name;
    enum upgrade_weight weight;
    char text[ERR_TEXT_SIZE + 40], fix[ERR_HINT_SIZE];
};
#define UPGRADE_FACTS 12

/* What is known before anything is done. */
struct upgrade_plan {
    char from[96], to[96];          /* versions; to "": none is offered */
    char package[PATHS_SIZE + 160]; /* the file; "": not fetched */
    char unpacked[PATHS_SIZE + 64]; /* the package's files beside; "": they are not */
    bool older, due, newer_store;   /* due: the store's schema changes */
    uint32_t schema_from, schema_to;
    uint64_t store_bytes, need_bytes, free_bytes;
    int64_t copy_ms, migrate_ms, check_ms;
    struct upgrade_fact facts[UPGRADE_FACTS];
    unsigned count;
};

/** upgrade_ask(u, program, words, err): what a command of sett answers, as JSON; ${program} NULL:
 * the installed one. NULL with ${err}, whose code is the command's own; to be freed. */
struct cJSON *upgrade_ask(const struct upgrade *u, const char *program, const char *const *words,
                          struct err *err);

/** upgrade_package(u, plan, file, version, fetch, err): which package it is about: a file, or what
 * apt has; ${fetch}: download it. Return 1, 0 if there is none, or -1. */
int upgrade_package(const struct upgrade *u, struct upgrade_plan *plan, const char *file,
                    const char *version, bool fetch, struct err *err);

/** upgrade_newer(u, a, b): whether version ${a} is newer than ${b}, as dpkg has it. */
bool upgrade_newer(const struct upgrade *u, const char *a, const char *b);

/** upgrade_facts(u, plan): look at everything that speaks for or against it; the package's own
 * program migrates a copy of the store. */
void upgrade_facts(const struct upgrade *u, struct upgrade_plan *plan);

/** upgrade_facts_end(plan): what was laid aside for looking goes. */
void upgrade_facts_end(struct upgrade_plan *plan);

/* ---- upgrade_lead.c ---- */

/** upgrade_lead(u, ready, err): go on from where the state says. ${ready} is called once the
 * programs may be started. Return 0 when the new version stays, 1 when the old one is there again,
 * or -1. */
int upgrade_lead(struct upgrade *u, void (*ready)(void), struct err *err);

#endif
