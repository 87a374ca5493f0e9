/*
 * podwire-cni: the CNI binary. Hands the CNI_ variables and stdin to the agent's unix socket and prints its answer.
 *
 *   runtime --env, stdin--> podwire-cni --{"env":{...},"stdin":"..."}--> agent
 *   runtime <--stdout, exit code-- podwire-cni <--{"stdout":"...","exitCode":0}-- agent
 *
 * Each message is 4 bytes of length, big endian, and JSON. The socket's path: PODWIRE_CNI_SOCKET, else the first line
 * of podwire-cni.conf beside the binary, else /run/podwire/cni.sock.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct text { char *bytes; size_t length, room; };
extern char **environ;

/* No answer, no agent: error 11 "try again later"; for STATUS 50 "not available". */
static void give_up(const char *why) {
  const char *command = getenv("CNI_COMMAND");
  int code = command && !strcmp(command, "STATUS") ? 50 : 11;
  printf("{\"cniVersion\":\"1.1.0\",\"code\":%d,\"msg\":\"the podwire agent %s; is it running?\"}\n", code, why);
  exit(1);
}

static void append(struct text *t, const char *bytes, size_t length) {
  if (t->length + length > t->room) {
    t->room = (t->length + length) * 2 + 256;
    t->bytes = realloc(t->bytes, t->room);
    if (!t->bytes) give_up("cannot be asked: out of memory");
  }
  memcpy(t->bytes + t->length, bytes, length);
  t->length += length;
}

static void append_string(struct text *t, const char *bytes, size_t length) {
  char escape[8];
  append(t, "\"", 1);
  for (size_t i = 0; i < length; i++) {
    unsigned char c = bytes[i];
    if (c == '"' || c == '\\' || c < 0x20) append(t, escape, (size_t)sprintf(escape, "\\u%04x", c));
    else append(t, bytes + i, 1);
  }
  append(t, "\"", 1);
}

static void read_all(int fd, struct text *t) {
  char part[4096];
  for (ssize_t n; (n = read(fd, part, sizeof part)) > 0;) append(t, part, (size_t)n);
}

static void socket_path(char *path, size_t room) {
  const char *given = getenv("PODWIRE_CNI_SOCKET");
  char conf[4096 + 8];
  snprintf(path, room, "%s", given && *given ? given : "/run/podwire/cni.sock");
  if (given && *given) return;
  ssize_t n = readlink("/proc/self/exe", conf, 4096);
  if (n <= 0) return;
  snprintf(conf + n, sizeof conf - (size_t)n, ".conf");
  FILE *file = fopen(conf, "re");
  if (!file) return;
  char line[256];
  if (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\r\n")] = 0;
    if (*line && strlen(line) < room) strcpy(path, line);
  }
  fclose(file);
}

/* Prints the JSON string at p; the agent writes with JSON.stringify, so controls below 0x20 are the only \u. */
static const char *print_string(const char *p, const char *end) {
  for (; p < end && *p != '"'; p++) {
    if (*p != '\\') { putchar(*p); continue; }
    if (++p >= end) break;
    const char *plain = "bfnrt", *at = strchr(plain, *p);
    if (*p == 'u' && end - p > 4) {
      char hex[5] = {p[1], p[2], p[3], p[4], 0};
      putchar((int)strtol(hex, 0, 16) & 0xff);
      p += 4;
    } else putchar(at ? "\b\f\n\r\t"[at - plain] : *p);
  }
  return p;
}

int main(void) {
  struct text input = {0}, request = {0}, answer = {0};
  uint32_t size = 0;
  append(&request, (char *)&size, 4);
  append(&request, "{\"env\":{", 8);
  int first = 1;
  for (char **e = environ; *e; e++) {
    char *equals = strchr(*e, '=');
    if (strncmp(*e, "CNI_", 4) || !equals) continue;
    if (!first) append(&request, ",", 1);
    first = 0;
    append_string(&request, *e, (size_t)(equals - *e));
    append(&request, ":", 1);
    append_string(&request, equals + 1, strlen(equals + 1));
  }
  append(&request, "},\"stdin\":", 10);
  read_all(0, &input);
  append_string(&request, input.bytes, input.length);
  append(&request, "}", 1);
  size = htonl((uint32_t)(request.length - 4));
  memcpy(request.bytes, &size, 4);

  struct sockaddr_un address = {.sun_family = AF_UNIX};
  socket_path(address.sun_path, sizeof address.sun_path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) give_up("cannot be reached on its CNI socket");
  for (size_t sent = 0; sent < request.length;) {
    ssize_t n = send(fd, request.bytes + sent, request.length - sent, MSG_NOSIGNAL);
    if (n <= 0) give_up("closed its CNI socket");
    sent += (size_t)n;
  }
  read_all(fd, &answer);
  const char *head = "{\"stdout\":\"", *tail = "\",\"exitCode\":";
  const char *end = answer.bytes + answer.length;
  if (answer.length < 4 + strlen(head) || memcmp(answer.bytes + 4, head, strlen(head))) give_up("gave no answer");
  append(&answer, "", 1);
  end = answer.bytes + answer.length - 1;
  const char *p = print_string(answer.bytes + 4 + strlen(head), end);
  if ((size_t)(end - p) <= strlen(tail) || strncmp(p, tail, strlen(tail))) give_up("gave half an answer");
  return atoi(p + strlen(tail));
}
