// The four backends as tests that say the same of each meet them: by the name of the adapter, each with an empty server of its own.
import type { TestContext } from "vitest";
import { startBroker } from "./brokers/start-broker.ts";
import { covered } from "./coverage.ts";

export interface RunningBackend extends AsyncDisposable {
	readonly url: string;
	readonly host: string;
	readonly port: number;
	/** As reports call it: "Redis 7.0.15". */
	readonly version: string;
}

const ALL = ["memory", "redis-streams", "rabbitmq", "kafka"] as const;
export type Backend = (typeof ALL)[number];
/** Those that this run covers. */
export const BACKENDS: readonly Backend[] = ALL.filter((backend) => covered().has(backend));

const NO_SERVER: RunningBackend = {
	url: "memory:",
	host: "",
	port: 0,
	version: `Node ${process.versions.node}`,
	[Symbol.asyncDispose]: async () => undefined,
};

const STARTS = {
	memory: async () => NO_SERVER,
	"redis-streams": async () => named("Redis", await startBroker("redis", { own: true })),
	rabbitmq: async () => named("RabbitMQ", await startBroker("rabbitmq", { own: true })),
	kafka: async () => named("Kafka", await startBroker("kafka", { own: true })),
} satisfies Record<Backend, () => Promise<RunningBackend>>;

function named(product: string, broker: Omit<RunningBackend, "version"> & { readonly version: string }): RunningBackend {
	const { url, host, port, version } = broker;
	return { url, host, port, version: `${product} ${version}`, [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose]() };
}

export async function startBackend(backend: Backend): Promise<RunningBackend> {
	return await STARTS[backend]();
}

/** Tells the table of `npm test` what a test ran against. */
export function reportBackend({ task }: Pick<TestContext, "task">, backend: Backend, running: RunningBackend | undefined): void {
	Object.assign(task.meta, { backend, version: running?.version });
}
