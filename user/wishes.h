/* SPDX-License-Identifier: GPL-2.0-only */
/* What a rule asks for by its options: can this host do that? */
#ifndef VFIOPOLICY_WISHES_H
#define VFIOPOLICY_WISHES_H

#include <sys/types.h>

#include "host.h"

/* Room for every sentence that is made here. */
#define VP_WISH_LEN	256

/**
 * enum vp_wish - can it be done
 * @VP_WISH_FINE: yes, as far as is known
 * @VP_WISH_UNSURE: that cannot be told, or not now
 * @VP_WISH_ABSENT: not as this host is; what is missing may yet come
 * @VP_WISH_WRONG: no
 */
enum vp_wish {
	VP_WISH_FINE,
	VP_WISH_UNSURE,
	VP_WISH_ABSENT,
	VP_WISH_WRONG,
};

enum vp_wish vp_wish_driver(const struct vp_host *host, const char *driver,
			    char *text);
enum vp_wish vp_wish_owner(const char *owner, uid_t *uid, gid_t *gid,
			   char *text);
enum vp_wish vp_wish_vfs(const struct vp_host *host,
			 const struct vp_host_dev *pf, u32 count, char *text);
enum vp_wish vp_wish_vfs_of(const struct vp_host *host,
			    const struct vp_rule *rule,
			    const struct vp_host_dev **pf, char *text);

#endif /* VFIOPOLICY_WISHES_H */
