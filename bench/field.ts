// Who competes on which broker, and what the library owes there.
import { readFileSync } from "node:fs";
import { connect, silentLog } from "@polylog/core";
import { startBroker, startKafka, startRabbitmq } from "@polylog/integration";
import type { Contender } from "./contender.ts";
import type { BrokerName } from "./options.ts";
import { PolylogContender } from "./polylog.ts";
import { RawKafka } from "./raw/kafka.ts";
import { RawMemory } from "./raw/memory.ts";
import { RawRabbitmq } from "./raw/rabbitmq.ts";
import { RawRedis } from "./raw/redis.ts";

/** Of the raw client's rate; undefined: nothing is required. */
interface Floors {
	readonly produce: number | undefined;
	readonly consume: number | undefined;
}

interface Entrant {
	readonly floors: Floors;
	/** The raw client's package, for its version. */
	readonly client: string | undefined;
	start(): Promise<RunningServer>;
	raw(url: string): Contender | Promise<Contender>;
}

interface RunningServer extends AsyncDisposable {
	readonly url: string;
	readonly version: string;
	readonly how: string;
}

const ENTRANTS: Readonly<Record<BrokerName, Entrant>> = {
	memory: {
		floors: { produce: undefined, consume: undefined },
		client: undefined,
		start: async () => ({ url: "memory:bench", version: "in this process", how: "embedded", async [Symbol.asyncDispose]() {} }),
		raw: () => new RawMemory(),
	},
	redis: {
		floors: { produce: 0.7, consume: 0.7 },
		client: "ioredis",
		start: () => startBroker("redis", { own: true }),
		raw: (url) => new RawRedis(url),
	},
	kafka: {
		floors: { produce: 1, consume: 1 },
		client: "kafkajs",
		start: () => startKafka({ own: true }),
		raw: (url) => RawKafka.connect(url),
	},
	rabbitmq: {
		floors: { produce: 0.7, consume: 0.7 },
		client: "amqplib",
		start: () => startRabbitmq({ own: true }),
		raw: (url) => RawRabbitmq.connect(url),
	},
};

/** A broker, the library and the raw client connected to it. */
export interface Field extends AsyncDisposable {
	readonly floors: Floors;
	readonly polylog: Contender;
	readonly raw: Contender;
	readonly versions: readonly string[];
}

export async function openField(broker: BrokerName, url: string | undefined): Promise<Field> {
	const entrant = ENTRANTS[broker];
	await using stack = new AsyncDisposableStack();
	const server = url === undefined ? stack.use(await entrant.start()) : undefined;
	const target = server?.url ?? url ?? "";
	const raw = stack.use(await entrant.raw(target));
	const polylog = stack.use(new PolylogContender(await connect({ url: target, log: silentLog })));
	const client = entrant.client === undefined ? "" : `, ${entrant.client} ${versionOf(entrant.client)}`;
	const versions = [
		server ? `${broker} ${server.version} (${server.how})${client}, Node ${process.versions.node}` : `${broker} of --url${client}`,
		polylog.how,
		`raw: ${raw.how}`,
	];
	const open = stack.move();
	return { floors: entrant.floors, polylog, raw, versions, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** Versions are pinned here; not every package shows its own manifest. */
function versionOf(name: string): string {
	const manifest = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { dependencies: Record<string, string> };
	return manifest.dependencies[name] ?? "of unknown version";
}
