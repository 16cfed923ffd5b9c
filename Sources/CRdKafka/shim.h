// librdkafka for Swift. Variadic functions and function-like macros do not import; what needs them
// gets a small inline function here.
#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// Produces one copied record. `headers` may be NULL; they belong to the library once this returns
// RD_KAFKA_RESP_ERR_NO_ERROR, and still to the caller otherwise.
static inline rd_kafka_resp_err_t ebb_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition,
                                              const void *key, size_t key_length, const void *value,
                                              size_t value_length, int64_t timestamp,
                                              rd_kafka_headers_t *headers, void *opaque) {
  if (headers)
    return rd_kafka_producev(client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                             RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY((void *)key, key_length),
                             RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_TIMESTAMP(timestamp),
                             RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
  return rd_kafka_producev(client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY((void *)key, key_length),
                           RD_KAFKA_V_VALUE((void *)value, value_length), RD_KAFKA_V_TIMESTAMP(timestamp),
                           RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
}

// Makes the next `count` requests of one kind to one mock broker late by `milliseconds`, each with `error`.
static inline rd_kafka_resp_err_t ebb_mock_delay(rd_kafka_mock_cluster_t *cluster, int32_t broker, int16_t api,
                                                 rd_kafka_resp_err_t error, int milliseconds) {
  return rd_kafka_mock_broker_push_request_error_rtts(cluster, broker, api, 1, error, milliseconds);
}
