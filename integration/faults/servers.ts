// The brokers under test: one for all cases of a backend, and ways to it through proxies.
import { randomBytes } from "node:crypto";
import type { RunningBroker } from "../src/brokers/broker.ts";
import { startBroker } from "../src/brokers/start-broker.ts";
import { type RunningKafka, startKafka } from "../src/brokers/kafka.ts";
import { type RunningRabbitmq, startRabbitmq } from "../src/brokers/rabbitmq.ts";
import { type RunningRedis, startNativeRedis } from "../src/brokers/redis.ts";
import { type Proxy, startProxy } from "../src/faults/proxy.ts";
import { makeWallClock, type WallClock } from "../src/faults/wall-clock.ts";
import type { Cluster } from "./clusters.ts";

export const BACKENDS = ["memory", "redis", "rabbitmq", "kafka"] as const;
export type Backend = (typeof BACKENDS)[number];

/** A way to the broker that can be spoilt. */
export interface Road {
	readonly url: string;
	readonly proxy: Proxy;
}

export interface Server extends AsyncDisposable {
	readonly backend: Backend;
	/** "Redis 7.0.15" */
	readonly version: string;
	readonly url: string;
	/** What can be done to it; undefined for the embedded backend. */
	readonly process: RunningRedis | RunningRabbitmq | RunningKafka | RunningBroker | undefined;
	/** Its own wall clock, if it was started with one. */
	readonly clock?: WallClock;
	/** Its nodes, if it is one of several; `process` acts on all of them. */
	readonly cluster?: Cluster;
	/** One that no other case uses now; `release` gives it back, healed. */
	road(): Promise<Road>;
	release(road: Road): void;
}

/** Of proxies that a Kafka knows from its start: it tells clients where to connect to. */
const KAFKA_ROADS = 4;

export interface ServerNeeds {
	/** A wall clock that can jump. It costs a look at a file whenever the server asks for the time. */
	readonly clock: boolean;
}

const STARTS: Readonly<Record<Backend, (needs: ServerNeeds) => Promise<Server>>> = { memory, redis, rabbitmq, kafka };

export async function startServer(backend: Backend, needs: ServerNeeds): Promise<Server> {
	return await STARTS[backend](needs);
}

async function memory(): Promise<Server> {
	return {
		backend: "memory",
		version: `Node ${process.versions.node}`,
		url: `memory:faults-${randomBytes(4).toString("hex")}`,
		process: undefined,
		road: () => Promise.reject(new Error("the embedded backend has no connections to spoil")),
		release: () => {},
		[Symbol.asyncDispose]: async () => {},
	};
}

async function redis(needs: ServerNeeds): Promise<Server> {
	const clock = needs.clock ? await makeWallClock() : undefined;
	const broker = await (clock ? startNativeRedis("redis", { environment: clock.environment }) : startBroker("redis", { own: true }));
	const server = onPort("redis", `Redis ${broker.version}`, broker, (port) => `redis://127.0.0.1:${port}`);
	if (!clock) return server;
	const end = async () => {
		await broker.dispose();
		await clock[Symbol.asyncDispose]();
	};
	return { ...server, clock, [Symbol.asyncDispose]: end };
}

async function rabbitmq(): Promise<Server> {
	const broker = await startRabbitmq({ own: true });
	return onPort("rabbitmq", `RabbitMQ ${broker.version}`, broker, (port) => `amqp://127.0.0.1:${port}`);
}

/** A broker whose clients connect where they are told to, and nowhere else. */
function onPort(backend: Backend, version: string, broker: RunningRedis | RunningRabbitmq, urlOf: (port: number) => string): Server {
	return {
		backend,
		version,
		url: broker.url,
		process: broker,
		async road() {
			const proxy = await startProxy(broker);
			return { url: urlOf(proxy.port), proxy };
		},
		release: ({ proxy }) => void proxy.close(),
		[Symbol.asyncDispose]: () => broker.dispose(),
	};
}

async function kafka(): Promise<Server> {
	const late: { broker?: RunningKafka } = {};
	const names = Array.from({ length: KAFKA_ROADS }, (_, i) => `ROAD${i}`);
	const proxies = await Promise.all(
		names.map((name) =>
			startProxy({
				host: "127.0.0.1",
				get port() {
					return late.broker?.listeners.get(name) ?? 0;
				},
			}),
		),
	);
	const listeners = names.map((name, i) => ({ name, protocol: "PLAINTEXT" as const, advertisedPort: proxies[i]?.port ?? 0 }));
	const started = await startKafka({ own: true, listeners });
	late.broker = started;
	const free: Road[] = proxies.map((proxy) => ({ url: `kafka://localhost:${proxy.port}`, proxy }));
	return {
		backend: "kafka",
		version: `Kafka ${started.version}`,
		url: started.url,
		process: started,
		async road() {
			const road = free.pop();
			if (!road) throw new Error(`all ${KAFKA_ROADS} proxies of the Kafka are in use`);
			return road;
		},
		release(road) {
			road.proxy.heal();
			road.proxy.cut();
			free.push(road);
		},
		async [Symbol.asyncDispose]() {
			await started.dispose();
			await Promise.all(proxies.map((proxy) => proxy.close()));
		},
	};
}
