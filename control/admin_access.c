// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "admin_access.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#define HOLDERS_MAX (3 * CONF_EAL_ARGS_MAX)
#define TOKENS_MAX 64
#define TOKEN_BYTES_MIN 16 // shorter ones can be guessed
#define TOKEN_BYTES_MAX 512
#define GROUPS_MAX 256 // of a caller
#define TOKEN_LINE_MAX 256

// An account or a group that has a role.
struct holder {
	bool is_group;
	uint32_t id;
	unsigned roles;
};

struct token {
	char name[ADMIN_NAME_MAX];
	unsigned roles;
	uint8_t hash[SHA256_DIGEST_LENGTH];
};

struct rights {
	struct holder holder[HOLDERS_MAX];
	unsigned holders;
	struct token token[TOKENS_MAX];
	unsigned tokens;
};

struct admin_access {
	pthread_rwlock_t lock;
	struct rights rights;
	gid_t group;
};

// --- Roles ------------------------------------------------------------------------------------

static const struct role {
	enum admin_role role;
	const char *name;
	unsigned held; // by whoever has it
} roles[] = {
	{ADMIN_METRICS, "metrics", ADMIN_METRICS},
	{ADMIN_READ, "read", ADMIN_METRICS | ADMIN_READ},
	{ADMIN_OPERATE, "operate", ADMIN_METRICS | ADMIN_READ | ADMIN_OPERATE},
	{ADMIN_KEYS, "keys", ADMIN_METRICS | ADMIN_READ | ADMIN_KEYS},
};
#define ROLES (sizeof(roles) / sizeof(roles[0]))

const char *admin_role_name(enum admin_role role)
{
	for (size_t i = 0; i < ROLES; i++)
		if (roles[i].role == role)
			return roles[i].name;
	return "unknown";
}

void admin_roles_text(unsigned held, char out[ADMIN_ROLES_TEXT])
{
	out[0] = '\0';
	for (size_t i = 0; i < ROLES; i++)
		if (held & roles[i].role)
			snprintf(out + strlen(out), ADMIN_ROLES_TEXT - strlen(out), "%s%s",
				out[0] == '\0' ? "" : " ", roles[i].name);
	if (out[0] == '\0')
		snprintf(out, ADMIN_ROLES_TEXT, "no role");
}

int admin_roles_parse(const char *text, unsigned *out)
{
	size_t len;

	for (*out = 0; *text != '\0'; text += len + (text[len] == ',')) {
		size_t i = 0;

		len = strcspn(text, ",");
		while (i < ROLES &&
			(strlen(roles[i].name) != len || memcmp(roles[i].name, text, len) != 0))
			i++;
		if (i == ROLES)
			return -EINVAL;
		*out |= roles[i].held;
	}
	return *out == 0 ? -EINVAL : 0;
}

// --- Accounts ---------------------------------------------------------------------------------

static bool number_read(const char *text, uint32_t *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	*out = (uint32_t)value;
	return isdigit((unsigned char)text[0]) && *end == '\0' && value < UINT32_MAX;
}

// "alice", "1000"; "@wheel", "@100" are groups. Runs at the start and on SIGHUP, in one thread.
static int holder_find(const char *text, struct holder *out)
{
	const struct passwd *account;
	const struct group *group;

	out->is_group = text[0] == '@';
	if (number_read(text + out->is_group, &out->id))
		return 0;
	if (out->is_group) {
		group = getgrnam(text + 1);
		if (group == NULL)
			return -ENOENT;
		out->id = group->gr_gid;
	} else {
		account = getpwnam(text);
		if (account == NULL)
			return -ENOENT;
		out->id = account->pw_uid;
	}
	return 0;
}

static int holders_add(struct rights *rights, const struct conf_texts *list,
	const struct role *role, char why[256])
{
	for (unsigned i = 0; i < list->n; i++) {
		struct holder *holder = &rights->holder[rights->holders];

		if (holder_find(list->value[i], holder) != 0) {
			snprintf(why, 256, "admin.%s: there is no %s %.100s", role->name,
				holder->is_group ? "group" : "account",
				list->value[i] + holder->is_group);
			return -EINVAL;
		}
		holder->roles = role->held;
		rights->holders++;
	}
	return 0;
}

// --- Tokens -----------------------------------------------------------------------------------

static int hash_read(const char *text, uint8_t out[SHA256_DIGEST_LENGTH])
{
	if (strlen(text) != 2 * SHA256_DIGEST_LENGTH)
		return -EINVAL;
	for (size_t i = 0; i < SHA256_DIGEST_LENGTH; i++) {
		unsigned octet;

		if (!isxdigit((unsigned char)text[2 * i]) ||
			sscanf(text + 2 * i, "%2x", &octet) != 1 ||
			!isxdigit((unsigned char)text[2 * i + 1]))
			return -EINVAL;
		out[i] = (uint8_t)octet;
	}
	return 0;
}

// "NAME ROLE,ROLE SHA256". Returns a complaint, NULL when the line is right.
static const char *token_read(const char *line, struct token *out)
{
	char name[TOKEN_LINE_MAX], held[TOKEN_LINE_MAX], hash[TOKEN_LINE_MAX];
	int end = 0;

	if (sscanf(line, "%255s %255s %255s %n", name, held, hash, &end) != 3 || line[end] != '\0')
		return "a line is NAME ROLE,ROLE SHA256";
	if (strlen(name) >= sizeof(out->name))
		return "the name is too long";
	strcpy(out->name, name);
	if (admin_roles_parse(held, &out->roles) != 0)
		return "roles are metrics, read, operate, keys, with commas between";
	if (hash_read(hash, out->hash) != 0)
		return "the last word is to be the token's SHA-256 in hex";
	return NULL;
}

static int tokens_read(struct rights *rights, FILE *file, const char *path, char why[256])
{
	char line[TOKEN_LINE_MAX];
	unsigned number = 0;

	while (fgets(line, sizeof(line), file) != NULL) {
		const char *complaint = NULL;

		number++;
		if (line[strspn(line, " \t\n")] == '\0' || line[0] == '#')
			continue;
		if (strchr(line, '\n') == NULL && !feof(file))
			complaint = "the line is too long";
		else if (rights->tokens == TOKENS_MAX)
			complaint = "there can be 64 tokens";
		else
			complaint = token_read(line, &rights->token[rights->tokens]);
		if (complaint != NULL) {
			snprintf(why, 256, "%.100s:%u: %s", path, number, complaint);
			return -EINVAL;
		}
		rights->tokens++;
	}
	return 0;
}

static int tokens_load(struct rights *rights, const char *path, char why[256])
{
	FILE *file;
	int ret;

	if (path[0] == '\0')
		return 0;
	file = fopen(path, "re");
	if (file == NULL) {
		ret = -errno;
		snprintf(why, 256, "admin.tokens: %.150s: %s", path, strerror(-ret));
		return ret;
	}
	ret = tokens_read(rights, file, path, why);
	fclose(file);
	return ret;
}

// --- Together ---------------------------------------------------------------------------------

static int rights_read(const struct conf *conf, struct rights *out, char why[256])
{
	int ret;

	memset(out, 0, sizeof(*out));
	ret = holders_add(out, &conf->admin.read, &roles[1], why);
	if (ret == 0)
		ret = holders_add(out, &conf->admin.operate, &roles[2], why);
	if (ret == 0)
		ret = holders_add(out, &conf->admin.keys, &roles[3], why);
	return ret != 0 ? ret : tokens_load(out, conf->admin.tokens, why);
}

static int group_find(const char *name, gid_t *out, char why[256])
{
	char text[CONF_TEXT_MAX + 1];
	struct holder holder;

	*out = (gid_t)-1;
	if (name[0] == '\0')
		return 0;
	snprintf(text, sizeof(text), "@%s", name);
	if (holder_find(text, &holder) != 0) {
		snprintf(why, 256, "admin.group: there is no group %.100s", name);
		return -EINVAL;
	}
	*out = holder.id;
	return 0;
}

int admin_access_create(const struct conf *conf, struct admin_access **out, char why[256])
{
	struct admin_access *access = calloc(1, sizeof(*access));
	int ret;

	if (access == NULL)
		return -ENOMEM;
	pthread_rwlock_init(&access->lock, NULL);
	ret = group_find(conf->admin.group, &access->group, why);
	if (ret == 0)
		ret = rights_read(conf, &access->rights, why);
	if (ret != 0) {
		admin_access_destroy(access);
		return ret;
	}
	*out = access;
	return 0;
}

void admin_access_destroy(struct admin_access *access)
{
	if (access == NULL)
		return;
	pthread_rwlock_destroy(&access->lock);
	free(access);
}

int admin_access_reload(struct admin_access *access, const struct conf *conf, char why[256])
{
	struct rights *fresh = malloc(sizeof(*fresh));
	int ret;

	if (fresh == NULL)
		return -ENOMEM;
	ret = rights_read(conf, fresh, why);
	if (ret == 0) {
		pthread_rwlock_wrlock(&access->lock);
		access->rights = *fresh;
		pthread_rwlock_unlock(&access->lock);
	}
	free(fresh);
	return ret;
}

gid_t admin_access_group(const struct admin_access *access)
{
	return access->group;
}

// --- Callers ----------------------------------------------------------------------------------

static bool holder_is(
	const struct holder *holder, const struct ucred *cred, const gid_t *groups, unsigned n)
{
	if (!holder->is_group)
		return holder->id == cred->uid;
	if (holder->id == cred->gid)
		return true;
	for (unsigned i = 0; i < n; i++)
		if (groups[i] == holder->id)
			return true;
	return false;
}

static unsigned account_roles(
	struct admin_access *access, const struct ucred *cred, const gid_t *groups, unsigned n)
{
	unsigned held = cred->uid == 0 || cred->uid == geteuid() ? ADMIN_ALL : 0;

	pthread_rwlock_rdlock(&access->lock);
	for (unsigned i = 0; i < access->rights.holders; i++)
		if (holder_is(&access->rights.holder[i], cred, groups, n))
			held |= access->rights.holder[i].roles;
	pthread_rwlock_unlock(&access->lock);
	return held;
}

static void account_name(uint32_t uid, char out[ADMIN_NAME_MAX])
{
	struct passwd account, *found = NULL;
	char text[1024];

	if (getpwuid_r(uid, &account, text, sizeof(text), &found) == 0 && found != NULL)
		snprintf(out, ADMIN_NAME_MAX, "%.63s", found->pw_name);
	else
		snprintf(out, ADMIN_NAME_MAX, "%u", uid);
}

void admin_access_socket(struct admin_access *access, int fd, struct admin_peer *out)
{
	gid_t groups[GROUPS_MAX];
	struct ucred cred = {0};
	socklen_t len = sizeof(cred), groups_len = sizeof(groups);

	memset(out, 0, sizeof(*out));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_len) != 0)
		groups_len = 0;
	out->uid = cred.uid;
	out->pid = cred.pid;
	account_name(cred.uid, out->name);
	out->roles = account_roles(access, &cred, groups, groups_len / sizeof(groups[0]));
}

void admin_access_token(
	struct admin_access *access, const char *authorization, struct admin_peer *out)
{
	static const char scheme[] = "Bearer ";
	uint8_t hash[SHA256_DIGEST_LENGTH];
	const char *text;

	*out = (struct admin_peer){.via = ADMIN_BY_TLS};
	if (authorization == NULL || strncasecmp(authorization, scheme, strlen(scheme)) != 0)
		return;
	text = authorization + strlen(scheme);
	if (strlen(text) < TOKEN_BYTES_MIN || strlen(text) > TOKEN_BYTES_MAX)
		return;
	SHA256((const uint8_t *)text, strlen(text), hash);
	pthread_rwlock_rdlock(&access->lock);
	for (unsigned i = 0; i < access->rights.tokens; i++) {
		const struct token *token = &access->rights.token[i];

		if (CRYPTO_memcmp(hash, token->hash, sizeof(hash)) != 0)
			continue;
		memcpy(out->name, token->name, sizeof(out->name));
		out->roles = token->roles;
	}
	pthread_rwlock_unlock(&access->lock);
	explicit_bzero(hash, sizeof(hash));
}
