// One plan, run in the simulated world with the oracles watching.
import { isPolylogError, parsePartitionKey, type Partition, partitionKey } from "@polylog/core";
import { recordDigest } from "@polylog/core/driver";
import { type Plan, type Programs, type Running, World } from "@polylog/testing/world";
import { Health } from "./health.ts";
import { Members, ORDERS } from "./members.ts";
import { DeliveryOracle } from "./oracle/delivery-oracle.ts";
import { type Lack, lacks } from "./oracle/ending.ts";
import { JournalOracle } from "./oracle/journal-oracle.ts";
import { ProducerOracle, type Sent } from "./oracle/producer-oracle.ts";
import { LostTails } from "./oracle/lost-tails.ts";
import { TakeOverOracle } from "./oracle/take-over-oracle.ts";
import { TwinOracle } from "./oracle/twin-oracle.ts";
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
	/** Take-overs that had to be over in time. */
	readonly takeOvers: number;
	/** The journal lost its last snapshot with its tail, and the members said so: what a log that loses its tail can come to. */
	readonly unusable: boolean;
	/** A lost tail could not be told from what producers sent again: see lost-tails.ts. */
	readonly mistaken: boolean;
	readonly trace: readonly string[];
}

const KEYS = 7;
/** How often the end is looked for, in virtual time. */
const LOOK_MS = 50;

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
	readonly #members: Members;
	readonly #health: Health;
	readonly #takeOvers: TakeOverOracle;
	#producing: number;
	#lookAt = 0;
	#unusable = false;
	#mistaken = false;
	readonly #tails = new LostTails();

	constructor(plan: Plan) {
		this.#plan = plan;
		this.#producing = plan.producers;
		const programs: Programs = {
			member: (running, call) => this.#members.live(running, call),
			producer: (running, number) => this.#producer(running, number),
			reset: (running, back) => this.#reset(running, back),
			seek: (process, back) => this.#members.seek(process, back),
			done: () => this.#isDone(),
		};
		const twins = new TwinOracle((client) => this.#members.running.get(client)?.process.state !== "dead");
		const world = new World(plan, programs, {
			journalAppended: (_, bytes, position) => {
				const wire = this.#journal.appended(bytes, position);
				twins.appended(wire);
				world.note(`journal ${position}: ${describeWire(wire)}`);
			},
			journalCut: (_, entries) => {
				this.#health.journalCut();
				this.#journal.cut(entries);
			},
			journalTruncated: (_, position) => this.#journal.truncated(position),
			recordsLost: (partition, offset, records) => {
				const lost = records.map(({ value }) => valueOf(value));
				const key = partitionKey(partition);
				this.#tails.add(key, offset, lost, (at) => this.#deliveries.isHandled(key, at));
				this.#deliveries.recordsLost(key, offset);
				for (const sent of lost) if (sent) this.#producers.lost(sent);
			},
			killed: (process) => this.#takeOvers.died(process),
			inspect: (process, state) => {
				this.#members.hasRead(process.name, state);
				this.#journal.compare(process.name, state);
			},
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
			healthy: (_, client, sessionTimeoutMs) => this.#health.whyAlive(client, sessionTimeoutMs),
			stands: (partition, offset, digest) => this.#stands(partition, offset, digest),
			startsAt: (partition, offset, endAtGrant) => this.#startsAt(partition, offset, endAtGrant),
			onReset: (partition, offset) => this.#deliveries.reset(partition, offset),
			endOf: (partition) => world.broker.partition(parsePartitionKey(partition)).end,
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
		this.#members = new Members({ plan, world, verdicts: this.#verdicts, journal: this.#journal, deliveries: this.#deliveries, twins });
		this.#health = new Health(plan, world, this.#members.running);
		this.#takeOvers = new TakeOverOracle(this.#verdicts, this.#journal, {
			now: () => time.now,
			after: (ms, callback) => void time.after(ms, callback),
			healthySince: (fromMs, client) => this.#health.healthySince(fromMs, client),
		});
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
			takeOvers: this.#takeOvers.judged,
			unusable: this.#unusable,
			mistaken: this.#mistaken,
			trace: world.trace,
		};
	}

	#failed(process: string, error: unknown): void {
		if (isPolylogError(error, "JOURNAL_UNUSABLE") && this.#journal.cuts > 0) {
			this.#unusable = true;
			this.#world.stop();
			return;
		}
		this.#verdicts.report("member-failed", `${process}: ${String(error)}`);
	}

	#stands(key: string, offset: bigint, digest: string): boolean {
		const log = this.#world.broker.partition(parsePartitionKey(key));
		const record = offset < log.end ? log.slice(offset, { records: 1, bytes: 1 })[0] : undefined;
		return record !== undefined && recordDigest(record) === digest;
	}

	#startsAt(partition: string, offset: bigint, endAtGrant: bigint): string | undefined {
		const { earliest, end } = this.#world.broker.partition(parsePartitionKey(partition));
		if (this.#plan.from === "earliest") return offset === earliest ? undefined : `the earliest is ${earliest}`;
		if (offset < endAtGrant || offset > end) return `the latest was ${endAtGrant} when it was given out, and is ${end}`;
		this.#deliveries.startsAt(partition, offset);
		return undefined;
	}

	#isMistaken(key: string, from: bigint, to: bigint): boolean {
		const partition = parsePartitionKey(key);
		if (!this.#tails.looksUnchanged(key, from, to, (offset) => this.#valueAt(partition, offset))) return false;
		this.#mistaken = true;
		this.#world.note(`${key}: a record sent again stands where it stood in the lost tail; what lies before it may be skipped`);
		this.#world.stop();
		return true;
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
		return lacks(this.#world, new Set(names.filter((name) => this.#members.running.has(name))), this.#journal, this.#deliveries);
	}

	#tellWhatIsMissing(): void {
		if (this.#producing > 0) this.#verdicts.report("producer-stuck", `${this.#producing} producers are not done`);
		for (const { invariant, text } of this.#lacks()) this.#verdicts.report(invariant, text);
	}
}

function valueOf(value: Uint8Array | null | undefined): Sent | undefined {
	return value ? (JSON.parse(Buffer.from(value).toString()) as Sent) : undefined;
}
