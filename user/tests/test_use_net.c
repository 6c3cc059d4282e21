// SPDX-License-Identifier: GPL-2.0-only
/* What goes over the network interfaces of a device, on made-up hosts. */
#include <ifaddrs.h>
#include <stdarg.h>

#include "uses.h"

#define NIC	"0000:03:00.0"
#define SPARE	"0000:03:00.1"

static const char no_mounts[] =
	"21 1 0:5 / /proc rw - proc none rw\n";
static const char head[] =
	"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

/* In place of the C library's: the kernel does not answer. */
int getifaddrs(struct ifaddrs **list)
{
	*list = NULL;
	errno = ENOBUFS;
	return -1;
}

static void uevent(const char *name, const char *kind)
{
	char dir[256], text[64];

	snprintf(dir, sizeof(dir), "class/net/%s", name);
	snprintf(text, sizeof(text), "DEVTYPE=%s\nINTERFACE=%s\n", kind, name);
	tree_text(dir, "uevent", text);
	tree_text(dir, "flags", "0x1003\n");
}

static void upper(const char *name, const char *above)
{
	char path[512];

	snprintf(path, sizeof(path), "class/net/%s/upper_%s", name, above);
	tree_symlink(path, "../whatever");
}

static void enslave(const char *name, const char *above)
{
	char path[512], target[64];

	upper(name, above);
	snprintf(path, sizeof(path), "class/net/%s/master", name);
	snprintf(target, sizeof(target), "../../virtual/net/%s", above);
	tree_symlink(path, target);
}

/* A card with two ports, both up. */
static void two_ports(const char *mountinfo)
{
	uses_make(mountinfo);
	tree_below("pci0000:00/0000:00:1c.0", NIC, 0x8086, 0x10c9, 0x020000,
		   "igb");
	tree_below("pci0000:00/0000:00:1c.0", SPARE, 0x8086, 0x10c9, 0x020000,
		   "igb");
	tree_class("net", "pci0000:00/0000:00:1c.0/" NIC "/net", "eth0");
	tree_class("net", "pci0000:00/0000:00:1c.0/" SPARE "/net", "eth1");
	tree_text("class/net/eth0", "flags", "0x1003\n");
	tree_text("class/net/eth1", "flags", "0x1003\n");
}

/* @routes without the heading. */
static void routes(const char *text)
{
	char all[1024];

	snprintf(all, sizeof(all), "%s%s", head, text);
	tree_text("proc/net", "route", all);
}

static void test_addresses(void)
{
	two_ports(no_mounts);
	uses_are(NIC, "", "up is not used");
	tree_text("proc", "addresses",
		  "lo 127.0.0.1\neth0 fe80::1\neth0 169.254.3.4\n");
	uses_are(NIC, "", "nor is an address of the link alone");
	tree_text("proc", "addresses",
		  "lo 127.0.0.1\neth0 10.0.0.5\neth0 2001:db8::5\nodd\n");
	uses_are(NIC, "address: the host's addresses 10.0.0.5 and 1 more are on it (eth0)",
		 "addresses");
	uses_are(SPARE, "", "of the other port not");
	uses_ssh = "10.0.0.9 51234 10.0.0.5 22";
	uses_are(NIC, "ssh: your ssh login comes in over it (10.0.0.5 on eth0)\n"
		 "address: the host's addresses 10.0.0.5 and 1 more are on it (eth0)",
		 "this very login");
	uses_ssh = "::ffff:10.0.0.9 51234 ::ffff:10.0.0.5 22";
	uses_are(NIC, "ssh: your ssh login comes in over it (10.0.0.5 on eth0)\n"
		 "address: the host's addresses 10.0.0.5 and 1 more are on it (eth0)",
		 "the same as IPv6 has it");
	uses_ssh = "10.0.0.9 51234 10.0.0.6 22";
	uses_are(NIC, "address: the host's addresses 10.0.0.5 and 1 more are on it (eth0)",
		 "a login by another port");
	tree_text("proc", "addresses",
		  "eth0 fe80::5\neth1 fe80::5\neth1 169.254.3.4\n");
	uses_ssh = "fe80::9%eth0 51234 fe80::5%eth0 22";
	uses_are(NIC, "ssh: your ssh login comes in over it (fe80::5 on eth0)",
		 "a login over the link alone");
	uses_are(SPARE, "", "not over another link with the same address");
	uses_ssh = "fe80::9%7 51234 fe80::5%7 22";
	uses_are(SPARE, "ssh: your ssh login comes in over it (fe80::5 on eth1)",
		 "a link whose name nobody knows may be any");
	uses_ssh = "169.254.3.9 51234 169.254.3.4 22";
	uses_are(SPARE, "ssh: your ssh login comes in over it (169.254.3.4 on eth1)",
		 "over the link alone, in IPv4");
	uses_ssh = "nonsense";
	tree_text("proc", "addresses", "eth0:1 10.0.0.7\n");
	uses_are(NIC, "address: the host's address 10.0.0.7 is on it (eth0)",
		 "an address with a label");
}

static void test_login(void)
{
	static const char env[] =
		"HOME=/\0SSH_CONNECTION=10.0.0.9 51234 10.0.0.5 22\0X=y";

	two_ports(no_mounts);
	tree_text("proc", "addresses", "eth0 10.0.0.5\n");
	uses_process(100, "sudo\n", "", 0);
	tree_put("proc/100/environ", "HOME=/root", 11);
	tree_text("proc/100", "status", "Name:\tsudo\nPPid:\t99\n");
	uses_process(99, "bash\n", "", 0);
	tree_text("proc/99", "status", "Name:\tbash\nPPid:\t100\n");
	uses_pid = 100;
	uses_are(NIC, "address: the host's address 10.0.0.5 is on it (eth0)",
		 "no login anywhere, and a ring of parents comes to an end");
	tree_put("proc/99/environ", env, sizeof(env));
	uses_are(NIC, "ssh: your ssh login comes in over it (10.0.0.5 on eth0)\n"
		 "address: the host's address 10.0.0.5 is on it (eth0)",
		 "the login that sudo was called from");
	uses_pid = 1;
	uses_are(NIC, "address: the host's address 10.0.0.5 is on it (eth0)",
		 "what was started at boot has none");
}

static void test_defaults(void)
{
	two_ports(no_mounts);
	routes("eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	       "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	uses_are(NIC, "default-route: the default route goes over it (eth0)",
		 "the default route");
	uses_are(SPARE, "", "not over the other port");
	routes("eth1\t0000010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
	       "eth0\t00000000\t0100000A\t0203\t0\t0\t0\t00000000\t0\t0\t0\n");
	uses_are(NIC, "", "a route that refuses");
	uses_are(SPARE, "route: the route to 10.1.0.0/24 goes over it (eth1)",
		 "another route");
	routes("nonsense\n\n");
	tree_text("proc/net", "ipv6_route",
		  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe80000000000000000000000000000a 00000400 00000001 00000000 00000003     eth1\n"
		  "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
		  "00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
		  "00 01\n");
	uses_are(SPARE, "default-route: the default route goes over it (eth1)",
		 "the default route of IPv6");
	uses_are(NIC, "", "a route of the link alone");
}

static void test_bond_in_bridge(void)
{
	two_ports(no_mounts);
	tree_class("net", "virtual/net", "bond0");
	tree_class("net", "virtual/net", "br0");
	uevent("bond0", "bond");
	uevent("br0", "bridge");
	enslave("eth0", "bond0");
	enslave("eth1", "bond0");
	enslave("bond0", "br0");
	uses_are(NIC, "member: bridge br0 is on it (bond bond0 on eth0)",
		 "a bridge without an address may be that of guests");
	tree_text("proc", "addresses", "br0 10.0.0.5\n");
	routes("br0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	uses_ssh = "10.0.0.9 51234 10.0.0.5 22";
	uses_are(SPARE,
		 "ssh: your ssh login comes in over it (10.0.0.5 on bridge br0 on bond bond0 on eth1)\n"
		 "default-route: the default route goes over it (bridge br0 on bond bond0 on eth1)\n"
		 "address: the host's address 10.0.0.5 is on it (bridge br0 on bond bond0 on eth1)",
		 "default route on a bridge on a bond");

	/* Links in a ring end, too. */
	upper("br0", "bond0");
	uses_are(NIC,
		 "ssh: your ssh login comes in over it (10.0.0.5 on bridge br0 on bond bond0 on eth0)\n"
		 "default-route: the default route goes over it (bridge br0 on bond bond0 on eth0)\n"
		 "address: the host's address 10.0.0.5 is on it (bridge br0 on bond bond0 on eth0)",
		 "a ring of links comes to an end");
}

/* What Open vSwitch has its ports on is down at all times, and of no kind. */
static void test_switch(void)
{
	two_ports(no_mounts);
	tree_class("net", "virtual/net", "ovs-system");
	tree_text("class/net/ovs-system", "uevent", "INTERFACE=ovs-system\n");
	tree_text("class/net/ovs-system", "flags", "0x1002\n");
	upper("eth0", "ovs-system");
	uses_are(NIC, "", "something that is down");
	enslave("eth0", "ovs-system");
	uses_are(NIC, "member: ovs-system is on it (eth0)",
		 "a port of a switch that is down");
}

static void test_vlans(void)
{
	two_ports(no_mounts);
	tree_class("net", "virtual/net", "eth0.5");
	tree_class("net", "virtual/net", "macvtap0");
	uevent("eth0.5", "vlan");
	uevent("macvtap0", "macvtap");
	upper("eth0", "eth0.5");
	uses_are(NIC, "member: vlan eth0.5 is on it (eth0)", "a VLAN that is up");
	uses_are(SPARE, "", "not on the other port");
	tree_text("class/net/eth0.5", "flags", "0x1002\n");
	uses_are(NIC, "", "one that is down");
	upper("eth1", "macvtap0");
	uses_are(SPARE, "member: macvtap macvtap0 is on it (eth1)",
		 "a port that guests have");
	tree_text("proc", "addresses", "eth0.5 192.168.5.1\n");
	uses_are(NIC, "address: the host's address 192.168.5.1 is on it (vlan eth0.5 on eth0)",
		 "an address on a VLAN");
}

static void test_remotes(void)
{
	two_ports("25 1 0:40 / / rw - nfs4 nas:/root rw,vers=4.2,addr=10.0.0.9\n"
		  "26 1 0:41 / /data rw - nfs 172.16.1.2:/d rw,addr=172.16.1.2\n"
		  "27 1 0:42 / /odd rw - nfs x:/d rw,addr=what\n");
	routes("eth1\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
	       "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	uses_are(NIC, "remote: / (nfs4) from nas:/root is reached over it (eth0)\n"
		 "route: the route to 10.0.0.0/24 goes over it (eth0)",
		 "root by NFS, by the longest prefix");
	uses_are(SPARE, "default-route: the default route goes over it (eth1)\n"
		 "remote: /data (nfs) from 172.16.1.2:/d is reached over it (eth1)",
		 "another mount, by the default route");

	two_ports(no_mounts);
	routes("eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n");
	tree_class("iscsi_connection", "platform/host7/session1",
		   "connection1:0");
	tree_text("class/iscsi_connection/connection1:0", "address",
		  "10.0.0.77\n");
	tree_class("nvme", "virtual/nvme-fabrics/ctl", "nvme3");
	tree_text("class/nvme/nvme3", "address",
		  "traddr=10.0.0.78,trsvcid=4420\n");
	uses_are(NIC, "remote: a disk by NVMe over fabrics from 10.0.0.78 is reached over it (eth0)\n"
		 "remote: a disk by iSCSI from 10.0.0.77 is reached over it (eth0)\n"
		 "route: the route to 10.0.0.0/24 goes over it (eth0)",
		 "disks of other hosts");
	uses_are(SPARE, "", "not over the other port");
}

static void test_usb_port(void)
{
	struct vp_uses uses;

	uses_make(no_mounts);
	tree_below("pci0000:00", "0000:00:14.0", 0x8086, 0xa36d, 0x0c0330,
		   "xhci_hcd");
	tree_class("net", "pci0000:00/0000:00:14.0/usb1/1-2/net", "enx1");
	tree_text("class/net/enx1", "flags", "0x1003\n");
	tree_text("proc", "addresses", "enx1 10.0.0.5\n");
	uses_of("0000:00:14.0", &uses);
	ok(uses.count == 1 && uses.uses[0].kind == VP_USE_ADDRESS &&
	   vp_safety_allow(&uses.uses[0]) == VP_ALLOW_USB,
	   "a network adapter on USB");
}

/* What could not be looked at is not unused. */
static void test_unknown(void)
{
	struct vp_uses uses;

	two_ports(no_mounts);
	uses_ask = true;
	uses_are(NIC, "unknown: what uses it cannot be told, for network addresses could not be looked at: No buffer space available",
		 "the kernel does not tell addresses");
	uses_of(NIC, &uses);
	ok(vp_safety_refusing(&uses, false) == 1 &&
	   vp_safety_refusing(&uses, true) == 1 &&
	   !vp_safety_allow(&uses.uses[0]) &&
	   strstr(vp_safety_in_use(&uses.uses[0]), "may be"),
	   "that refuses, at the next boot, too");
	tree_below("pci0000:00/0000:00:1c.0", "0000:04:00.0", 0x8086, 0x1,
		   0x010000, NULL);
	uses_are("0000:04:00.0", "", "nothing of what has no interface");

	two_ports(no_mounts);
	tree_dir("proc/net/route");
	uses_are(NIC, "unknown: what uses it cannot be told, for routes could not be looked at: Input/output error",
		 "a list of routes that breaks off");

	two_ports(no_mounts);
	tree_dir("proc/net/ipv6_route");
	tree_text("proc", "addresses", "eth1 10.0.0.5\n");
	uses_are(SPARE, "unknown: what uses it cannot be told, for routes could not be looked at: Input/output error\n"
		 "address: the host's address 10.0.0.5 is on it (eth1)",
		 "beside what is known");
}

int main(void)
{
	test_addresses();
	test_login();
	test_defaults();
	test_bond_in_bridge();
	test_switch();
	test_vlans();
	test_remotes();
	test_usb_port();
	test_unknown();
	tree_remove();
	return done();
}
