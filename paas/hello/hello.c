/* The hello image's program: a web server that greets, in one file and without a C library.
 *
 * One process, one loop over poll: a client that is slow, silent or hostile holds one of
 * CLIENTS places for at most PATIENCE seconds, and nobody else waits for it. When all places
 * are taken the one that waits longest is given up. Whatever is asked, the answer is the same
 * page (HEAD: its head), and the connection ends. SIGTERM and SIGINT end the program at once.
 */

typedef unsigned long size;
typedef unsigned short u16;
typedef unsigned int u32;

enum {
	CLIENTS = 128,
	PATIENCE = 10,  /* seconds */
	PAGE = 4096,
	HEAD = 8192,  /* bytes of a request that are waited for */
	POLLIN = 1,
	POLLOUT = 4,
	AGAIN = -11,
	INTERRUPTED = -4,
};

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, SIGACTION = 13, SOCKET = 41, BIND = 49, LISTEN = 50,
       SETSOCKOPT = 54, UNAME = 63, EXIT = 231, ACCEPT4 = 288, PPOLL = 271, CLOCK = 228,
       SHUTDOWN = 48 };

static long call(long number, long a, long b, long c, long d, long e)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}

__asm__(".global _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");
__asm__(".global restore\nrestore:\n\tmov $15, %eax\n\tsyscall\n");
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, CLOSE = 57, SIGACTION = 134, SOCKET = 198, BIND = 200,
       LISTEN = 201, SETSOCKOPT = 208, UNAME = 160, EXIT = 94, ACCEPT4 = 242, PPOLL = 73,
       CLOCK = 113, SHUTDOWN = 210 };

static long call(long number, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
}

__asm__(".global _start\n_start:\n\tmov x0, sp\n\tbl begin\n");
__asm__(".global restore\nrestore:\n\tmov x8, 139\n\tsvc 0\n");
#else
#error "no system calls are known for this processor"
#endif

void restore(void);

struct poll {
	int file;
	short events, found;
};

struct client {
	long since;
	u32 seen;  /* bytes of the request */
	u32 match; /* how much of the empty line that ends the head has come */
	u32 sent, total;
	char first; /* the request's first letter: H asks for the head only */
};

struct action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

static struct poll places[CLIENTS + 1];
static struct client clients[CLIENTS + 1];
static char page[PAGE];
static u32 head_length, page_length;

static void quit(int code)
{
	for (;;)
		call(EXIT, code, 0, 0, 0, 0);
}

static void on_signal(int number)
{
	(void)number;
	quit(0);
}

static size length(const char *text)
{
	size count = 0;
	while (text[count])
		count++;
	return count;
}

static void complain(const char *text)
{
	call(WRITE, 2, (long)text, (long)length(text), 0, 0);
	quit(1);
}

static const char *variable(char **environment, const char *name, const char *otherwise)
{
	for (; *environment; environment++) {
		size at = 0;
		while (name[at] && (*environment)[at] == name[at])
			at++;
		if (!name[at] && (*environment)[at] == '=' && (*environment)[at + 1])
			return *environment + at + 1;
	}
	return otherwise;
}

static u32 add(char *into, u32 at, const char *text)
{
	while (*text && at < PAGE - 1)
		into[at++] = *text++;
	return at;
}

/* At most 200 bytes, and nothing that HTML reads as its own. */
static u32 add_name(char *into, u32 at, const char *text)
{
	for (u32 count = 0; text[count] && count < 200 && at < PAGE - 1; count++) {
		char letter = text[count];
		int plain = letter >= ' ' && letter != '<' && letter != '>' && letter != '&' &&
			    letter != '"' && letter != '\'';
		into[at++] = plain ? letter : '?';
	}
	return at;
}

static u32 add_number(char *into, u32 at, u32 number)
{
	char digits[12];
	u32 count = 0;
	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		into[at++] = digits[--count];
	return at;
}

static void write_page(char **environment)
{
	static char body[PAGE / 2], names[6][65];
	u32 at = 0;
	call(UNAME, (long)names, 0, 0, 0, 0);
	at = add(body, at, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
			   "<meta name=\"viewport\" content=\"width=device-width\">"
			   "<title>Hello</title><style>:root{color-scheme:light dark}"
			   "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;"
			   "margin:15vh auto;padding:0 1rem}</style></head>\n<body><h1>Hello from ");
	at = add_name(body, at, variable(environment, "K_SERVICE", "paas"));
	at = add(body, at, "</h1>\n<p>It runs. Version <b>");
	at = add_name(body, at, variable(environment, "K_REVISION", "none"));
	at = add(body, at, "</b>, host <b>");
	at = add_name(body, at, names[1]);
	at = add(body, at, "</b>.</p>\n<p>Now deploy something of your own: "
			   "<code>paas init python &amp;&amp; paas deploy</code></p></body></html>\n");
	head_length = add(page, 0, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
				   "Cache-Control: no-store\r\nConnection: close\r\nContent-Length: ");
	head_length = add_number(page, head_length, at);
	head_length = add(page, head_length, "\r\n\r\n");
	body[at] = 0;
	page_length = add(page, head_length, body);
}

static long now(void)
{
	long time[2] = {0, 0};
	call(CLOCK, 1, (long)time, 0, 0, 0);
	return time[0];
}

static u32 port_of(const char *text)
{
	u32 port = 0;
	for (; *text >= '0' && *text <= '9' && port < 65536; text++)
		port = port * 10 + (u32)(*text - '0');
	if (*text || port < 1 || port > 65535)
		complain("hello: PORT is no port\n");
	return port;
}

static int listen_on(u32 port)
{
	struct {
		u16 family, port;
		u32 address;
		char rest[8];
	} place = {2, (u16)(port << 8 | port >> 8), 0, {0}};
	int yes = 1;
	long file = call(SOCKET, 2, 1 | 04000 | 02000000, 0, 0, 0);
	call(SETSOCKOPT, file, 1, 2, (long)&yes, sizeof yes);
	if (call(BIND, file, (long)&place, sizeof place, 0, 0) < 0)
		complain("hello: the port in PORT cannot be had\n");
	if (call(LISTEN, file, 1024, 0, 0, 0) < 0)
		complain("hello: cannot listen\n");
	return (int)file;
}

static void leave(int place)
{
	call(CLOSE, places[place].file, 0, 0, 0, 0);
	places[place].file = -1;
}

static void welcome(void)
{
	int place = 1;
	long file = call(ACCEPT4, places[0].file, 0, 0, 04000 | 02000000, 0);
	if (file < 0)
		return;
	for (int one = 1; one <= CLIENTS && places[place].file >= 0; one++)
		if (places[one].file < 0 || clients[one].since < clients[place].since)
			place = one;
	if (places[place].file >= 0)
		leave(place);
	places[place].file = (int)file;
	places[place].events = POLLIN;
	clients[place] = (struct client){.since = now()};
}

/* Reads on; whether the request's head is there. The body, if there is one, is not waited for. */
static int heard(int place)
{
	struct client *client = &clients[place];
	char got[1024];
	long count = call(READ, places[place].file, (long)got, sizeof got, 0, 0);
	if (count == AGAIN || count == INTERRUPTED)
		return 0;
	if (count <= 0 || client->seen + count > HEAD) {
		leave(place);
		return 0;
	}
	if (!client->seen)
		client->first = got[0];
	client->seen += (u32)count;
	for (long at = 0; at < count; at++) {
		if (got[at] == '\n')
			client->match++;
		else if (got[at] != '\r')
			client->match = 0;
		if (client->match == 2)
			return 1;
	}
	return 0;
}

static void answer(int place)
{
	struct client *client = &clients[place];
	long count = call(WRITE, places[place].file, (long)page + client->sent,
			  client->total - client->sent, 0, 0);
	if (count == AGAIN || count == INTERRUPTED)
		return;
	if (count > 0)
		client->sent += (u32)count;
	if (count > 0 && client->sent < client->total)
		return;
	/* The rest of what was sent to us is read first, or the answer could be lost. */
	call(SHUTDOWN, places[place].file, 1, 0, 0, 0);
	places[place].events = POLLIN;
	client->total = 0;
	client->sent = 1;
}

/* After the answer: until the other side has ended, too. */
static void see_off(int place)
{
	char got[1024];
	long count = call(READ, places[place].file, (long)got, sizeof got, 0, 0);
	clients[place].seen += count > 0 ? (u32)count : 0;
	if ((count <= 0 && count != AGAIN && count != INTERRUPTED) ||
	    clients[place].seen > 1024 * 1024)
		leave(place);
}

static void serve(int place)
{
	struct client *client = &clients[place];
	if (client->total) {
		answer(place);
	} else if (client->sent) {
		see_off(place);
	} else if (heard(place)) {
		client->total = client->first == 'H' ? head_length : page_length;
		places[place].events = POLLOUT;
		answer(place);
	}
}

static void look_after(long time)
{
	for (int place = 1; place <= CLIENTS; place++) {
		if (places[place].file >= 0 && places[place].found)
			serve(place);
		if (places[place].file >= 0 && time - clients[place].since > PATIENCE)
			leave(place);
	}
}

__attribute__((used, noreturn)) void begin(size *stack)
{
	char **environment = (char **)(stack + stack[0] + 2);
	struct action end = {on_signal, 0x04000000, restore, 0};
	struct action ignore = {(void (*)(int))1, 0x04000000, restore, 0};
	call(SIGACTION, 15, (long)&end, 0, 8, 0);
	call(SIGACTION, 2, (long)&end, 0, 8, 0);
	call(SIGACTION, 13, (long)&ignore, 0, 8, 0);
	for (int place = 1; place <= CLIENTS; place++)
		places[place].file = -1;
	write_page(environment);
	places[0].events = POLLIN;
	places[0].file = listen_on(port_of(variable(environment, "PORT", "8080")));
	for (;;) {
		long pause[2] = {1, 0};
		long found = call(PPOLL, (long)places, CLIENTS + 1, (long)pause, 0, 8);
		if (found < 0)
			continue;
		look_after(now());
		if (found && places[0].found)
			welcome();
	}
}

/* What the compiler may ask for by itself. */
void *memset(void *into, int value, size count)
{
	volatile char *at = into;
	while (count--)
		*at++ = (char)value;
	return into;
}

void *memcpy(void *into, const void *from, size count)
{
	volatile char *at = into;
	const char *source = from;
	while (count--)
		*at++ = *source++;
	return into;
}
