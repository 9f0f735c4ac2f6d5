// The foreign clients as tests use them. Each is installed when it is first asked for.
import { fileURLToPath } from "node:url";
import { debianProgram } from "./debian-program.ts";
import { pythonWith } from "./python.ts";
import { jsonLines, readJsonLines, runClient } from "./run-client.ts";

const PROGRAMS = new URL("programs/", import.meta.url);
const program = (name: string) => fileURLToPath(new URL(name, PROGRAMS));

/** A record as kafka-python has it: bytes in base64. */
export interface Base64Record {
	readonly key: string | null;
	readonly value: string | null;
	readonly headers: readonly (readonly [name: string, value: string])[];
}

/** kafka-python: pure Python, no librdkafka. */
export async function kafkaPython() {
	const python = await pythonWith("kafka-python==3.0.12");
	const run = (args: readonly string[], input?: string) => runClient(python, [program("kafka_python_client.py"), ...args], input);
	return {
		/** The partition of each. */
		async produce(bootstrap: string, topic: string, records: readonly Base64Record[]): Promise<number[]> {
			return readJsonLines(await run(["produce", bootstrap, topic], jsonLines(records))).map(Number);
		},
		async consume(bootstrap: string, topic: string, count: number) {
			return readJsonLines(await run(["consume", bootstrap, topic, String(count)])) as (Base64Record & { readonly partition: number })[];
		},
	};
}

/** A value as pika has it. */
export type PikaValue = string | number | boolean | null | { readonly base64: string };

export interface PikaMessage {
	readonly body: PikaValue;
	readonly headers: Readonly<Record<string, PikaValue>>;
}

export async function pika() {
	const python = await pythonWith("pika==1.4.4");
	const run = (args: readonly string[], input?: string) => runClient(python, [program("pika_client.py"), ...args], input);
	return {
		async declareSuperStream(url: string, exchange: string, partitions: number): Promise<void> {
			await run(["declare", url, exchange, String(partitions)]);
		},
		async publish(url: string, exchange: string, messages: readonly (PikaMessage & { readonly routingKey: string })[]): Promise<void> {
			await run(["publish", url, exchange], jsonLines(messages));
		},
		async consume(url: string, queue: string, count: number) {
			return readJsonLines(await run(["consume", url, queue, String(count)])) as PikaMessage[];
		},
	};
}

/** A record as `kcat -J` gives it: headers are names and values in turn. */
export interface KcatRecord {
	readonly key: string | null;
	readonly payload: string | null;
	readonly headers?: readonly string[];
	readonly partition: number;
}

/** kcat: librdkafka. */
export async function kcat() {
	const command = await debianProgram("kcat", "kcat");
	return {
		/** Each line of `lines` is KEY|VALUE; an empty value is a tombstone. */
		async produce(bootstrap: string, topic: string, lines: readonly string[], options: readonly string[] = []): Promise<void> {
			await runClient(
				command,
				["-P", "-b", bootstrap, "-t", topic, "-K", "|", "-Z", ...options],
				lines.map((line) => `${line}\n`).join(""),
			);
		},
		/** To the end of the topic. */
		async consume(bootstrap: string, topic: string): Promise<KcatRecord[]> {
			return readJsonLines(
				await runClient(command, ["-C", "-q", "-e", "-J", "-o", "beginning", "-b", bootstrap, "-t", topic]),
			) as KcatRecord[];
		},
	};
}

/** redis-cli: gives each command as a person would type it, and the reply to each as redis-cli prints it. */
export async function redisCli() {
	const command = await debianProgram("redis-cli", "redis-tools");
	return {
		/** Commands in redis-cli's quoting ("\x00"); fails if one does. */
		async type(url: string, commands: readonly string[]): Promise<string> {
			const output = await runClient(command, ["-e", "--no-raw", "-u", url], commands.map((line) => `${line}\n`).join(""));
			if (output.includes("(error)")) throw new Error(`redis-cli: ${output}`);
			return output;
		},
		async json(url: string, ...args: readonly string[]): Promise<unknown> {
			return JSON.parse(await runClient(command, ["--json", "-u", url, ...args])) as unknown;
		},
	};
}
