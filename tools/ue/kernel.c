// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// Phones as ordinary UDP sockets: the kernel's network stack stands between them and the wire, and
// DPDK has no part in it. Their addresses are made local by whoever sets up the network namespace
// (ip route add local PREFIX dev lo); one socket a port and IP version serves all of them, and is
// told with each datagram from which address it leaves. The site works on frames: datagrams get
// headers on the way in and lose them on the way out.

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "program.h"
#include "site.h"

#define BURST 64
#define SOCKETS_MAX 64
#define BUFFER_BYTES (8 << 20) // of a socket: a burst of the BM-SC is short and fast
#define CONTROL_BYTES CMSG_SPACE(sizeof(struct in6_pktinfo))
#define NAP_MS 1
#define TRIES 200 // to send what the kernel has no room for

// The BM-SC's end of the link that does not exist.
static const struct ue_station peer = {.mac = {0x02, 0x00, 0x00, 0x00, 0x26, 0x02}};

struct slot {
	struct sockaddr_storage peer;
	struct iovec data;
	_Alignas(struct cmsghdr) char control[CONTROL_BYTES];
	uint8_t frame[UE_FRAME_MAX_BYTES]; // headers and datagram
};

struct endpoint {
	int fd;
	bool is_v6;
	uint16_t port;
};

struct kernel {
	struct program *program;
	struct endpoint endpoint[SOCKETS_MAX];
	unsigned endpoints;
	struct mmsghdr in[BURST];
	struct slot slot[BURST];
	uint8_t out[UE_FRAME_MAX_BYTES];
};

// --- Sockets --------------------------------------------------------------------------------

static int option_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int endpoint_bind(const struct endpoint *e)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(e->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};

	if (e->is_v6)
		return bind(e->fd, (const struct sockaddr *)&v6, sizeof(v6));
	return bind(e->fd, (const struct sockaddr *)&v4, sizeof(v4));
}

static int endpoint_open(struct kernel *k, uint16_t port, bool is_v6)
{
	struct endpoint *e = &k->endpoint[k->endpoints];

	if (k->endpoints == SOCKETS_MAX)
		return -EMFILE;
	*e = (struct endpoint){.is_v6 = is_v6, .port = port};
	e->fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->fd < 0)
		return -errno;
	k->endpoints++;
	// Beyond the usual limit only with privilege; less than wanted is no failure.
	if (option_set(e->fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES) != 0)
		option_set(e->fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
	if (is_v6 && option_set(e->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0)
		return -errno;
	// Addresses that are only routed here are none of the interface's.
	if (is_v6 && option_set(e->fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) != 0)
		return -errno;
	if (is_v6 ? option_set(e->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
		  : option_set(e->fd, IPPROTO_IP, IP_PKTINFO, 1))
		return -errno;
	return endpoint_bind(e) != 0 ? -errno : 0;
}

static bool has_endpoint(const struct kernel *k, uint16_t port, bool is_v6)
{
	for (unsigned i = 0; i < k->endpoints; i++)
		if (k->endpoint[i].port == port && k->endpoint[i].is_v6 == is_v6)
			return true;
	return false;
}

// A socket for each UDP port that phones listen on.
static int endpoints_open(struct kernel *k)
{
	const struct ue_phones *phones = ue_site_phones(k->program->site);
	int rc = 0;

	for (uint32_t i = 0; i < phones->phone_count && rc == 0; i++) {
		const struct ue_phone *phone = &phones->phones[i];
		struct ue_address mapped = ue_address_v4(&phone->address.octets[12]);
		bool is_v6 = !ue_address_equal(&mapped, &phone->address);

		if (!ue_address_is_none(&phone->address) && !has_endpoint(k, phone->port, is_v6))
			rc = endpoint_open(k, phone->port, is_v6);
	}
	return rc;
}

// --- In -------------------------------------------------------------------------------------

static void slots_prepare(struct kernel *k, const struct endpoint *e)
{
	struct ue_address version =
		e->is_v6 ? (struct ue_address){{0}} : ue_address_v4((const uint8_t[4]){0});
	size_t at = ue_frame_payload_at(&peer, &version);

	for (unsigned i = 0; i < BURST; i++) {
		struct slot *slot = &k->slot[i];

		slot->data = (struct iovec){slot->frame + at, sizeof(slot->frame) - at};
		k->in[i].msg_hdr = (struct msghdr){
			.msg_name = &slot->peer,
			.msg_namelen = sizeof(slot->peer),
			.msg_iov = &slot->data,
			.msg_iovlen = 1,
			.msg_control = slot->control,
			.msg_controllen = sizeof(slot->control),
		};
	}
}

// The address a datagram came to; false when the kernel does not say.
static bool destination_read(struct msghdr *msg, struct ue_address *to)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct in6_pktinfo v6;
	struct in_pktinfo v4;

	if (c == NULL)
		return false;
	if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		memcpy(&v6, CMSG_DATA(c), sizeof(v6));
		memcpy(to->octets, &v6.ipi6_addr, sizeof(to->octets));
		return true;
	}
	memcpy(&v4, CMSG_DATA(c), sizeof(v4));
	*to = ue_address_v4((const uint8_t *)&v4.ipi_addr);
	return c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO;
}

static void source_read(const struct sockaddr_storage *from, struct ue_flow *flow)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;

	if (from->ss_family == AF_INET6) {
		memcpy(flow->source.octets, &v6->sin6_addr, sizeof(flow->source.octets));
		flow->source_port = ntohs(v6->sin6_port);
		return;
	}
	flow->source = ue_address_v4((const uint8_t *)&v4->sin_addr);
	flow->source_port = ntohs(v4->sin_port);
}

// --- Out ------------------------------------------------------------------------------------

static const struct endpoint *endpoint_of(const struct kernel *k, uint16_t port, bool is_v6)
{
	for (unsigned i = 0; i < k->endpoints; i++)
		if (k->endpoint[i].port == port && k->endpoint[i].is_v6 == is_v6)
			return &k->endpoint[i];
	return NULL;
}

// Fills in where a datagram goes and where it leaves from.
static void message_address(struct msghdr *msg, const struct ue_frame *frame, bool is_v6)
{
	struct sockaddr_in6 *v6 = msg->msg_name;
	struct sockaddr_in *v4 = msg->msg_name;
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct in6_pktinfo from6 = {0};
	struct in_pktinfo from4 = {0};

	c->cmsg_level = is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = is_v6 ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(is_v6 ? sizeof(from6) : sizeof(from4));
	msg->msg_controllen = CMSG_SPACE(is_v6 ? sizeof(from6) : sizeof(from4));
	if (is_v6) {
		*v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6, .sin6_port = htons(frame->destination_port)};
		memcpy(&v6->sin6_addr, frame->destination.octets, sizeof(v6->sin6_addr));
		memcpy(&from6.ipi6_addr, frame->source.octets, sizeof(from6.ipi6_addr));
		memcpy(CMSG_DATA(c), &from6, sizeof(from6));
		msg->msg_namelen = sizeof(*v6);
		return;
	}
	*v4 = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(frame->destination_port)};
	memcpy(&v4->sin_addr, &frame->destination.octets[12], sizeof(v4->sin_addr));
	memcpy(&from4.ipi_spec_dst, &frame->source.octets[12], sizeof(from4.ipi_spec_dst));
	memcpy(CMSG_DATA(c), &from4, sizeof(from4));
	msg->msg_namelen = sizeof(*v4);
}

// A datagram that the kernel has no room for is tried for a while; a way that is not there loses
// it, as it would lose a phone's.
static void datagram_send(const struct endpoint *e, const struct msghdr *msg)
{
	for (int i = 0; i < TRIES; i++) {
		struct pollfd fd = {.fd = e->fd, .events = POLLOUT};

		if (sendmsg(e->fd, msg, 0) >= 0 || (errno != EAGAIN && errno != ENOBUFS))
			return;
		poll(&fd, 1, NAP_MS);
	}
}

// Sends what the site wants to send: a frame to the peer, of which the datagram counts.
static void frame_send(struct kernel *k, const uint8_t *data, size_t len)
{
	_Alignas(struct cmsghdr) char control[CONTROL_BYTES] = {0};
	struct sockaddr_storage to;
	struct ue_address mapped;
	struct ue_frame frame;
	struct iovec payload;
	struct msghdr msg = {.msg_name = &to,
		.msg_iov = &payload,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	const struct endpoint *e;
	bool is_v6;

	if (ue_frame_parse(&frame, data, len, &peer) != UE_ACCEPTED || frame.kind != UE_FRAME_UDP)
		return;
	mapped = ue_address_v4(&frame.source.octets[12]);
	is_v6 = !ue_address_equal(&mapped, &frame.source);
	e = endpoint_of(k, frame.source_port, is_v6);
	if (e == NULL)
		return;
	payload = (struct iovec){(void *)(uintptr_t)frame.payload, frame.payload_len};
	message_address(&msg, &frame, is_v6);
	datagram_send(e, &msg);
}

// --- The loop -------------------------------------------------------------------------------

static void datagram_take(
	struct kernel *k, const struct endpoint *e, unsigned i, const struct ue_now *now)
{
	struct slot *slot = &k->slot[i];
	struct ue_flow flow = {
		.station = &peer,
		.destination_mac = k->program->site->station.mac,
		.destination_port = e->port,
	};
	size_t len;

	if (!destination_read(&k->in[i].msg_hdr, &flow.destination))
		return;
	source_read(&slot->peer, &flow);
	len = ue_frame_udp(slot->frame, &flow, k->in[i].msg_len);
	len = ue_site_receive(k->program->site, slot->frame, len, now, k->out, sizeof(k->out));
	if (len > 0)
		frame_send(k, k->out, len);
}

static bool endpoint_take(struct kernel *k, const struct endpoint *e, const struct ue_now *now)
{
	int n;

	if (ue_site_room(k->program->site) < BURST)
		return false;
	slots_prepare(k, e);
	n = recvmmsg(e->fd, k->in, BURST, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		datagram_take(k, e, (unsigned)i, now);
	return n > 0;
}

// Sends what the wire has held back until now.
static bool delayed_send(struct kernel *k, const struct ue_now *now)
{
	bool has_sent = false;

	for (int i = 0; i < BURST; i++) {
		size_t len = ue_site_poll(k->program->site, now, k->out, sizeof(k->out));

		if (len == 0)
			break;
		frame_send(k, k->out, len);
		has_sent = true;
	}
	return has_sent;
}

static void kernel_wait(const struct kernel *k)
{
	struct pollfd fds[SOCKETS_MAX + 1];

	for (unsigned i = 0; i < k->endpoints; i++)
		fds[i] = (struct pollfd){.fd = k->endpoint[i].fd, .events = POLLIN};
	fds[k->endpoints] = (struct pollfd){.fd = http_fd(k->program->http), .events = POLLIN};
	poll(fds, k->endpoints + 1, NAP_MS);
}

static void kernel_turn_all(struct kernel *k)
{
	struct program *program = k->program;

	while (!atomic_load_explicit(&program->stop_requested, memory_order_relaxed)) {
		struct ue_now now;
		bool is_busy = false;

		turn_offer(&program->turn);
		now = ue_now();
		for (unsigned i = 0; i < k->endpoints; i++)
			is_busy |= endpoint_take(k, &k->endpoint[i], &now);
		is_busy |= delayed_send(k, &now);
		is_busy |= http_turn(program->http, &now);
		if (!is_busy)
			kernel_wait(k);
	}
}

int kernel_run(struct program *program)
{
	struct kernel *k = calloc(1, sizeof(*k));
	int rc = -ENOMEM;

	if (k != NULL) {
		k->program = program;
		rc = endpoints_open(k);
	}
	if (rc != 0) {
		fprintf(stderr, "mskpush-ue: sockets: %s\n", strerror(-rc));
	} else {
		atomic_fetch_add(&program->attachments, 1);
		atomic_store(&program->port_state, PORT_UP);
		fprintf(stderr, "mskpush-ue: %u sockets are up\n", k->endpoints);
		http_begin(program->http);
		kernel_turn_all(k);
	}
	for (unsigned i = 0; k != NULL && i < k->endpoints; i++)
		close(k->endpoint[i].fd);
	free(k);
	return rc != 0;
}
