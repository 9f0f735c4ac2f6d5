// Real brokers and faults for tests.
export type { RunningBroker } from "./brokers/broker.ts";
export { type KafkaListener, type KafkaServerOptions, type RunningKafka, startKafka } from "./brokers/kafka.ts";
export { withLock } from "./brokers/lock.ts";
export { freePort } from "./brokers/port.ts";
export { type Provider, providers } from "./brokers/providers.ts";
export { type RabbitmqServerOptions, type RunningRabbitmq, startRabbitmq } from "./brokers/rabbitmq.ts";
export type { RunningRedis } from "./brokers/redis.ts";
export { type RedisClusterOptions, type RunningRedisCluster, startRedisCluster } from "./brokers/redis-cluster.ts";
export { type GroupProvider, redisGroups } from "./brokers/redis-groups.ts";
export { type RedisSentinelOptions, type RunningRedisSentinel, startRedisSentinel } from "./brokers/redis-sentinel.ts";
export type { RedisServerOptions } from "./brokers/redis-server.ts";
export type { BrokerKind } from "./brokers/servers.ts";
export { startBroker, type Via } from "./brokers/start-broker.ts";
export { createDriver, CREDIT, driverContext, LoggedLines, quickestOfThree, take, textOf, uniqueName } from "./driver-harness.ts";
export { pythonWith } from "./clients/python.ts";
export { runClient } from "./clients/run-client.ts";
export { type Flow, type Proxy, startProxy } from "./faults/proxy.ts";
export { sendThrough } from "./faults/send-through.ts";
