// The same course of events on any backend: what is sent, who takes it, what fails, who seeks and who leaves.
//
// Every step ends in a state that the next one can rely on, so that what each partition sees does not depend on timing.
// Who owns which partition does, and is not part of the history.
import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, type Capabilities, connect, deadLetter, type Member, type Message, PartitionMap, topic } from "@polylog/core";
import { type History, HistoryBook } from "./history.ts";

export interface Order {
	readonly id: number;
	/** Handlers fail on it: so many times, or always. */
	readonly fails?: number | "always";
}

export interface Played {
	readonly backend: string;
	readonly capabilities: Capabilities;
	/** What each partition of the topic went through. */
	readonly history: History;
	/** What each partition of the topic, and of the dead-letter topic, has in the end. */
	readonly stored: History;
	readonly deadLetters: History;
	readonly fences: readonly (readonly bigint[])[];
}

const PARTITIONS = 4;
const FAILED = "scenario.failed";
const LIMIT_MS = 30_000;
const RETRY = { retries: 2, initialDelayMs: 5 };
const HANDLERS = { onFailure: deadLetter(FAILED), retry: RETRY, commit: "manual" } as const;
const orders = topic<Order | null>("scenario", { partitions: PARTITIONS });

interface Worker {
	readonly broker: Broker;
	readonly member: Member<Order | null>;
	readonly ended: Promise<void>;
}

export async function playScenario(url: string): Promise<Played> {
	await using broker = await connect(url);
	return await new Scenario(url, broker).play();
}

class Scenario {
	readonly #url: string;
	readonly #broker: Broker;
	readonly #book = new HistoryBook(PARTITIONS);
	readonly #workers = new Map<string, Worker>();
	#settled = 0;
	#sent = 0;

	constructor(url: string, broker: Broker) {
		this.#url = url;
		this.#broker = broker;
	}

	async play(): Promise<Played> {
		await this.#broker.topics.create(orders);
		try {
			await this.#course();
		} finally {
			for (const name of this.#workers.keys()) await this.#leave(name);
		}
		const book = this.#book;
		return {
			backend: this.#broker.name,
			capabilities: this.#broker.capabilities,
			history: book.lines,
			stored: await book.stored(this.#broker, orders),
			deadLetters: await book.stored(this.#broker, topic(FAILED)),
			fences: book.fences,
		};
	}

	async #course(): Promise<void> {
		await this.#join("a");
		await this.#untilOwned({ a: 4 });
		await this.#join("b");
		await this.#untilOwned({ a: 2, b: 2 });
		await this.#send(24, { 12: 1, 18: 2, 20: "always" });
		await this.#report("handled by two members, nothing committed");
		await this.#commit("a", "b");
		await this.#report("both have committed");
		// From the record before the one that fails for good: its failure, and that of those behind it, comes again.
		await this.#seekBackTo(20);
		await this.#report("handled again after a seek back");
		await this.#commit("a", "b");
		await this.#leave("b");
		await this.#untilOwned({ a: 4 });
		await this.#send(12, {});
		await this.#commit("a");
		await this.#report("one member has left, the other has committed");
		await this.#send(12, {});
		await this.#leave("a");
		await this.#report("the other has left without a commit");
		await this.#join("c", 12);
		await this.#commit("c");
		await this.#leave("c");
		await this.#report("a third was handed that again, and committed");
		await this.#group(this.#broker).reset("earliest");
		await this.#report("reset to the earliest");
	}

	#group(broker: Broker) {
		return broker.consumerGroup("scenario", { topics: [orders], from: "earliest" });
	}

	/** Resolves when the member is in, and `again` messages that wait for it are settled. */
	async #join(name: string, again = 0): Promise<void> {
		const broker = await connect(this.#url);
		const member = await this.#group(broker).join();
		const settled = this.#settled;
		member.on("error", () => this.#settled++);
		const ended = member.run((message) => this.#handle(message), HANDLERS);
		this.#workers.set(name, { broker, member, ended });
		await this.#until(() => this.#settled === settled + again, `${name} settled ${again} messages`);
	}

	#handle(message: Message<Order | null>): void {
		this.#book.handed(message);
		const fails = message.value?.fails ?? 0;
		if (fails === "always" || message.attempt <= fails) throw new Error(`order ${message.value?.id} fails`);
		this.#settled++;
	}

	/** Ends the member without a commit of its own. */
	async #leave(name: string): Promise<void> {
		const worker = this.#workers.get(name);
		this.#workers.delete(name);
		await worker?.member.close();
		await worker?.ended;
		await worker?.broker.close();
	}

	/** Sends, and resolves when all is handled or dead-lettered. */
	async #send(count: number, failing: Readonly<Record<number, number | "always">>): Promise<void> {
		const settled = this.#settled;
		await using group = this.#broker.producerGroup("tills", { memberId: `till-${this.#sent}` });
		const messages = Array.from({ length: count }, (_, i) => {
			const id = this.#sent + i;
			const headers = [
				["trace", `${id}`],
				["bytes", Buffer.from([0xff, id])],
				["trace", "again"],
			] as const;
			const fails = failing[id];
			return { key: `customer-${id % 12}`, headers, value: id % 10 === 9 ? null : { id, ...(fails === undefined ? {} : { fails }) } };
		});
		const receipts = await group.producer(orders).sendBatch(messages);
		for (const receipt of receipts) if (receipt.status !== "ok") throw receipt.error;
		this.#sent += count;
		await this.#until(() => this.#settled === settled + count, `${count} messages are settled`);
	}

	async #commit(...names: readonly string[]): Promise<void> {
		await Promise.all(names.map(async (name) => await this.#workers.get(name)?.member.commit()));
	}

	/** Moves the owner of the order's partition to the record before it; resolves when all from there is settled again. */
	async #seekBackTo(id: number): Promise<void> {
		const index = this.#book.lines.findIndex((lines) => lines.some((line) => line.includes(`{"id":${id},`)));
		const handed = this.#book.lines[index]?.filter((line) => line.startsWith("handed") && line.includes("attempt 1")) ?? [];
		const number = handed.findIndex((line) => line.includes(`{"id":${id},`)) - 1;
		const partition = { topic: orders.name, index };
		const owner = [...this.#workers.values()].find(({ member }) =>
			new PartitionMap(member.assignment.map((one) => [one, true])).has(partition),
		);
		if (!owner) throw new Error(`nobody owns partition ${index}`);
		const settled = this.#settled;
		await owner.member.seek({ offset: this.#book.offsetOf(index, number) }, [partition]);
		await this.#until(() => this.#settled === settled + handed.length - number, "what was sought is settled again");
	}

	/** How many records of each partition are committed. */
	async #report(step: string): Promise<void> {
		const committed = await this.#group(this.#broker).committed();
		this.#book.step(step, (index) => {
			const offset = committed.get({ topic: orders.name, index });
			return `: ${offset === undefined ? "nothing" : this.#book.numberOf({ index }, offset)} committed`;
		});
	}

	async #untilOwned(counts: Readonly<Record<string, number>>): Promise<void> {
		const owned = () => Object.entries(counts).every(([name, count]) => this.#workers.get(name)?.member.assignment.length === count);
		await this.#until(owned, `members own ${JSON.stringify(counts)}`);
	}

	async #until(isSo: () => boolean, what: string): Promise<void> {
		const deadline = performance.now() + LIMIT_MS;
		while (!isSo()) {
			if (performance.now() > deadline)
				throw new Error(`not within ${LIMIT_MS} ms on ${this.#broker.name}: ${what} (settled: ${this.#settled})`);
			await sleep(10);
		}
	}
}
