// Programs of Kafka's own (Java), run from the jars of the test's broker.
import { type ChildProcess, spawn } from "node:child_process";
import { runClient, type RunningKafka } from "@polylog/integration";

const JAVA = "java";
const LIGHT = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"];

function classPathOf({ classPath }: RunningKafka): string {
	if (!classPath) throw new Error("Kafka's jars are needed: take a Kafka of the test's own");
	return classPath;
}

/** Its standard output; rejects with what it said if it fails. */
export async function runKafkaProgram(broker: RunningKafka, main: string, args: readonly string[], input?: string): Promise<string> {
	return await runClient(JAVA, [...LIGHT, "-cp", classPathOf(broker), main, ...args], input);
}

/** One that runs until it is ended. `settings` are the JVM's. */
export function startKafkaProgram(broker: RunningKafka, main: string, args: readonly string[], settings: readonly string[]): ChildProcess {
	return spawn(JAVA, [...LIGHT, ...settings, "-cp", classPathOf(broker), main, ...args], { stdio: ["pipe", "pipe", "pipe"] });
}
