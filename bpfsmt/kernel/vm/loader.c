/* The only process of the virtual machine: it lends its bpf(2) to the host.
 *
 * Requests come over the second serial port, one at a time, and each is answered.  What they
 * point to lies in memory that host and guest share (a PCI device, ivshmem), at the same
 * addresses in both, so that pointers mean the same on either side and nothing is copied here.
 *
 * Build: cc -static -O2 loader.c
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#define MAGIC 0x42504653u
#define SHARED_DEVICES "/sys/bus/pci/devices"
#define SHARED_VENDOR "0x1af4"
#define SHARED_DEVICE "0x1110"
#define IDLE_MILLISECONDS (180 * 1000) /* then the host is gone, and so are we */

enum operation { SHARE, BPF, CLOSE, PEEK };

/* Both directions; little endian, as everything here. */
struct request {
	uint32_t magic, checksum; /* of what follows */
	uint32_t number, operation;
	uint64_t args[4];
};

struct answer {
	uint32_t magic, checksum;
	uint32_t number, reserved;
	int64_t result; /* or minus the error number */
};

struct hello {
	uint32_t magic, checksum;
	uint32_t cpus, page_bytes;
	char release[72]; /* of uname, and zeros */
};

static int line; /* the serial port */

static void end(const char *why)
{
	printf("bpfsmt: %s (%s)\n", why, strerror(errno));
	fflush(stdout);
	reboot(RB_AUTOBOOT); /* which QEMU takes as its end */
	for (;;)
		pause();
}

/* CRC-32 as zlib computes it. */
static uint32_t checksum(const void *data, size_t size)
{
	const uint8_t *bytes = data;
	uint32_t crc = ~0u;

	while (size--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static void receive(void *to, size_t size)
{
	struct pollfd ready = { .fd = line, .events = POLLIN };

	for (size_t got = 0; got < size;) {
		int number = poll(&ready, 1, IDLE_MILLISECONDS);
		ssize_t more;

		if (number < 0 && errno == EINTR)
			continue;
		if (number == 0)
			end("idle: no request came");
		more = read(line, (char *)to + got, size - got);
		if (more <= 0)
			end("reading the serial port");
		got += more;
	}
}

static void transmit(void *frame, size_t size)
{
	uint32_t *head = frame;

	head[0] = MAGIC;
	head[1] = checksum(head + 2, size - 8);
	for (size_t sent = 0; sent < size;) {
		ssize_t more = write(line, (char *)frame + sent, size - sent);

		if (more <= 0)
			end("writing the serial port");
		sent += more;
	}
}

static void read_file(const char *path, char *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, to, size - 1);

	if (fd >= 0)
		close(fd);
	to[length > 0 ? length : 0] = 0;
}

static int has(const char *device, const char *file, const char *value)
{
	char path[512], text[32];

	snprintf(path, sizeof path, SHARED_DEVICES "/%s/%s", device, file);
	read_file(path, text, sizeof text);
	return !strncmp(text, value, strlen(value));
}

/* The memory of the device that the host shares, as a file. */
static int shared_memory(void)
{
	DIR *all = opendir(SHARED_DEVICES);
	struct dirent *each;

	while (all && (each = readdir(all))) {
		char path[512];
		int fd;

		if (!has(each->d_name, "vendor", SHARED_VENDOR) ||
		    !has(each->d_name, "device", SHARED_DEVICE))
			continue;
		snprintf(path, sizeof path, SHARED_DEVICES "/%s/enable", each->d_name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0 || write(fd, "1", 1) != 1)
			end("enabling the shared memory");
		close(fd);
		snprintf(path, sizeof path, SHARED_DEVICES "/%s/resource2", each->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			end("opening the shared memory");
		closedir(all);
		return fd;
	}
	end("no shared memory among the PCI devices");
	return -1;
}

/* How many CPUs are possible: of a machine that QEMU made, 0 or 0-N. */
static uint32_t possible_cpus(void)
{
	char text[64];
	const char *dash;

	read_file("/sys/devices/system/cpu/possible", text, sizeof text);
	dash = strchr(text, '-');
	return dash ? atoi(dash + 1) + 1 : 1;
}

static int64_t share(uint64_t address, uint64_t size)
{
	void *wanted = (void *)address;
	int fd = shared_memory();
	void *found = mmap(wanted, size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);

	close(fd);
	return found == wanted ? 0 : found == MAP_FAILED ? -errno : -EEXIST;
}

/* Copies what can be mapped behind a descriptor, such as a ring buffer. */
static int64_t peek(int fd, uint64_t offset, uint64_t size, uint64_t to)
{
	void *found = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, offset);

	if (found == MAP_FAILED)
		return -errno;
	memcpy((void *)to, found, size);
	munmap(found, size);
	return 0;
}

static int64_t perform(const struct request *r)
{
	long result = -1;

	switch (r->operation) {
	case SHARE:
		return share(r->args[0], r->args[1]);
	case BPF: /* command, address and size of its attributes */
		result = syscall(SYS_bpf, (int)r->args[0], (void *)r->args[1], (unsigned)r->args[2]);
		break;
	case CLOSE:
		result = close((int)r->args[0]);
		break;
	case PEEK:
		return peek((int)r->args[0], r->args[1], r->args[2], r->args[3]);
	default:
		errno = ENOSYS;
	}
	return result < 0 ? -errno : result;
}

static void prepare(void)
{
	struct termios raw;
	struct hello hello = { .release = "" };
	struct utsname names;

	mkdir("/dev", 0755);
	mkdir("/sys", 0755);
	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		end("mounting /dev");
	if (mount("sysfs", "/sys", "sysfs", 0, NULL))
		end("mounting /sys");
	line = open("/dev/ttyS1", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (line < 0 || tcgetattr(line, &raw))
		end("opening /dev/ttyS1");
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL;
	cfsetspeed(&raw, B115200);
	if (tcsetattr(line, TCSANOW, &raw))
		end("setting up /dev/ttyS1");
	uname(&names);
	hello.cpus = possible_cpus();
	hello.page_bytes = sysconf(_SC_PAGESIZE);
	memcpy(hello.release, names.release, sizeof names.release);
	transmit(&hello, sizeof hello);
}

int main(void)
{
	prepare();
	for (;;) {
		struct request request;
		struct answer answer = { .result = 0 };

		receive(&request, sizeof request);
		if (request.magic != MAGIC ||
		    request.checksum != checksum(&request.number, sizeof request - 8))
			end("a request came damaged");
		answer.number = request.number;
		answer.result = perform(&request);
		transmit(&answer, sizeof answer);
	}
}
