/* SPDX-License-Identifier: GPL-2.0-only */
/* Comes before everything else in every file of the module. */
#ifndef pr_fmt
#define pr_fmt(fmt) "vfiopolicy: " fmt
#endif
