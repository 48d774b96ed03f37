#ifndef SETT_COMMIT_H
#define SETT_COMMIT_H
/* The queue of changes that wait to be written, one for each environment. What puts changes into it
 * is db_write in db.h. */

#include <stdint.h>

struct commit_queue;

/** commit_queue_new(): an empty queue without a thread yet, or NULL. It lives as long as its
 * environment: to the end of the process. */
struct commit_queue *commit_queue_new(void);

/** commit_queue_held_ms(queue): how long this process has had the store's write lock by now; 0 when
 * it has not. */
int64_t commit_queue_held_ms(struct commit_queue *queue);

/** commit_queue_waiting(queue): how many wait for their turn at this moment. */
unsigned commit_queue_waiting(struct commit_queue *queue);

#endif
