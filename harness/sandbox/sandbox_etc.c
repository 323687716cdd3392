/* SPDX-License-Identifier: MIT */
/* The few files of /etc that every sandbox has of its own. */
#include "harness/sandbox/sandbox_etc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/sandbox/sandbox_net.h"

struct etc_names {
	const struct sandbox_user *users;
	size_t count;
	bool groups; /* compare group names, not user names */
};

static const char *etc_name(const struct etc_names *names, size_t i)
{
	return names->groups ? names->users[i].group : names->users[i].name;
}

static bool etc_is_named(const struct etc_names *names, const char *line)
{
	size_t len = strcspn(line, ":\n");

	for (size_t i = 0; i < names->count; i++) {
		const char *name = etc_name(names, i);

		if (strlen(name) == len && !memcmp(name, line, len))
			return true;
	}
	return false;
}

static void etc_keep_others(FILE *out, const char *old,
			    const struct etc_names *names)
{
	while (*old) {
		size_t len = strcspn(old, "\n");

		if (len && !etc_is_named(names, old))
			fprintf(out, "%.*s\n", (int)len, old);
		old += len + (old[len] == '\n');
	}
}

char *sandbox_etc_passwd(const char *old, const struct sandbox_user *users,
			 size_t count)
{
	const struct etc_names names = {users, count, false};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s:x:%u:%u::%s:/usr/sbin/nologin\n",
			users[i].name, users[i].uid, users[i].gid,
			users[i].home ? users[i].home : "/nonexistent");
	etc_keep_others(out, old, &names);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Several users may share a group: the first one brings it. */
static bool etc_is_first_of_group(const struct sandbox_user *users, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(users[k].group, users[i].group))
			return false;
	return true;
}

char *sandbox_etc_group(const char *old, const struct sandbox_user *users,
			size_t count)
{
	const struct etc_names names = {users, count, true};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (etc_is_first_of_group(users, i))
			fprintf(out, "%s:x:%u:\n", users[i].group,
				users[i].gid);
	etc_keep_others(out, old, &names);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static bool etc_is_word(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (!len || len > max)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == ':' ||
		    text[i] == 0x7f)
			return false;
	return true;
}

int sandbox_etc_check(const struct sandbox_options *options,
		      struct sandbox_fault *fault)
{
	const char *bad = NULL;

	if (!etc_is_word(options->hostname, SANDBOX_ETC_HOSTNAME_MAX))
		return sandbox_fault_set(fault, -EINVAL,
					 "\"%.*s\" can't be a host name (1 to "
					 "%d characters, no spaces)",
					 SANDBOX_ETC_WORD_MAX,
					 options->hostname,
					 SANDBOX_ETC_HOSTNAME_MAX);
	for (size_t i = 0; !bad && i < options->user_count; i++) {
		const struct sandbox_user *u = &options->users[i];

		if (!etc_is_word(u->name, SANDBOX_ETC_WORD_MAX))
			bad = u->name;
		else if (!etc_is_word(u->group, SANDBOX_ETC_WORD_MAX))
			bad = u->group;
		else if (u->home && !etc_is_word(u->home, SANDBOX_ETC_WORD_MAX))
			bad = u->home;
	}
	return bad ? sandbox_fault_set(fault, -EINVAL,
				       "\"%.*s\" can't stand in /etc/passwd "
				       "(1 to %d characters, no spaces or "
				       "colons)",
				       SANDBOX_ETC_WORD_MAX, bad,
				       SANDBOX_ETC_WORD_MAX)
		   : 0;
}

/* -EFBIG beyond the limit; a file that is not there is empty. */
static int etc_read(const char *path, char **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	ssize_t n = 0;
	size_t len = 0;

	if (fd < 0 && errno != ENOENT)
		return -errno;
	text = malloc(SANDBOX_ETC_FILE_MAX + 1);
	while (text && fd >= 0 && len <= SANDBOX_ETC_FILE_MAX) {
		n = read(fd, text + len, SANDBOX_ETC_FILE_MAX + 1 - len);
		if (n <= 0)
			break;
		len += n;
	}
	if (fd >= 0)
		close(fd);
	if (!text || n < 0 || len > SANDBOX_ETC_FILE_MAX) {
		free(text);
		return !text ? -ENOMEM : n < 0 ? -EIO : -EFBIG;
	}
	text[len] = '\0';
	*ret = text;
	return 0;
}

/* Unlinked first: on the host it may be a link to somewhere else. */
static int etc_write_file(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd, r = 0;

	if (unlink(path) && errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0644))
		r = -errno;
	while (!r && len) {
		ssize_t n = write(fd, text, len);

		if (n < 0) {
			r = -errno;
			break;
		}
		text += n;
		len -= n;
	}
	close(fd);
	return r;
}

static int etc_put(const char *path, const char *text,
		   struct sandbox_fault *fault)
{
	int r = text ? etc_write_file(path, text) : -ENOMEM;

	return r ? sandbox_fault_set(fault, r,
				     "cannot write %s in the sandbox: %s", path,
				     strerror(-r))
		 : 0;
}

static int etc_write_users(const struct sandbox_options *o,
			   struct sandbox_fault *fault)
{
	static const struct {
		const char *path;
		char *(*merge)(const char *old, const struct sandbox_user *,
			       size_t count);
	} files[] = {{"/etc/passwd", sandbox_etc_passwd},
		     {"/etc/group", sandbox_etc_group}};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char *old = NULL, *text;
		int r = etc_read(files[i].path, &old);

		if (r)
			return sandbox_fault_set(fault, r, "cannot read %s: %s",
						 files[i].path, strerror(-r));
		text = files[i].merge(old, o->users, o->user_count);
		r = etc_put(files[i].path, text, fault);
		free(text);
		free(old);
		if (r)
			return r;
	}
	return 0;
}

static int etc_write_hosts(const char *hostname, struct sandbox_fault *fault)
{
	char hosts[4 * SANDBOX_ETC_HOSTNAME_MAX];
	char name[SANDBOX_ETC_HOSTNAME_MAX + 2];
	int r;

	snprintf(hosts, sizeof(hosts),
		 "127.0.0.1 localhost\n::1 localhost\n%s %s %.*s\n",
		 SANDBOX_NET_OWN_ADDRESS, hostname, (int)strcspn(hostname, "."),
		 hostname);
	snprintf(name, sizeof(name), "%s\n", hostname);
	r = etc_put("/etc/hosts", hosts, fault);
	if (!r)
		r = etc_put("/etc/hostname", name, fault);
	if (!r)
		r = etc_put("/etc/mailname", name, fault);
	return r;
}

int sandbox_etc_write(const struct sandbox_options *o,
		      struct sandbox_fault *fault)
{
	int r = etc_write_users(o, fault);

	if (!r)
		r = etc_write_hosts(o->hostname, fault);
	if (!r)
		r = etc_put("/etc/resolv.conf", "nameserver 127.0.0.1\n",
			    fault);
	if (!r)
		r = etc_put("/etc/nsswitch.conf",
			    "passwd: files\ngroup: files\nshadow: files\n"
			    "hosts: files dns\nnetworks: files\n"
			    "services: files\nprotocols: files\n",
			    fault);
	if (!r && sethostname(o->hostname, strlen(o->hostname)))
		r = sandbox_fault_set(fault, -errno,
				      "cannot set the host name: %s",
				      strerror(errno));
	return r;
}
