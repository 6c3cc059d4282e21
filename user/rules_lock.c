// SPDX-License-Identifier: GPL-2.0-only
/*
 * The right to edit the rule files: a lock on their folder, which has to be the
 * one that everybody else sees when it is got.
 */
#include <sys/file.h>
#include <unistd.h>

#include "rules.h"

/* Has the folder been put elsewhere while it was waited for? */
static int is_still_there(int dir, bool *same, struct vp_rules_error *error)
{
	struct stat ours, now;
	int again, ret;

	ret = vp_rules_open_folder(VP_RULES_ETC, true, &again, error);
	if (ret)
		return ret;
	*same = !fstat(dir, &ours) && !fstat(again, &now) &&
		ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
	close(again);
	return 0;
}

/**
 * vp_rules_lock() - get the right to edit
 * @lock: filled in; to be given back with vp_rules_unlock(), also after an
 *        error
 * @wait: wait for whoever has it, however long that takes
 * @error: says why not
 *
 * Makes the folders when they are not there. Call it without @wait first, so
 * that the user can be told what is waited for.
 *
 * Return: 0; -EWOULDBLOCK when somebody else has it and @wait is false; -EINTR
 * when a signal ended the waiting; -EPERM when others than root may write the
 * folders; any other -errno of making or opening them.
 */
int vp_rules_lock(struct vp_rules_lock *lock, bool wait,
		  struct vp_rules_error *error)
{
	bool same = false;
	int ret;

	for (lock->dir = -1; !same; ) {
		vp_rules_unlock(lock);
		ret = vp_rules_open_folder(VP_RULES_ETC, true, &lock->dir,
					   error);
		if (ret) {
			lock->dir = -1;
			return ret;
		}
		if (flock(lock->dir, wait ? LOCK_EX : LOCK_EX | LOCK_NB)) {
			ret = vp_rules_fail(error, -errno, "the rule files cannot be locked: %s",
					    errno == EWOULDBLOCK ?
					    "another vfiopolicy is changing them" :
					    strerror(errno));
			vp_rules_unlock(lock);
			return ret;
		}
		ret = is_still_there(lock->dir, &same, error);
		if (ret) {
			vp_rules_unlock(lock);
			return ret;
		}
	}
	return 0;
}

/**
 * vp_rules_unlock() - give the right to edit back
 * @lock: from vp_rules_lock()
 */
void vp_rules_unlock(struct vp_rules_lock *lock)
{
	if (lock->dir >= 0) {
		/* A process forked meanwhile may have the descriptor as well. */
		flock(lock->dir, LOCK_UN);
		close(lock->dir);
	}
	lock->dir = -1;
}
