// Members of a Kafka group that nobody here wrote, and what they tell of themselves.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pythonWith, type RunningKafka } from "@polylog/integration";
import { startKafkaProgram } from "./kafka-programs.ts";

/** What all of them are given: the least that a Kafka takes as it comes. */
export const STRANGER_SESSION_MS = 6000;

export interface Stranger {
	/** Indexes of its partitions in the topic. */
	readonly owned: ReadonlySet<number>;
	/** By partition: the offset it committed last. */
	readonly committed: ReadonlyMap<number, number>;
	/** Whether it ever led the group, and so planned who owns what. */
	readonly led: boolean;
	/** Leaves in good order. */
	stop(): Promise<void>;
	/** SIGKILL. */
	kill(): Promise<void>;
	/** What it said that was not understood, for the report of a failure. */
	readonly said: string;
}

export interface Meeting {
	readonly broker: RunningKafka;
	readonly group: string;
	readonly topic: string;
}

class StrangerProcess implements Stranger {
	readonly owned = new Set<number>();
	readonly committed = new Map<number, number>();
	led = false;
	said = "";
	readonly #child: ChildProcess;
	readonly #end: (child: ChildProcess) => void;

	constructor(child: ChildProcess, hear: (line: string, stranger: StrangerProcess) => boolean, end: (child: ChildProcess) => void) {
		this.#child = child;
		this.#end = end;
		for (const stream of [child.stdout, child.stderr]) {
			if (!stream) throw new Error("a stranger's output is read");
			createInterface({ input: stream }).on("line", (line) => {
				if (!hear(line, this)) this.said = `${this.said}${line}\n`.slice(-4000);
			});
		}
	}

	async stop(): Promise<void> {
		await this.#exit(() => this.#end(this.#child));
	}

	async kill(): Promise<void> {
		await this.#exit(() => this.#child.kill("SIGKILL"));
	}

	async #exit(how: () => void): Promise<void> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
		const exited = once(this.#child, "exit");
		how();
		await exited;
		this.owned.clear();
	}
}

const LIBRDKAFKA = `
import sys, threading
from confluent_kafka import Consumer
c = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2], "partition.assignment.strategy": "cooperative-sticky",
  "session.timeout.ms": int(sys.argv[4]), "heartbeat.interval.ms": 500, "auto.offset.reset": "earliest", "enable.auto.commit": False,
  "topic.metadata.refresh.interval.ms": 1000, "debug": "cgrp"})
def say(what):
    def listener(consumer, partitions):
        if what == "assigned": consumer.incremental_assign(partitions)
        if what == "revoked": consumer.incremental_unassign(partitions)
        print(what, *[p.partition for p in partitions], flush=True)
    return listener
c.subscribe([sys.argv[3]], on_assign=say("assigned"), on_revoke=say("revoked"), on_lost=say("lost"))
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
while not stop.is_set():
    m = c.poll(0.2)
    if m is not None and m.error() is None:
        c.commit(m, asynchronous=False)
        print("committed", m.partition(), m.offset() + 1, flush=True)
c.close()
`;

/** librdkafka, as confluent-kafka brings it. */
export async function librdkafkaMember({ broker, group, topic }: Meeting): Promise<Stranger> {
	const python = await pythonWith("confluent-kafka==2.16.1");
	const args = ["-c", LIBRDKAFKA, `127.0.0.1:${broker.port}`, group, topic, `${STRANGER_SESSION_MS}`];
	const hear = (line: string, stranger: StrangerProcess): boolean => {
		// JoinGroup response: GenerationId 3, Protocol cooperative-sticky, LeaderId rdkafka-… (me), my MemberId …
		if (/JoinGroup response: .* LeaderId \S+ \(me\)/.test(line)) stranger.led = true;
		if (line.startsWith("%7|")) return true;
		const [what, ...numbers] = line.split(" ");
		const [first, second] = numbers.map(Number);
		if (what === "committed" && first !== undefined && second !== undefined) stranger.committed.set(first, second);
		else if (what === "assigned") for (const index of numbers) stranger.owned.add(Number(index));
		else if (what === "revoked" || what === "lost") for (const index of numbers) stranger.owned.delete(Number(index));
		else return false;
		return true;
	};
	return new StrangerProcess(spawn(python, args, { stdio: ["pipe", "pipe", "pipe"] }), hear, (child) => child.stdin?.end());
}

const COORDINATOR = "org.apache.kafka.clients.consumer.internals.ConsumerCoordinator";
/** Who leads is told by its log alone. Kafka 4 logs by log4j 2, Kafka 3 by log4j 1. */
const FILES: Readonly<Record<string, string>> = {
	"log4j2.xml": `<Configuration status="ERROR"><Appenders><Console name="C" target="SYSTEM_ERR"><PatternLayout pattern="%p %m%n"/></Console></Appenders><Loggers>
<Root level="WARN"><AppenderRef ref="C"/></Root><Logger name="${COORDINATOR}" level="INFO"/></Loggers></Configuration>`,
	"log4j.properties": `log4j.rootLogger=WARN, C
log4j.appender.C=org.apache.log4j.ConsoleAppender
log4j.appender.C.Target=System.err
log4j.appender.C.layout=org.apache.log4j.PatternLayout
log4j.appender.C.layout.ConversionPattern=%p %m%n
log4j.logger.${COORDINATOR}=INFO
`,
	// The heartbeat has no argument of its own.
	"consumer.properties": "heartbeat.interval.ms=500\nmetadata.max.age.ms=1000\n",
};

interface JavaEvent {
	readonly name: string;
	readonly partitions?: readonly { readonly partition: number }[];
	readonly offsets?: readonly { readonly partition: number; readonly offset: number }[];
	readonly success?: boolean;
}

/** Kafka's VerifiableConsumer, which tells in JSON what its listener hears and what it committed. */
export function javaMember({ broker, group, topic }: Meeting): Stranger {
	const folder = mkdtempSync(join(tmpdir(), "polylog-java-"));
	for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
	const logging = [`-Dlog4j2.configurationFile=file:${folder}/log4j2.xml`, `-Dlog4j.configuration=file:${folder}/log4j.properties`];
	const args = ["--bootstrap-server", `127.0.0.1:${broker.port}`, "--topic", topic, "--group-id", group];
	args.push(
		"--session-timeout",
		`${STRANGER_SESSION_MS}`,
		"--reset-policy",
		"earliest",
		"--consumer.config",
		join(folder, "consumer.properties"),
	);
	args.push("--assignment-strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
	const hear = (line: string, stranger: StrangerProcess): boolean => {
		// Only the leader finishes an assignment; everybody hears of it.
		if (line.includes("Finished assignment for group")) stranger.led = true;
		if (line.startsWith("INFO ")) return true;
		if (!line.startsWith("{")) return false;
		const event = JSON.parse(line) as JavaEvent;
		if (event.name === "partitions_assigned") for (const { partition } of event.partitions ?? []) stranger.owned.add(partition);
		if (event.name === "partitions_revoked") for (const { partition } of event.partitions ?? []) stranger.owned.delete(partition);
		if (event.name === "offsets_committed" && event.success)
			for (const { partition, offset } of event.offsets ?? []) stranger.committed.set(partition, offset);
		return true;
	};
	const child = startKafkaProgram(broker, "org.apache.kafka.tools.VerifiableConsumer", args, logging);
	child.once("exit", () => rmSync(folder, { recursive: true, force: true }));
	return new StrangerProcess(child, hear, () => child.kill("SIGTERM"));
}
