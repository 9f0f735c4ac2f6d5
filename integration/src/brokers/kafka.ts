// Where tests get a Kafka from: a URL in the environment, else Kafka's own program, its jars fetched by Maven once.
import { join } from "node:path";
import type { RunningBroker } from "./broker.ts";
import { kafkaJars } from "./kafka-jars.ts";
import { KAFKA_READY_MS, kafkaAnswers, startKafkaProcess } from "./kafka-process.ts";
import { freePort } from "./port.ts";
import { KAFKA_SETTINGS } from "./kafka-settings.ts";

export interface KafkaServerOptions {
	/** "4.1.1" (default) or another release on Maven Central; POLYLOG_TEST_KAFKA_VERSION decides where this does not. */
	readonly version?: string;
	/** More of server.properties. A broker from a URL cannot have them. */
	readonly settings?: Readonly<Record<string, string>>;
	/** SASL and TLS listeners beside the plain one. */
	readonly listeners?: readonly KafkaListener[];
	/** Users for SCRAM, as `kafka-storage format --add-scram` takes them: "SCRAM-SHA-256=[name=me,password=secret]". */
	readonly scram?: readonly string[];
	/** A server of this run's own, even if the environment names one: tests that kill it need that. Default: false. */
	readonly own?: boolean;
}

export interface KafkaListener {
	readonly name: string;
	readonly protocol: "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";
	/** What clients are told instead of its own port: that of a proxy before it. */
	readonly advertisedPort?: number;
}

export interface RunningKafka extends RunningBroker {
	/** Its jars, for Kafka's own tools; undefined for one from a URL. */
	readonly classPath: string | undefined;
	/** Ports of the listeners asked for, by name. */
	readonly listeners: ReadonlyMap<string, number>;
}

const URL_VARIABLE = "POLYLOG_TEST_KAFKA_URL";
const VERSION_VARIABLE = "POLYLOG_TEST_KAFKA_VERSION";
export const DEFAULT_KAFKA_VERSION = "4.1.1";

/** A running Kafka; rejects with what to do if there is none to be had, in CI too: a missing broker is no reason to skip. */
export async function startKafka(options: KafkaServerOptions = {}): Promise<RunningKafka> {
	const url = process.env[URL_VARIABLE];
	if (url && !options.own && !options.settings && !options.listeners && !options.scram && !options.version) return await borrowed(url);
	const version = options.version ?? process.env[VERSION_VARIABLE] ?? DEFAULT_KAFKA_VERSION;
	const classPath = join(await kafkaJars(version), "*");
	const [port, controllerPort] = [await freePort(), await freePort()];
	const listeners = new Map<string, number>();
	for (const { name } of options.listeners ?? []) listeners.set(name, await freePort());
	const server = await startKafkaProcess({
		classPath,
		properties: (folder) => properties({ folder, port, controllerPort, listeners, options }),
		host: "127.0.0.1",
		port,
		scram: options.scram,
	});
	return {
		url: `kafka://127.0.0.1:${port}`,
		version,
		how: "native (Kafka's jars from Maven)",
		host: "127.0.0.1",
		port,
		classPath,
		listeners,
		...server.controls(),
	};
}

interface Layout {
	readonly folder: string;
	readonly port: number;
	readonly controllerPort: number;
	readonly listeners: ReadonlyMap<string, number>;
	readonly options: KafkaServerOptions;
}

function properties({ folder, port, controllerPort, listeners, options }: Layout): Record<string, string> {
	const extra = options.listeners ?? [];
	const places = [`PLAINTEXT://127.0.0.1:${port}`, ...extra.map(({ name }) => `${name}://localhost:${listeners.get(name)}`)];
	return {
		"process.roles": "broker,controller",
		"node.id": "1",
		"controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
		listeners: [...places, `CONTROLLER://127.0.0.1:${controllerPort}`].join(","),
		"advertised.listeners": [
			`PLAINTEXT://127.0.0.1:${port}`,
			...extra.map(({ name, advertisedPort }) => `${name}://localhost:${advertisedPort ?? listeners.get(name)}`),
		].join(","),
		"controller.listener.names": "CONTROLLER",
		"inter.broker.listener.name": "PLAINTEXT",
		"listener.security.protocol.map": [
			"PLAINTEXT:PLAINTEXT",
			"CONTROLLER:PLAINTEXT",
			...extra.map(({ name, protocol }) => `${name}:${protocol}`),
		].join(","),
		"log.dirs": join(folder, "data"),
		...KAFKA_SETTINGS,
		...options.settings,
	};
}

async function borrowed(url: string): Promise<RunningKafka> {
	const { hostname, port } = new URL(url.replace(/^kafka:/, "http:"));
	const address = { host: hostname, port: Number(port || 9092) };
	await kafkaAnswers(address.host, address.port, KAFKA_READY_MS);
	const refuse = () => {
		throw new Error(`the Kafka of ${URL_VARIABLE} is not this test's to stop; ask startKafka for one of its own`);
	};
	const nothing = async () => undefined;
	return {
		url,
		version: "unknown",
		how: URL_VARIABLE,
		...address,
		classPath: undefined,
		listeners: new Map(),
		start: refuse,
		stop: refuse,
		kill: refuse,
		pause: refuse,
		resume: refuse,
		restart: refuse,
		logs: () => "",
		dispose: nothing,
		[Symbol.asyncDispose]: nothing,
	};
}
