/* What the scenarios deploy: an HTTP server that does as it is told, a thread per connection.
 *
 *   GET /?ms=100        answers after 100 ms of work (sleeping, which takes no CPU):
 *                       "<number of the request> <in flight> <most in flight> <own microseconds>"
 *   POST /?ms=0         the same, after the whole body (by Content-Length) was read
 *   Upgrade: websocket  answers what comes with text frames "ok", until the other side ends
 *
 * With MOOD=<address>:<port> it asks there what to do before it listens: "crash", "never"
 * (it runs and does not listen), or milliseconds to wait first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char ACCEPTED[] = /* the answer to the key of RFC 6455, section 1.3 */
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
static atomic_int count, here, most;

static long micros(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static int enter(void) {
  int mine = atomic_fetch_add(&here, 1) + 1, seen = atomic_load(&most);
  while (mine > seen && !atomic_compare_exchange_weak(&most, &seen, mine)) {}
  return mine;
}

static int answer(int client, long begun, const char *head) {
  const char *wanted = strstr(head, "?ms="), *end = strchr(head, '\r');
  int number = atomic_fetch_add(&count, 1), mine = enter();
  if (wanted && wanted < end) usleep((useconds_t)atoi(wanted + 4) * 1000);
  char body[128], whole[256];
  int size = snprintf(body, sizeof body, "%d %d %d %ld\n", number, mine, atomic_load(&most),
                      micros() - begun);
  size = snprintf(whole, sizeof whole,
                  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
                  size, body);
  atomic_fetch_sub(&here, 1);
  return send(client, whole, (size_t)size, MSG_NOSIGNAL) == size;
}

static int swallow(int client, long left) {
  static __thread char away[65536];
  while (left > 0) {
    ssize_t got = recv(client, away, left < (long)sizeof away ? (size_t)left : sizeof away, 0);
    if (got <= 0) return 0;
    left -= got;
  }
  return 1;
}

static void talk(int client) {
  char frame[4096];
  send(client, ACCEPTED, sizeof ACCEPTED - 1, MSG_NOSIGNAL);
  while (recv(client, frame, sizeof frame, 0) > 0) send(client, "\x81\x02ok", 4, MSG_NOSIGNAL);
}

static int serve_one(int client) {
  char head[16384];
  size_t have = 0;
  char *end = NULL;
  while (!end) {
    ssize_t got = recv(client, head + have, sizeof head - 1 - have, 0);
    if (got <= 0) return 0;
    have += (size_t)got;
    head[have] = 0;
    end = strstr(head, "\r\n\r\n");
    if (!end && have == sizeof head - 1) return 0;
  }
  long begun = micros(), early = (long)(head + have - end - 4);
  char *length = strcasestr(head, "\r\ncontent-length:");
  if (strcasestr(head, "\r\nupgrade: websocket")) return talk(client), 0;
  if (length && length < end && !swallow(client, atol(length + 17) - early)) return 0;
  return answer(client, begun, head);
}

static void *serve(void *one) {
  int client = (int)(long)one, yes = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  while (serve_one(client)) {}
  close(client);
  return NULL;
}

static void mood(const char *place) {
  char host[64] = "", line[64] = "";
  int port = 0, asked = socket(AF_INET, SOCK_STREAM, 0);
  sscanf(place, "%63[^:]:%d", host, &port);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &to.sin_addr);
  if (connect(asked, (struct sockaddr *)&to, sizeof to) || recv(asked, line, 63, 0) <= 0) exit(7);
  close(asked);
  if (!strncmp(line, "crash", 5)) fputs("crashing as told\n", stderr), exit(3);
  while (!strncmp(line, "never", 5)) pause();
  usleep((useconds_t)atoi(line) * 1000);
}

int main(void) {
  if (getenv("MOOD")) mood(getenv("MOOD"));
  int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = INADDR_ANY};
  at.sin_port = htons((uint16_t)atoi(getenv("PORT") ? getenv("PORT") : "80"));
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024)) return 1;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 131072);
  pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
  for (;;) {
    pthread_t thread;
    int client = accept(listener, NULL, NULL);
    if (client >= 0 && pthread_create(&thread, &small, serve, (void *)(long)client)) close(client);
  }
}
