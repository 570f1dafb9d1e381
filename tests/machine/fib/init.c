/* The first program of a virtual machine whose kernel routes: sets it up, then becomes the loader.
 *
 * "/routes" holds netlink messages, one behind the other, each of which is sent and must be
 * acknowledged.  Build: cc -static -O2 init.c
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char messages[1 << 16];

static void end(const char *why, int number)
{
	printf("set-up: %s: %s\n", why, strerror(number));
	fflush(stdout);
	reboot(RB_AUTOBOOT);
	exit(1);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		end(path, errno);
	close(fd);
}

static void ask(int line, struct nlmsghdr *message)
{
	struct {
		struct nlmsghdr head;
		int error;
		char rest[4096];
	} answer;
	char name[64];

	if (send(line, message, message->nlmsg_len, 0) < 0)
		end("send", errno);
	if (recv(line, &answer, sizeof answer, 0) < 0)
		end("receive", errno);
	snprintf(name, sizeof name, "message %u of type %u", message->nlmsg_seq,
		 message->nlmsg_type);
	if (answer.head.nlmsg_type != NLMSG_ERROR || answer.error)
		end(name, -answer.error);
}

int main(void)
{
	int file = open("/routes", O_RDONLY);
	ssize_t size = read(file, messages, sizeof messages);
	int line = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	if (size < 0 || line < 0)
		end("open", errno);
	mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL))
		end("/proc", errno);
	put("/proc/sys/net/ipv4/ip_forward", "1");
	put("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	for (ssize_t at = 0; at < size;) {
		struct nlmsghdr *message = (void *)(messages + at);

		ask(line, message);
		at += NLMSG_ALIGN(message->nlmsg_len);
	}
	execl("/loader", "loader", NULL);
	end("/loader", errno);
}
