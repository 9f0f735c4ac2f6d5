// Kafka in a container: one node that is broker and controller.
import { type RunningContainer, startContainer } from "./container.ts";
import { untilLogged } from "./logged.ts";
import { KAFKA_SETTINGS } from "../kafka-settings.ts";

export interface KafkaContainerOptions {
	/** More of server.properties. */
	readonly settings?: Readonly<Record<string, string>>;
}

const PORT = 9092;
const READY_MS = 120_000;

export async function startKafkaContainer({ settings = {} }: KafkaContainerOptions): Promise<RunningContainer> {
	return await startContainer({
		server: "kafka",
		port: PORT,
		environment: ({ host, port }) => ({
			// Quick to start rather than quick to run.
			KAFKA_HEAP_OPTS: "-Xms256m -Xmx640m",
			KAFKA_JVM_PERFORMANCE_OPTS: "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
			...environmentOf({ ...SETTINGS, "advertised.listeners": `PLAINTEXT://${host}:${port}`, ...settings }),
		}),
		ready: (_, logged) => untilLogged(logged, /Kafka Server started/, /Kafka version: (\S+)/, READY_MS),
		url: ({ host, port }) => `kafka://${host}:${port}`,
	});
}

const SETTINGS: Readonly<Record<string, string>> = {
	"process.roles": "broker,controller",
	"node.id": "1",
	"controller.quorum.voters": "1@localhost:9093",
	listeners: `PLAINTEXT://0.0.0.0:${PORT},CONTROLLER://localhost:9093`,
	"controller.listener.names": "CONTROLLER",
	"inter.broker.listener.name": "PLAINTEXT",
	"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
	"log.dirs": "/var/lib/kafka/data",
	...KAFKA_SETTINGS,
};

/** As the official image reads it back: "a.b-c_d" is KAFKA_A_B___C__D. */
export function environmentOf(settings: Readonly<Record<string, string>>): Record<string, string> {
	const name = (key: string) => `KAFKA_${key.replaceAll("_", "__").replaceAll("-", "___").replaceAll(".", "_").toUpperCase()}`;
	return Object.fromEntries(Object.entries(settings).map(([key, value]) => [name(key), value]));
}
