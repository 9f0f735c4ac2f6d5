// One Kafka process: its folder formatted at its first start, its program, and whether it serves.
import { statfs } from "node:fs/promises";
import { connect } from "node:net";
import { ChildServer } from "./child-server.ts";
import type { NodePlace } from "./node-network.ts";

export interface KafkaProcess {
	/** Kafka's jars. */
	readonly classPath: string;
	/** Of server.properties, given the folder for its data. */
	readonly properties: (folder: string) => Readonly<Record<string, string>>;
	readonly host: string;
	readonly port: number;
	/** Default: 640. */
	readonly heapMb?: number;
	/** Users for SCRAM, as `kafka-storage format --add-scram` takes them. */
	readonly scram?: readonly string[] | undefined;
	readonly place?: NodePlace;
}

const ROOM_BYTES = 4 * 1024 ** 3;
const HEAP_MB = 640;
/** Any 16 bytes in base64url. */
const CLUSTER_ID = "cG9seWxvZ3Rlc3RzMDAwMA";
/** Two JVMs one after the other, on a busy machine. */
export const KAFKA_READY_MS = 120_000;

export async function startKafkaProcess({
	classPath,
	properties,
	host,
	port,
	heapMb = HEAP_MB,
	scram = [],
	place,
}: KafkaProcess): Promise<ChildServer> {
	return await ChildServer.start({
		name: "kafka",
		command: "/bin/sh",
		place,
		...(await memoryFolder()),
		arguments: (folder) => [
			"-c",
			SCRIPT,
			"kafka",
			folder,
			classPath,
			`${heapMb}m`,
			Object.entries(properties(folder))
				.map(([name, value]) => `${name}=${value}\n`)
				.join(""),
			...scram.flatMap((user) => ["--add-scram", user]),
		],
		ready: () => kafkaAnswers(host, port, KAFKA_READY_MS),
	});
}

/** Formats the folder at the first start, and becomes the broker, so that signals reach it. */
const SCRIPT = `
set -e
folder=$1
jars=$2
heap=$3
printf '%s' "$4" > "$folder/server.properties"
printf '%s' '<Configuration status="ERROR"><Appenders><Console name="C"><PatternLayout pattern="[%d] %p %m (%c)%n"/></Console></Appenders><Loggers><Root level="WARN"><AppenderRef ref="C"/></Root></Loggers></Configuration>' > "$folder/log4j2.xml"
shift 4
[ -d "$folder/data" ] || java -Xmx256m -Dlog4j2.configurationFile="file:$folder/log4j2.xml" -cp "$jars" kafka.tools.StorageTool format -t ${CLUSTER_ID} -c "$folder/server.properties" "$@" > /dev/null
exec java -Xmx"$heap" -Xms256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile="file:$folder/log4j2.xml" -cp "$jars" kafka.Kafka "$folder/server.properties"
`;

/** Kafka syncs folders to the disk for every partition it makes, seconds for a topic of many: in memory it does not matter. */
async function memoryFolder(): Promise<{ readonly root?: string }> {
	const root = "/dev/shm";
	const space = await statfs(root).catch(() => undefined);
	return space && space.bavail * space.bsize > ROOM_BYTES ? { root } : {};
}

/** Metadata 1 for no topic on a plain socket: answered with a broker in it once the broker is registered and unfenced. */
const METADATA_REQUEST = Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0]);

export async function kafkaAnswers(host: string, port: number, withinMs: number): Promise<void> {
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
