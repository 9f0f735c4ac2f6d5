// Redis Cluster and Sentinel as providers, for tests of both: natively, as many processes.
import { isCi, type Provider } from "./providers.ts";
import { type RedisClusterOptions, type RunningRedisCluster, startRedisCluster } from "./redis-cluster.ts";
import { type RedisSentinelOptions, type RunningRedisSentinel, startRedisSentinel } from "./redis-sentinel.ts";
import { obstacles } from "./start-broker.ts";

export interface GroupProvider<R, O> extends Pick<Provider, "product" | "via" | "title" | "skip"> {
	start(options?: O): Promise<R>;
}

export interface RedisGroups {
	readonly cluster: GroupProvider<RunningRedisCluster, RedisClusterOptions>;
	readonly sentinel: GroupProvider<RunningRedisSentinel, RedisSentinelOptions>;
}

export async function redisGroups(): Promise<RedisGroups> {
	const { native } = await obstacles("redis");
	const common = { via: "native", skip: isCi() ? undefined : native } as const;
	return {
		cluster: { ...common, product: "Redis Cluster", title: "Redis Cluster, native", start: startRedisCluster },
		sentinel: { ...common, product: "Redis Sentinel", title: "Redis Sentinel, native", start: startRedisSentinel },
	};
}
