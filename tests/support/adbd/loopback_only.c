/* Preloaded into adbd: whatever it wants to listen on, it gets loopback only, and no vsock.
 *
 * Debian's adbd has authentication compiled off and binds [::]:PORT and vsock:PORT. The preload
 * applies to the daemon alone: its environment is cleaned before it starts anything. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef AF_VSOCK
#define AF_VSOCK 40
#endif

static const struct in6_addr mapped_loopback = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}}};

__attribute__((constructor)) static void start_nothing_else_with_this(void) {
    unsetenv("LD_PRELOAD");
    unsetenv("LD_LIBRARY_PATH");
}

int socket(int domain, int type, int protocol) {
    int (*next)(int, int, int) = dlsym(RTLD_NEXT, "socket");
    if (domain == AF_VSOCK) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return next(domain, type, protocol);
}

int bind(int fd, const struct sockaddr *address, socklen_t length) {
    int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (address == NULL) return next(fd, address, length);
    switch (address->sa_family) {
    case AF_INET:
        if (length < sizeof v4) break;
        memcpy(&v4, address, sizeof v4);
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return next(fd, (struct sockaddr *)&v4, sizeof v4);
    case AF_INET6:
        if (length < sizeof v6) break;
        memcpy(&v6, address, sizeof v6);
        v6.sin6_addr = mapped_loopback;
        return next(fd, (struct sockaddr *)&v6, sizeof v6);
    case AF_UNIX:
        return next(fd, address, length);
    }
    errno = EAFNOSUPPORT;
    return -1;
}
