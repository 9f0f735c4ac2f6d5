// What members of the group do, in every way that core offers, and what the oracles are told of it.
import { isPolylogError, type Member, type MemberOptions, type Message, type Partition, partitionKey, topic } from "@polylog/core";
import { fenceOf, type GroupState } from "@polylog/core/testing";
import { liveAsMember, type MemberCall, type Plan, type Running, type Taking, type World } from "@polylog/testing/world";
import type { DeliveryOracle, Work } from "./oracle/delivery-oracle.ts";
import type { JournalOracle } from "./oracle/journal-oracle.ts";
import type { Sent } from "./oracle/producer-oracle.ts";
import type { TwinOracle } from "./oracle/twin-oracle.ts";
import type { Verdicts } from "./oracle/verdicts.ts";

export const ORDERS = topic<Sent>("orders", {});
const CONCURRENCY = 8;
const BATCH_MESSAGES = 5;
/** What a handler past its limit may take to cost its member the partition, while nothing is in the way. */
const GIVE_UP_MS = 2000;

export interface MembersParts {
	readonly plan: Plan;
	readonly world: World;
	readonly verdicts: Verdicts;
	readonly journal: JournalOracle;
	readonly deliveries: DeliveryOracle;
	readonly twins: TwinOracle;
}

export class Members {
	readonly #parts: MembersParts;
	/** Their processes, by name. */
	readonly running = new Map<string, Running>();
	readonly #members = new Map<string, Member<Sent>>();
	/** What each process has read of the journal so far. */
	readonly #views = new Map<string, GroupState>();

	constructor(parts: MembersParts) {
		this.#parts = parts;
	}

	/** Its reader of the journal took in an entry. */
	hasRead(process: string, state: GroupState): void {
		this.#views.set(process, state);
	}

	/** The program of a process. */
	async live(running: Running, call: MemberCall): Promise<void> {
		const { plan, world, twins } = this.#parts;
		this.running.set(running.name, running);
		const group = running.broker.consumerGroup(world.group, {
			topics: [ORDERS],
			from: plan.from,
			sessionTimeoutMs: call.sessionTimeoutMs,
			onOutOfRange: "earliest",
		});
		const options: MemberOptions<Sent> = {
			retry: { retries: Number.POSITIVE_INFINITY, initialDelayMs: 20, maxDelayMs: 200 },
			commitIntervalMs: 300,
			onAssigned: (partitions, member) => this.#given(running, partitions, member),
			...(plan.maxHandlerMs === undefined ? {} : { maxHandlerMs: plan.maxHandlerMs }),
		};
		const taking = running.process.random.pick(plan.taking);
		try {
			await liveAsMember(running, group, call, (member) => this.#take(running, member, taking), options);
		} catch (error) {
			// It ends in good order: somebody has taken its place on purpose.
			if (!isPolylogError(error, "MEMBER_REPLACED") || !twins.mayReplace(running.name, call.instanceId)) throw error;
			world.note(`${running.name} ends: ${error.message}`);
		} finally {
			this.#members.delete(running.name);
		}
	}

	/** Sends the member in `process` back on one of its partitions. */
	async seek(process: string, back: number): Promise<void> {
		const running = this.running.get(process);
		const member = this.#members.get(process);
		const partition = member && running?.process.random.shuffle(member.assignment)[0];
		if (running && member && partition) await this.#seekBack(running, member, partition, back);
	}

	#listen(running: Running, member: Member<Sent>): void {
		const { verdicts, world } = this.#parts;
		const note = (text: string) => world.note(`${running.name} ${text}`);
		this.#members.set(running.name, member);
		member.on("committed", (offsets) => this.#told(running, offsets));
		member.on("lost", (partitions, reason) => note(`lost ${partitions.map(partitionKey).join(" ")}: ${reason}`));
		member.on("error", (error) => note(`reports: ${error.message}`));
		member.on("stuck", (partition, error) => verdicts.report("stuck", `${partitionKey(partition)} at ${running.name}: ${error.message}`));
	}

	async #take(running: Running, member: Member<Sent>, taking: Taking): Promise<void> {
		this.#listen(running, member);
		const { order } = this.#parts.plan;
		const how = { sideBySide: order === "key" && taking === "run", putsBack: taking === "iterator" };
		const handle = (messages: readonly Message<Sent>[]) => this.#handle(running, messages, how);
		if (taking === "run") return member.run((message) => handle([message]), { order, concurrency: CONCURRENCY });
		if (taking === "iterator") return this.#iterate(running, member, (message) => handle([message]));
		return member.runBatches(({ messages }) => handle(messages), { concurrency: CONCURRENCY, maxMessages: BATCH_MESSAGES });
	}

	/** A loop whose body fails is left, and begun anew at the same message. */
	async #iterate(running: Running, member: Member<Sent>, handle: (message: Message<Sent>) => Promise<void>): Promise<void> {
		let left = true;
		while (left && !running.signal.aborted) {
			left = false;
			for await (const message of member) {
				try {
					await handle(message);
				} catch {
					left = true;
					break;
				}
			}
		}
	}

	async #handle(running: Running, messages: readonly Message<Sent>[], how: Pick<Work, "sideBySide" | "putsBack">): Promise<void> {
		const { plan, world, deliveries } = this.#parts;
		const [message] = messages;
		if (!message) return this.#parts.verdicts.report("empty-batch", `${running.name} was given no message`);
		const partition = partitionKey(message.partition);
		const last = messages.length > 1 ? `..${messages.at(-1)?.offset}` : "";
		world.note(`${running.name} handles ${partition}@${message.offset}${last} of ${message.value.by} under ${message.fence & 0xffffffffn}`);
		const end = deliveries.begin({ running, partition, messages, ...how });
		const { process, machine } = running;
		const [least, most] = plan.handlerMs;
		const began = world.time.now;
		const { connection } = machine.link ?? {};
		await running.pause(Math.max(process.random.between(least, most), machine.stalledUntil - began));
		const calm = connection === machine.link?.connection && process.troubledAt < began && world.broker.troubledAt < began;
		if (calm && !running.signal.aborted) this.#judgeLimit(running, partition, message.fence, world.time.now - began);
		const fails = message.attempt === 1 && process.random.chance(plan.handlerFailures);
		end(!fails);
		if (fails) throw new Error("the handler fails");
	}

	/** A handler past its limit has cost its member the partition. */
	#judgeLimit(running: Running, partition: string, fence: bigint, ranMs: number): void {
		const { plan, verdicts, journal } = this.#parts;
		if (plan.maxHandlerMs === undefined || ranMs < plan.maxHandlerMs + GIVE_UP_MS) return;
		if (journal.history.find(partition, fence)?.ended === undefined)
			verdicts.report("hung-handler", `a handler of ${running.name} ran for ${ranMs.toFixed(0)} ms, and ${partition} still is its own`);
	}

	async #given(running: Running, partitions: readonly Partition[], member: Member<Sent>): Promise<void> {
		const { random } = running.process;
		for (const partition of partitions)
			if (random.chance(this.#parts.plan.seekWhenAssigned)) await this.#seekBack(running, member, partition, random.integer(0, 6));
	}

	/** From where the group stands: what is delivered beyond that need not be processed, and would be skipped. So would records that came to stand below a place whose own are lost. */
	async #seekBack(running: Running, member: Member<Sent>, partition: Partition, back: number): Promise<void> {
		const { world, deliveries, journal } = this.#parts;
		const key = partitionKey(partition);
		const committed = journal.state.offsets.get(key)?.offset;
		if (committed === undefined) return;
		const handled = deliveries.handledTo(key);
		const stands = committed < handled ? committed : handled;
		const offset = stands > BigInt(back) ? stands - BigInt(back) : 0n;
		try {
			await member.seek({ offset }, [partition]);
		} catch (error) {
			return world.note(`${running.name} cannot seek: ${String(error)}`);
		}
		world.note(`${running.name} goes back to ${key}@${offset}`);
		const fence = this.#fenceOf(running, key);
		if (fence !== undefined) deliveries.sought(key, fence, offset);
	}

	/** Under which fence the process believes to own a partition. */
	#fenceOf(running: Running, partition: string): bigint | undefined {
		const state = this.#views.get(running.name);
		const owner = state?.owner.get(partition);
		return state && owner && fenceOf(state, owner);
	}

	/** A commit that was told to be accepted is there, unless the journal lost it. */
	#told(running: Running, offsets: ReadonlyMap<Partition, bigint>): void {
		const { world, journal, verdicts } = this.#parts;
		for (const [partition, offset] of offsets) {
			const key = partitionKey(partition);
			const stands = journal.state.offsets.get(key)?.offset ?? 0n;
			world.note(`${running.name} is told ${key} is committed to ${offset}`);
			if (stands < offset && journal.cuts === 0 && !this.#goesBack)
				verdicts.report("commit-lied", `${running.name} was told ${key} is committed to ${offset}; it is ${stands}`);
		}
	}

	/** Somebody may move the group back. */
	get #goesBack(): boolean {
		const { faults, seekWhenAssigned } = this.#parts.plan;
		return seekWhenAssigned > 0 || faults.some(({ kind }) => kind === "reset" || kind === "seek");
	}
}
