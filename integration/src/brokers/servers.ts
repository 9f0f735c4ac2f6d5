// The kinds of broker, and the ways to each: one entry here makes a kind available to every test.
import type { RunningBroker } from "./broker.ts";
import { type KafkaContainerOptions, startKafkaContainer } from "./containers/kafka.ts";
import { type RabbitmqContainerOptions, startRabbitmqContainer } from "./containers/rabbitmq.ts";
import { canInstall, findProgram } from "./debian.ts";
import { borrowedRedis, type RunningRedis, startNativeRedis, startRedisContainer } from "./redis.ts";
import type { RedisServerOptions } from "./redis-server.ts";

export interface BrokerOptions {
	readonly redis: RedisServerOptions;
	readonly valkey: RedisServerOptions;
	readonly rabbitmq: RabbitmqContainerOptions & { readonly own?: boolean };
	readonly kafka: KafkaContainerOptions & { readonly own?: boolean };
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
	rabbitmq: { product: "RabbitMQ", container: { start: startRabbitmqContainer } },
	kafka: { product: "Kafka", container: { start: startKafkaContainer } },
};
