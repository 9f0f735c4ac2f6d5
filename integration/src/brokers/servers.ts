// The kinds of broker, and the ways to each: one entry here makes a kind available to every test.
import type { RunningBroker } from "./broker.ts";
import { startKafkaContainer } from "./containers/kafka.ts";
import { startRabbitmqContainer } from "./containers/rabbitmq.ts";
import { canInstall, findProgram } from "./debian.ts";
import { type KafkaServerOptions, startKafka } from "./kafka.ts";
import { type RabbitmqServerOptions, startRabbitmq } from "./rabbitmq.ts";
import { borrowedRedis, type RunningRedis, startNativeRedis, startRedisContainer } from "./redis.ts";
import type { RedisServerOptions } from "./redis-server.ts";

export interface BrokerOptions {
	readonly redis: RedisServerOptions;
	readonly valkey: RedisServerOptions;
	/** What a container can have too: for TLS, ask startRabbitmq. */
	readonly rabbitmq: Pick<RabbitmqServerOptions, "settings" | "plugins" | "own">;
	/** For SASL, TLS and other versions, ask startKafka. */
	readonly kafka: Pick<KafkaServerOptions, "settings" | "own">;
}

export interface RunningBrokers {
	readonly redis: RunningRedis;
	readonly valkey: RunningRedis;
	readonly rabbitmq: RunningBroker;
	readonly kafka: RunningBroker;
}

export type BrokerKind = keyof BrokerOptions;

export interface Server<K extends BrokerKind> {
	/** As reports call it. */
	readonly product: string;
	/** One that the environment names; undefined for a kind whose tests cannot use somebody's. */
	readonly borrowed?: { readonly variable: string; start(variable: string, url: string): Promise<RunningBrokers[K]> };
	/** The machine's own program; `obstacle` says why there is none and why it cannot be installed. */
	readonly native?: { obstacle(): string | undefined; start(options: BrokerOptions[K]): Promise<RunningBrokers[K]> };
	readonly container: { start(options: BrokerOptions[K]): Promise<RunningBrokers[K]> };
}

/** Older than the one in a container, so that both are tested. */
const NATIVE_KAFKA = "3.9.1";

export const SERVERS: { readonly [K in BrokerKind]: Server<K> } = {
	redis: {
		product: "Redis",
		borrowed: { variable: "POLYLOG_TEST_REDIS_URL", start: borrowedRedis },
		native: {
			obstacle: () =>
				findProgram("redis-server") || canInstall()
					? undefined
					: "redis-server is not installed, and installing it is left to root on Debian; or name a Redis in POLYLOG_TEST_REDIS_URL",
			start: (options) => startNativeRedis("redis", options),
		},
		container: { start: (options) => startRedisContainer("redis", options) },
	},
	valkey: {
		product: "Valkey",
		borrowed: { variable: "POLYLOG_TEST_VALKEY_URL", start: borrowedRedis },
		native: {
			obstacle: () => (findProgram("valkey-server") ? undefined : "valkey-server is not installed"),
			start: (options) => startNativeRedis("valkey", options),
		},
		container: { start: (options) => startRedisContainer("valkey", options) },
	},
	rabbitmq: {
		product: "RabbitMQ",
		borrowed: { variable: "POLYLOG_TEST_AMQP_URL", start: () => startRabbitmq() },
		native: {
			obstacle: () =>
				findProgram("rabbitmq-server") || canInstall()
					? undefined
					: "rabbitmq-server is not installed, and installing it is left to root on Debian; or name a RabbitMQ in POLYLOG_TEST_AMQP_URL",
			start: (options) => startRabbitmq({ own: true, ...options }),
		},
		container: { start: startRabbitmqContainer },
	},
	kafka: {
		product: "Kafka",
		borrowed: { variable: "POLYLOG_TEST_KAFKA_URL", start: () => startKafka() },
		native: {
			obstacle: () =>
				(findProgram("mvn") && findProgram("java")) || canInstall()
					? undefined
					: "Maven and a JDK are not installed, and installing them is left to root on Debian; or name a Kafka in POLYLOG_TEST_KAFKA_URL",
			start: (options) => startKafka({ version: NATIVE_KAFKA, own: true, ...options }),
		},
		container: { start: startKafkaContainer },
	},
};
