// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../dataplane/conf.h"

// Of a dump only the ELF headers: no memory of any kind (core(5)).
#define DUMP_FILTER "0x10"

static int fail(char why[256], int rc, const char *what)
{
	snprintf(why, 256, "%s: %s", what, strerror(-rc));
	return rc;
}

// --- Core dumps ------------------------------------------------------------------------------

// A handler of the system may take a dump in spite of the limit, so there is the filter too.
static int dumps_forbid(char why[256])
{
	struct rlimit none = {0, 0};
	int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
	int rc = 0;

	// A kernel without core dumps has no such file.
	if (fd >= 0) {
		if (write(fd, DUMP_FILTER, strlen(DUMP_FILTER)) < 0)
			rc = -errno;
		close(fd);
	}
	if (rc == 0 && setrlimit(RLIMIT_CORE, &none) != 0)
		rc = -errno;
	return rc == 0 ? 0 : fail(why, rc, "core dumps cannot be forbidden");
}

// --- Capabilities ----------------------------------------------------------------------------

static bool has_device(const struct dp_conf *conf, const char *kind)
{
	for (unsigned i = 0; i < conf->ports; i++)
		if (strncmp(conf->port[i].device, kind, strlen(kind)) == 0)
			return true;
	return false;
}

// Devices that are no virtual ones: PCI addresses.
static bool has_hardware(const struct dp_conf *conf)
{
	for (unsigned i = 0; i < conf->ports; i++)
		if (strncmp(conf->port[i].device, "net_", 4) != 0)
			return true;
	// Devices may be named there too.
	return conf->eal_args[0] != NULL;
}

struct wanted {
	bool is_wanted;
	bool is_held;
	unsigned capability;
};

// Those that were selected stay.
static int capabilities_apply(const struct passwd *account, bool is_privileged, char why[256])
{
	if (account != NULL &&
		capng_change_id((int)account->pw_uid, (int)account->pw_gid,
			CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return fail(why, -EPERM, "user: cannot become that account");
	if (account == NULL &&
		capng_apply(is_privileged ? CAPNG_SELECT_ALL : CAPNG_SELECT_CAPS) != 0)
		return fail(why, -EPERM, "capabilities cannot be dropped");
	return 0;
}

// Whom root is to become; NULL: nobody else.
static int account_find(const char *user, const struct passwd **account, char why[256])
{
	*account = NULL;
	if (user[0] == '\0')
		return 0;
	*account = getpwnam(user);
	if (*account == NULL)
		return fail(why, -ENOENT, "user: no such account");
	if (geteuid() != 0 && geteuid() != (*account)->pw_uid)
		return fail(why, -EPERM, "user: only root can become another account");
	if (geteuid() != 0 || (*account)->pw_uid == 0)
		*account = NULL;
	return 0;
}

static int capabilities_drop(
	const struct dp_conf *conf, bool has_group, const struct passwd *account, char why[256])
{
	bool is_xdp = has_device(conf, "net_af_xdp"), is_hardware = has_hardware(conf);
	bool is_kernel = is_xdp || is_hardware || has_device(conf, "net_af_packet") ||
		has_device(conf, "net_pcap") || has_device(conf, "net_tap");
	struct wanted wanted[] = {
		{true, false, CAP_IPC_LOCK}, // keys stay out of swap
		{true, false, CAP_NET_BIND_SERVICE}, // HTTP on port 80
		{has_group, false, CAP_CHOWN},
		{is_kernel, false, CAP_NET_RAW},
		{is_kernel, false, CAP_NET_ADMIN},
		{is_xdp, false, CAP_BPF},
		{is_xdp, false, CAP_PERFMON}, // libxdp's program compares pointers
		// Programs are found by their numbers; physical addresses of memory.
		{is_xdp || is_hardware, false, CAP_SYS_ADMIN},
		{is_hardware, false, CAP_SYS_RAWIO},
	};
	size_t n = sizeof(wanted) / sizeof(wanted[0]);
	bool is_privileged;

	if (capng_get_caps_process() != 0)
		return fail(why, -EIO, "capabilities cannot be read");
	is_privileged = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
	for (size_t i = 0; i < n; i++)
		wanted[i].is_held =
			capng_have_capability(CAPNG_PERMITTED, wanted[i].capability) != 0;
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < n; i++)
		if (wanted[i].is_wanted && wanted[i].is_held)
			capng_update(CAPNG_ADD,
				CAPNG_PERMITTED | CAPNG_EFFECTIVE | CAPNG_BOUNDING_SET,
				wanted[i].capability);
	return capabilities_apply(account, is_privileged, why);
}

int confine_begin(const struct dp_conf *conf, bool has_group, const char *user, char why[256])
{
	const struct passwd *account;
	int rc = dumps_forbid(why);

	if (rc == 0)
		rc = account_find(user, &account, why);
	return rc == 0 ? capabilities_drop(conf, has_group, account, why) : rc;
}

// --- System calls ----------------------------------------------------------------------------

// Named as libseccomp knows them; one that the machine does not have is passed over.
static const char *const forbidden[] = {
	// programs and other processes
	"execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
	"pidfd_getfd", "kcmp", "process_madvise",
	// who this is, and where
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups",
	"setfsuid", "setfsgid", "capset", "chroot", "pivot_root", "unshare", "setns", "mount",
	"umount2", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "open_tree",
	"mount_setattr", "open_by_handle_at", "mknod", "mknodat",
	// the kernel and the machine
	"init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
	"swapon", "swapoff", "iopl", "ioperm", "modify_ldt", "perf_event_open", "lookup_dcookie",
	"userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "syslog", "acct",
	"quotactl", "quotactl_fd", "vhangup", "personality", "uselib", "nfsservctl",
	"fanotify_init", "add_key", "request_key", "keyctl", "sethostname", "setdomainname",
	// time
	"settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "stime"};

static int call_forbid(scmp_filter_ctx filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number == __NR_SCMP_ERROR || number < 0)
		return 0;
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
}

// In all threads: those of the ports and of HTTP are there already.
static int calls_forbid(const struct dp_conf *conf)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter != NULL ? 0 : -ENOMEM;

	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]) && rc == 0; i++)
		rc = call_forbid(filter, forbidden[i]);
	// A device that comes back loads its program again.
	if (rc == 0 && !has_device(conf, "net_af_xdp") && !has_hardware(conf))
		rc = call_forbid(filter, "bpf");
	if (rc == 0)
		rc = seccomp_load(filter);
	if (filter != NULL)
		seccomp_release(filter);
	return rc;
}

int confine_end(const struct dp_conf *conf, char why[256])
{
	int rc;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fail(why, -errno, "the process cannot be closed to others");
	rc = calls_forbid(conf);
	return rc == 0 ? 0 : fail(why, rc, "system calls cannot be forbidden");
}
