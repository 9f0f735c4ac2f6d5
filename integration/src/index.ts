// Real brokers and faults for tests.
export type { RunningBroker } from "./brokers/broker.ts";
export { type KafkaListener, type KafkaServerOptions, type RunningKafka, startKafka } from "./brokers/kafka.ts";
export { type RabbitmqServerOptions, type RunningRabbitmq, startRabbitmq } from "./brokers/rabbitmq.ts";
export { freePort } from "./brokers/port.ts";
export { type RedisServerOptions, startRedis } from "./brokers/redis.ts";
export { pythonWith } from "./clients/python.ts";
export { type Flow, type Proxy, startProxy } from "./faults/proxy.ts";
