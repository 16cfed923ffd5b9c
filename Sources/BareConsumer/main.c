// A consumer that does nothing: what reading a topic costs before anybody looks at a record. The yardstick of
// `make bench-kafka`. It reads every partition from its beginning until it has a given number of records, and prints
// what that took: seconds, and the processor time of all its threads.

#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { MAXIMUM_BATCH = 65536, MAXIMUM_PROPERTIES = 64, ANSWER_MILLISECONDS = 10000 };

typedef struct {
  const char *brokers, *topic;
  long events;       // records to read
  long batch;        // records a call
  long fetch_bytes;  // of one answer of a broker
  long seconds;      // after so many it gives up
  bool polls;        // one record a call, by rd_kafka_consumer_poll
  const char *properties[MAXIMUM_PROPERTIES];
  int property_count;
} Options;

static const char usage[] =
    "usage: bare-consumer --brokers HOST:PORT --topic NAME --events COUNT [options]\n"
    "  --brokers HOST:PORT[,...]  where the cluster is\n"
    "  --topic NAME               the topic to read, all partitions from their beginning\n"
    "  --events COUNT             how many records to read\n"
    "  --call batch|poll          rd_kafka_consume_batch_queue (default) or rd_kafka_consumer_poll\n"
    "  --batch COUNT              records a batch call takes at most, 1 to 65536 (default 1024)\n"
    "  --fetch-bytes COUNT        fetch.max.bytes and max.partition.fetch.bytes (default 1048576)\n"
    "  --set NAME=VALUE           any further librdkafka property; may be repeated\n"
    "  --timeout SECONDS          give up after so long (default 300)\n"
    "  --help                     print this\n";

static void fail(int status, const char *what, const char *detail) {
  fprintf(stderr, "bare-consumer: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
  exit(status);
}

static void misused(const char *what, const char *detail) {
  fprintf(stderr, "bare-consumer: %s%s%s\n\n%s", what, detail ? ": " : "", detail ? detail : "", usage);
  exit(2);
}

static long number(const char *option, const char *text, long low, long high) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || end == text || *end || value < low || value > high) {
    char message[160];
    snprintf(message, sizeof message, "%s must be a whole number from %ld to %ld", option, low, high);
    misused(message, text);
  }
  return value;
}

static Options parse(int count, char **arguments) {
  Options options = {.batch = 1024, .fetch_bytes = 1048576, .seconds = 300};
  for (int index = 1; index < count; index++) {
    const char *name = arguments[index];
    if (!strcmp(name, "--help")) {
      fputs(usage, stdout);
      exit(0);
    }
    static const char *const names[] = {"--brokers", "--topic", "--events",  "--call",
                                        "--batch",   "--set",   "--timeout", "--fetch-bytes"};
    bool known = false;
    for (size_t which = 0; which < sizeof names / sizeof *names; which++) known |= !strcmp(name, names[which]);
    if (!known) misused("unknown option", name);
    if (++index == count) misused("a value is missing behind", name);
    const char *value = arguments[index];
    if (!strcmp(name, "--brokers")) {
      options.brokers = value;
    } else if (!strcmp(name, "--topic")) {
      options.topic = value;
    } else if (!strcmp(name, "--events")) {
      options.events = number(name, value, 1, 1000000000000);
    } else if (!strcmp(name, "--batch")) {
      options.batch = number(name, value, 1, MAXIMUM_BATCH);
    } else if (!strcmp(name, "--fetch-bytes")) {
      options.fetch_bytes = number(name, value, 1024, 1000000000);
    } else if (!strcmp(name, "--timeout")) {
      options.seconds = number(name, value, 1, 86400);
    } else if (!strcmp(name, "--call")) {
      if (strcmp(value, "batch") && strcmp(value, "poll")) misused("--call is batch or poll, not", value);
      options.polls = !strcmp(value, "poll");
    } else {
      if (!strchr(value, '=')) misused("--set takes NAME=VALUE, not", value);
      if (options.property_count == MAXIMUM_PROPERTIES) misused("too many properties, from", value);
      options.properties[options.property_count++] = value;
    }
  }
  if (!options.brokers) misused("--brokers is missing", NULL);
  if (!options.topic) misused("--topic is missing", NULL);
  if (!options.events) misused("--events is missing", NULL);
  return options;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char text[512];
  if (rd_kafka_conf_set(conf, name, value, text, sizeof text) != RD_KAFKA_CONF_OK) fail(2, "property refused", text);
  // What may be a secret is not printed.
  bool secret = strstr(name, "password") || strstr(name, "secret") || strstr(name, "key") || strstr(name, "oauth");
  printf("  %s = %s\n", name, secret ? "(given)" : value);
}

static rd_kafka_t *make_client(const Options *options) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  char bytes[32], text[512];
  snprintf(bytes, sizeof bytes, "%ld", options->fetch_bytes);
  printf("librdkafka %s, %s of %ld\n", rd_kafka_version_str(),
         options->polls ? "rd_kafka_consumer_poll" : "rd_kafka_consume_batch_queue", options->polls ? 1 : options->batch);
  set(conf, "bootstrap.servers", options->brokers);
  set(conf, "group.id", "bare-consumer");  // named because the library wants one; it is never joined
  set(conf, "enable.auto.commit", "false");
  set(conf, "enable.auto.offset.store", "false");
  set(conf, "isolation.level", "read_committed");
  set(conf, "auto.offset.reset", "error");
  // The library wants an answer to have room for the largest record.
  if (options->fetch_bytes < 1000000) set(conf, "message.max.bytes", bytes);
  set(conf, "fetch.max.bytes", bytes);
  set(conf, "max.partition.fetch.bytes", bytes);
  set(conf, "fetch.wait.max.ms", "100");
  set(conf, "socket.nagle.disable", "true");
  for (int index = 0; index < options->property_count; index++) {
    char name[256];
    const char *sign = strchr(options->properties[index], '=');
    snprintf(name, sizeof name, "%.*s", (int)(sign - options->properties[index]), options->properties[index]);
    set(conf, name, sign + 1);
  }
  rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof text);
  if (!client) fail(1, "no client", text);
  rd_kafka_poll_set_consumer(client);
  return client;
}

// Assigns every partition of the topic from its beginning.
static void assign_all(rd_kafka_t *client, const Options *options) {
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, options->topic, NULL);
  if (!topic) fail(1, "the topic cannot be named", rd_kafka_err2str(rd_kafka_last_error()));
  const struct rd_kafka_metadata *metadata;
  rd_kafka_resp_err_t error = rd_kafka_metadata(client, 0, topic, &metadata, ANSWER_MILLISECONDS);
  if (error) fail(1, "the brokers do not answer", rd_kafka_err2str(error));
  if (metadata->topic_cnt != 1 || metadata->topics[0].err || !metadata->topics[0].partition_cnt)
    fail(1, "the topic cannot be read",
         metadata->topic_cnt == 1 ? rd_kafka_err2str(metadata->topics[0].err) : options->topic);
  int count = metadata->topics[0].partition_cnt;
  int64_t kept = 0;
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
  for (int index = 0; index < count; index++) {
    int64_t low, high;
    error = rd_kafka_query_watermark_offsets(client, options->topic, index, &low, &high, ANSWER_MILLISECONDS);
    if (error) fail(1, "a partition does not answer", rd_kafka_err2str(error));
    kept += high - low;
    rd_kafka_topic_partition_list_add(list, options->topic, index)->offset = low;
  }
  printf("%d partitions that keep %" PRId64 " records\n", count, kept);
  if (kept < options->events) fail(1, "the topic keeps fewer records than are to be read", NULL);
  error = rd_kafka_assign(client, list);
  if (error) fail(1, "the partitions cannot be read", rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_metadata_destroy(metadata);
  rd_kafka_topic_destroy(topic);
}

static double seconds_of(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Takes a message's size, so that its fields are touched as any reader would; false: it was no record.
static bool take(rd_kafka_message_t *message, int64_t *bytes) {
  bool is_record = !message->err;
  if (is_record)
    *bytes += (int64_t)message->len;
  else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
    fprintf(stderr, "bare-consumer: %s\n", rd_kafka_message_errstr(message));
  rd_kafka_message_destroy(message);
  return is_record;
}

static long read_all(rd_kafka_t *client, const Options *options, double deadline, int64_t *bytes, long *calls) {
  static rd_kafka_message_t *messages[MAXIMUM_BATCH];
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
  long events = 0;
  while (events < options->events && seconds_of(CLOCK_MONOTONIC) < deadline) {
    if (options->polls) {
      rd_kafka_message_t *message = rd_kafka_consumer_poll(client, 100);
      if (message) events += take(message, bytes);
    } else {
      // The call waits until the batch is full: so what is there, else one, else what has come with it.
      ssize_t count = rd_kafka_consume_batch_queue(queue, 0, messages, (size_t)options->batch);
      if (count == 0) count = rd_kafka_consume_batch_queue(queue, 100, messages, 1);
      for (ssize_t index = 0; index < count; index++) events += take(messages[index], bytes);
    }
    *calls += 1;
  }
  rd_kafka_queue_destroy(queue);
  return events;
}

int main(int count, char **arguments) {
  Options options = parse(count, arguments);
  rd_kafka_t *client = make_client(&options);
  struct rusage before, after;
  int64_t bytes = 0;
  long calls = 0;
  // Fetching begins with the assignment; the client's start is not counted.
  getrusage(RUSAGE_SELF, &before);
  assign_all(client, &options);
  double began = seconds_of(CLOCK_MONOTONIC), processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
  long events = read_all(client, &options, began + (double)options.seconds, &bytes, &calls);
  processor = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - processor;
  double took = seconds_of(CLOCK_MONOTONIC) - began;
  getrusage(RUSAGE_SELF, &after);
  if (events < options.events) {
    char text[96];
    snprintf(text, sizeof text, "%ld of %ld after %ld s", events, options.events, options.seconds);
    fail(1, "the records did not come", text);
  }
  printf("events=%ld bytes=%" PRId64 " calls=%ld seconds=%.6f cpu_seconds=%.6f\n", events, bytes, calls, took, processor);
  printf("%.0f events/s, %.1f ns of processor an event, all threads (%.0f MiB resident at most, %ld page faults)\n",
         (double)events / took, processor / (double)events * 1e9, (double)after.ru_maxrss / 1024,
         after.ru_minflt - before.ru_minflt);
  fflush(stdout);
  // Nothing to hand back: no group was joined, and destroying the client can wait for brokers.
  _Exit(0);
}
