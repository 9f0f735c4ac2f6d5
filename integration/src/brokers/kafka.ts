// Where tests get a Kafka from: a URL in the environment, else Kafka's own program, its jars fetched by Maven once.
import { statfs } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import type { RunningBroker } from "./broker.ts";
import { ChildServer } from "./child-server.ts";
import { kafkaJars } from "./kafka-jars.ts";
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
const DEFAULT_VERSION = "4.1.1";
const ROOM_BYTES = 4 * 1024 ** 3;
const READY_MS = 60_000;
/** Any 16 bytes in base64url. */
const CLUSTER_ID = "cG9seWxvZ3Rlc3RzMDAwMA";

/** A running Kafka; rejects with what to do if there is none to be had, in CI too: a missing broker is no reason to skip. */
export async function startKafka(options: KafkaServerOptions = {}): Promise<RunningKafka> {
	const url = process.env[URL_VARIABLE];
	if (url && !options.own && !options.settings && !options.listeners && !options.scram && !options.version) return await borrowed(url);
	const version = options.version ?? process.env[VERSION_VARIABLE] ?? DEFAULT_VERSION;
	const classPath = join(await kafkaJars(version), "*");
	const [port, controllerPort] = [await freePort(), await freePort()];
	const listeners = new Map<string, number>();
	for (const { name } of options.listeners ?? []) listeners.set(name, await freePort());
	const server = await ChildServer.start({
		name: "kafka",
		command: "/bin/sh",
		...(await memoryFolder()),
		arguments: (folder) => [
			"-c",
			SCRIPT,
			"kafka",
			folder,
			classPath,
			properties({ folder, port, controllerPort, listeners, options }),
			...(options.scram ?? []).flatMap((user) => ["--add-scram", user]),
		],
		ready: () => answers("127.0.0.1", port, READY_MS),
	});
	return {
		url: `kafka://127.0.0.1:${port}`,
		version,
		how: "native (Kafka's jars from Maven)",
		host: "127.0.0.1",
		port,
		classPath,
		listeners,
		start: () => server.start(),
		stop: () => server.stop(),
		kill: () => server.kill(),
		pause: () => server.signal("SIGSTOP"),
		resume: () => server.signal("SIGCONT"),
		async restart() {
			await server.stop();
			await server.start();
		},
		logs: () => server.logs(),
		dispose: () => server.dispose(),
		[Symbol.asyncDispose]: () => server.dispose(),
	};
}

/** Formats the folder at the first start, and becomes the broker, so that signals reach it. */
const SCRIPT = `
set -e
folder=$1
jars=$2
printf '%s' "$3" > "$folder/server.properties"
printf '%s' '<Configuration status="ERROR"><Appenders><Console name="C"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders><Loggers><Root level="WARN"><AppenderRef ref="C"/></Root></Loggers></Configuration>' > "$folder/log4j2.xml"
shift 3
[ -d "$folder/data" ] || java -Xmx256m -Dlog4j2.configurationFile="file:$folder/log4j2.xml" -cp "$jars" kafka.tools.StorageTool format -t ${CLUSTER_ID} -c "$folder/server.properties" "$@" > /dev/null
exec java -Xmx640m -Xms256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile="file:$folder/log4j2.xml" -cp "$jars" kafka.Kafka "$folder/server.properties"
`;

interface Layout {
	readonly folder: string;
	readonly port: number;
	readonly controllerPort: number;
	readonly listeners: ReadonlyMap<string, number>;
	readonly options: KafkaServerOptions;
}

function properties({ folder, port, controllerPort, listeners, options }: Layout): string {
	const extra = options.listeners ?? [];
	const places = [`PLAINTEXT://127.0.0.1:${port}`, ...extra.map(({ name }) => `${name}://localhost:${listeners.get(name)}`)];
	const all: Readonly<Record<string, string>> = {
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
	return Object.entries(all)
		.map(([name, value]) => `${name}=${value}\n`)
		.join("");
}

/** Kafka syncs folders to the disk for every partition it makes, seconds for a topic of many: in memory it does not matter. */
async function memoryFolder(): Promise<{ readonly root?: string }> {
	const root = "/dev/shm";
	const space = await statfs(root).catch(() => undefined);
	return space && space.bavail * space.bsize > ROOM_BYTES ? { root } : {};
}

async function borrowed(url: string): Promise<RunningKafka> {
	const { hostname, port } = new URL(url.replace(/^kafka:/, "http:"));
	const address = { host: hostname, port: Number(port || 9092) };
	await answers(address.host, address.port, READY_MS);
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

/** Metadata 1 for no topic on a plain socket: answered with a broker in it once the broker is registered and unfenced. */
const METADATA_REQUEST = Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0]);

async function answers(host: string, port: number, withinMs: number): Promise<void> {
	const deadline = Date.now() + withinMs;
	while (Date.now() < deadline) {
		if (await hasBroker(host, port)) return;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	throw new Error(`Kafka at ${host}:${port} did not come up within ${withinMs} ms`);
}

function hasBroker(host: string, port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect({ host, port });
		const done = (up: boolean) => {
			socket.destroy();
			resolve(up);
		};
		socket.setTimeout(2000, () => done(false));
		socket.once("error", () => done(false));
		socket.once("close", () => done(false));
		// Length, correlation id, then the number of brokers.
		socket.once("data", (data) => done(data.length >= 12 && data.readInt32BE(8) > 0));
		socket.write(METADATA_REQUEST);
	});
}
