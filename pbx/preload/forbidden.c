/* Loaded into Asterisk before its own libraries (LD_PRELOAD): who may not subscribe gets 403 in place of 603.
 *
 * Asterisk's res_pjsip_pubsub refuses the SUBSCRIBE of an endpoint with `allow_subscribe = no` with 603 (Decline), which says that
 * nobody anywhere will take it (RFC 3261, 21.6.2). The licence asks for 403: this server understood, and will not (21.4.4). There is no
 * setting for it, and no module can be built without Asterisk's PJSIP headers, which Debian does not ship. That refusal is the only
 * 603 that Asterisk sends without a transaction (pjsip_endpt_respond_stateless), so the number alone tells it.
 *
 * The types of PJSIP are not needed: what is pointed to is handed on as it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

typedef int respond_stateless(void *endpoint, void *request, int status, const void *reason, const void *headers, const void *body);

enum { FORBIDDEN = 403, DECLINE = 603, PJ_ENOTFOUND = 70006 };

int pjsip_endpt_respond_stateless(void *endpoint, void *request, int status, const void *reason, const void *headers, const void *body)
{
	static respond_stateless *real;

	/* Threads that come here at once find the same. */
	if (!real) {
		*(void **) &real = dlsym(RTLD_NEXT, "pjsip_endpt_respond_stateless");
	}
	if (!real) {
		return PJ_ENOTFOUND;
	}
	return real(endpoint, request, status == DECLINE ? FORBIDDEN : status, reason, headers, body);
}
