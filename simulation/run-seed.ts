// One plan, run in the simulated world with the oracles watching.
import { isPolylogError, type Message, parsePartitionKey, type Partition, partitionKey, topic } from "@polylog/core";
import { liveAsMember, type MemberCall, type Plan, type Programs, type Running, World } from "@polylog/testing/world";
import { DeliveryOracle } from "./oracle/delivery-oracle.ts";
import { type Lack, lacks } from "./oracle/ending.ts";
import { JournalOracle } from "./oracle/journal-oracle.ts";
import { ProducerOracle, type Sent } from "./oracle/producer-oracle.ts";
import { LostTails } from "./oracle/lost-tails.ts";
import { type Violation, Verdicts } from "./oracle/verdicts.ts";
import { describeWire } from "./oracle/wire-entry.ts";

export interface SeedResult {
	readonly seed: number;
	readonly violations: readonly Violation[];
	readonly virtualMs: number;
	readonly events: number;
	readonly entries: number;
	readonly dispatches: number;
	readonly repeated: number;
	/** The journal lost its last snapshot with its tail, and the members said so: what a log that loses its tail can come to. */
	readonly unusable: boolean;
	/** A lost tail could not be told from what producers sent again: see lost-tails.ts. */
	readonly mistaken: boolean;
	readonly trace: readonly string[];
}

const ORDERS = topic<Sent>("orders", {});
const KEYS = 7;
/** How often the end is looked for, in virtual time. */
const LOOK_MS = 50;
const DEBT_MS = 500;

export async function runPlan(plan: Plan): Promise<SeedResult> {
	const run = new Run(plan);
	return run.result();
}

class Run {
	readonly #plan: Plan;
	readonly #world: World;
	readonly #verdicts: Verdicts;
	readonly #journal: JournalOracle;
	readonly #deliveries: DeliveryOracle;
	readonly #producers: ProducerOracle;
	readonly #running = new Map<string, Running>();
	#producing: number;
	#lookAt = 0;
	#unusable = false;
	#mistaken = false;
	readonly #tails = new LostTails();

	constructor(plan: Plan) {
		this.#plan = plan;
		this.#producing = plan.producers;
		const programs: Programs = {
			member: (running, call) => this.#member(running, call),
			producer: (running, number) => this.#producer(running, number),
			reset: (running, back) => this.#reset(running, back),
			done: () => this.#isDone(),
		};
		const world = new World(plan, programs, {
			journalAppended: (_, bytes, position) => world.note(`journal ${position}: ${describeWire(this.#journal.appended(bytes, position))}`),
			journalCut: (_, entries) => this.#journal.cut(entries),
			journalTruncated: (_, position) => this.#journal.truncated(position),
			recordsLost: (partition, offset, records) => {
				const lost = records.map(({ value }) => valueOf(value));
				const key = partitionKey(partition);
				this.#tails.add(key, offset, lost, (at) => this.#deliveries.isHandled(key, at));
				this.#deliveries.recordsLost(key, offset);
				for (const sent of lost) if (sent) this.#producers.lost(sent);
			},
			inspect: (process, state) => this.#journal.compare(process.name, state),
			failed: (process, error) => this.#failed(process, error),
		});
		this.#world = world;
		const { time } = world;
		this.#verdicts = new Verdicts(
			() => time.now,
			({ invariant, text }) => {
				world.note(`VIOLATION ${invariant}: ${text}`);
				world.stop();
			},
		);
		this.#journal = new JournalOracle(this.#verdicts, {
			now: () => time.now,
			handledTo: (partition) => this.#deliveries.handledTo(partition),
			mistaken: (partition, from, to) => this.#isMistaken(partition, from, to),
			healthy: (_, client, sessionTimeoutMs) => this.#healthy(client, sessionTimeoutMs),
			onReset: (partition, offset) => this.#deliveries.reset(partition, offset),
		});
		const longestSessionMs = Math.max(...plan.members.map((member) => member.sessionTimeoutMs));
		const losses = plan.faults.some((fault) => fault.kind === "fail-over" && fault.recordsLost + fault.entriesLost > 0);
		this.#deliveries = new DeliveryOracle(this.#verdicts, this.#journal, {
			order: plan.order,
			losses,
			longestSessionMs,
			standsAgain: (key, offset) => this.#tails.isHandled(key, offset, (at) => this.#valueAt(parsePartitionKey(key), at)),
			now: () => time.now,
		});
		this.#producers = new ProducerOracle(this.#verdicts);
	}

	async result(): Promise<SeedResult> {
		const world = this.#world;
		const onUnhandled = (reason: unknown) =>
			this.#verdicts.report("unhandled-rejection", reason instanceof Error ? (reason.stack ?? reason.message) : String(reason));
		process.on("unhandledRejection", onUnhandled);
		try {
			await world.run();
		} finally {
			process.off("unhandledRejection", onUnhandled);
		}
		if (world.late) this.#tellWhatIsMissing();
		if (this.#verdicts.violations.length === 0) this.#producers.judge(this.#logs(), this.#plan.idempotent);
		return {
			seed: this.#plan.seed,
			violations: this.#verdicts.violations,
			virtualMs: Math.round(world.time.now),
			events: world.time.fired,
			entries: this.#journal.entries,
			dispatches: this.#deliveries.dispatches,
			repeated: this.#deliveries.repeated,
			unusable: this.#unusable,
			mistaken: this.#mistaken,
			trace: world.trace,
		};
	}

	async #member(running: Running, call: MemberCall): Promise<void> {
		this.#running.set(running.name, running);
		const { order } = this.#plan;
		const group = running.broker.consumerGroup(this.#world.group, {
			topics: [ORDERS],
			from: "earliest",
			sessionTimeoutMs: call.sessionTimeoutMs,
			onOutOfRange: "earliest",
		});
		const retry = { retries: Number.POSITIVE_INFINITY, initialDelayMs: 20, maxDelayMs: 200 };
		await liveAsMember(running, group, call, async (member) => {
			const note = (text: string) => this.#world.note(`${running.name} ${text}`);
			member.on("committed", (offsets) => this.#told(running, offsets));
			member.on("lost", (partitions, reason) => note(`lost ${partitions.map(partitionKey).join(" ")}: ${reason}`));
			member.on("error", (error) => note(`reports: ${error.message}`));
			member.on("stuck", (partition, error) =>
				this.#verdicts.report("stuck", `${partitionKey(partition)} at ${running.name}: ${error.message}`),
			);
			await member.run((message) => this.#handle(running, message), { order, retry, concurrency: 8, commitIntervalMs: 300 });
		});
	}

	#failed(process: string, error: unknown): void {
		if (isPolylogError(error, "JOURNAL_UNUSABLE") && this.#journal.cuts > 0) {
			this.#unusable = true;
			this.#world.stop();
			return;
		}
		this.#verdicts.report("member-failed", `${process}: ${String(error)}`);
	}

	#isMistaken(key: string, from: bigint, to: bigint): boolean {
		const partition = parsePartitionKey(key);
		if (!this.#tails.looksUnchanged(key, from, to, (offset) => this.#valueAt(partition, offset))) return false;
		this.#mistaken = true;
		this.#world.note(`${key}: a record sent again stands where it stood in the lost tail; what lies before it may be skipped`);
		this.#world.stop();
		return true;
	}

	async #handle(running: Running, message: Message<Sent>): Promise<void> {
		const partition = partitionKey(message.partition);
		this.#world.note(`${running.name} handles ${partition}@${message.offset} of ${message.value.by} under ${message.fence & 0xffffffffn}`);
		const end = this.#deliveries.begin(running, partition, message);
		const { process, machine } = running;
		const [least, most] = this.#plan.handlerMs;
		const stalledMs = machine.stalledUntil - this.#world.time.now;
		await running.pause(Math.max(process.random.between(least, most), stalledMs));
		const fails = message.attempt === 1 && process.random.chance(this.#plan.handlerFailures);
		end(!fails);
		if (fails) throw new Error("the handler fails");
	}

	async #producer(running: Running, number: number): Promise<void> {
		const producer = running.broker.producer(ORDERS, { deliveryTimeoutMs: 30_000 });
		const { random } = running.process;
		const everyMs = (this.#plan.healMs / this.#plan.messages) * 1.5;
		const by = `w${number}`;
		const settled: Promise<void>[] = [];
		for (let n = 0; n < this.#plan.messages; n++) {
			const sent: Sent = { by, n };
			settled.push(
				producer.sendBatch([{ value: sent, key: `k${random.integer(0, KEYS - 1)}` }]).then(([receipt]) => {
					if (receipt) this.#producers.settled(sent, receipt, (partition, offset) => this.#valueAt(partition, offset));
				}),
			);
			if (random.chance(0.7)) await running.pause(random.between(0, everyMs));
		}
		await Promise.all(settled);
		this.#producing--;
	}

	/** An administrator moves every partition back a little, by force. */
	async #reset(running: Running, back: number): Promise<void> {
		const group = running.broker.consumerGroup(this.#world.group, { topics: [ORDERS], from: "earliest" });
		const [partition] = this.#world.random.shuffle(this.#world.partitions());
		const committed = partition && this.#journal.state.offsets.get(partitionKey(partition))?.offset;
		if (!partition || committed === undefined) return;
		const offset = committed > BigInt(back) ? committed - BigInt(back) : 0n;
		try {
			await group.reset({ offset }, { partitions: [partition], force: true });
		} catch (error) {
			this.#world.note(`${running.name}: reset refused: ${String(error)}`);
		}
	}

	/** A commit that was told to be accepted is there, unless the journal lost it. */
	#told(running: Running, offsets: ReadonlyMap<Partition, bigint>): void {
		for (const [partition, offset] of offsets) {
			const key = partitionKey(partition);
			const stands = this.#journal.state.offsets.get(key)?.offset ?? 0n;
			this.#world.note(`${running.name} is told ${key} is committed to ${offset}`);
			if (stands < offset && this.#journal.cuts === 0 && !this.#wasReset)
				this.#verdicts.report("commit-lied", `${running.name} was told ${key} is committed to ${offset}; it is ${stands}`);
		}
	}

	get #wasReset(): boolean {
		return this.#plan.faults.some((fault) => fault.kind === "reset");
	}

	/** Why nobody may take this process for dead. */
	#healthy(client: string, sessionTimeoutMs: number): string | undefined {
		const running = this.#running.get(client);
		if (!running || running.process.state !== "running" || running.signal.aborted || running.machine.link?.isCut === true) return undefined;
		const { now } = this.#world.time;
		const undisturbedMs = now - Math.max(running.process.troubledAt, this.#world.broker.troubledAt);
		if (undisturbedMs < sessionTimeoutMs + DEBT_MS) return undefined;
		return `it was undisturbed for ${undisturbedMs.toFixed(0)} ms, and its session is ${sessionTimeoutMs} ms`;
	}

	#valueAt(partition: Partition, offset: bigint): Sent | undefined {
		const log = this.#world.broker.partition(partition);
		if (offset < log.earliest || offset >= log.end) return undefined;
		return valueOf(log.slice(offset, { records: 1, bytes: 1 })[0]?.value);
	}

	#logs(): { partition: Partition; values: Sent[] }[] {
		return this.#world.partitions().map((partition) => {
			const log = this.#world.broker.partition(partition);
			const records = log.slice(log.earliest, { records: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY });
			return { partition, values: records.map(({ value }) => valueOf(value)).filter((value) => value !== undefined) };
		});
	}

	#isDone(): boolean {
		const { now } = this.#world.time;
		if (now < this.#lookAt) return false;
		this.#lookAt = now + LOOK_MS;
		return this.#producing === 0 && this.#lacks().length === 0;
	}

	#lacks(): Lack[] {
		const { members, extras } = this.#world;
		const names = [...members, ...extras].filter((machine) => machine.alive).map((machine) => machine.process?.name ?? "");
		return lacks(this.#world, new Set(names.filter((name) => this.#running.has(name))), this.#journal, this.#deliveries);
	}

	#tellWhatIsMissing(): void {
		if (this.#producing > 0) this.#verdicts.report("producer-stuck", `${this.#producing} producers are not done`);
		for (const { invariant, text } of this.#lacks()) this.#verdicts.report(invariant, text);
	}
}

function valueOf(value: Uint8Array | null | undefined): Sent | undefined {
	return value ? (JSON.parse(Buffer.from(value).toString()) as Sent) : undefined;
}
