// Takes one lane's messages side by side, those of one key in order: `order: "key"`.
import type { Message } from "../api/message.ts";
import { sleep } from "../clock.ts";
import type { Delivery } from "../delivery/delivery.ts";
import type { Offset } from "../offset.ts";
import type { Held } from "./offset-tracker.ts";
import { awaitWork, LEASE_POLL_MS, type WorkerParts } from "./worker.ts";

export async function keyedWorker<T>(parts: WorkerParts, delivery: Delivery<T>, handle: (message: Message<T>) => unknown): Promise<void> {
	const { lane, slots, clock, stopped } = parts;
	const keys = new KeyQueues(parts, (held) => delivery.deliver(lane, held, handle));
	while (await awaitWork(parts)) {
		await slots.take();
		const held = stopped() ? undefined : lane.take();
		// A message whose key is busy waits behind it, without a slot.
		if (!held || !keys.begin(held)) slots.give();
		if (!held) await clock.yield();
	}
	await keys.idle();
}

/** Messages that wait for an earlier one of their key. Bounded by what the lane may hold. */
class KeyQueues {
	readonly #parts: WorkerParts;
	readonly #deliver: (held: Held) => Promise<void> | undefined;
	/** Every busy key with the messages behind the running one. */
	readonly #busy = new Map<string, Held[]>();
	#highest: Offset = -1n;

	constructor(parts: WorkerParts, deliver: (held: Held) => Promise<void> | undefined) {
		this.#parts = parts;
		this.#deliver = deliver;
	}

	/** Starts it with the caller's slot, or queues it and returns false. */
	begin(held: Held): boolean {
		const key = held.record.key === undefined ? "" : `k${Buffer.from(held.record.key).toString("latin1")}`;
		const waiting = this.#busy.get(key);
		if (waiting) {
			waiting.push(held);
			return false;
		}
		this.#busy.set(key, []);
		void this.#work(key, held);
		return true;
	}

	async idle(): Promise<void> {
		while (this.#busy.size > 0) await this.#parts.lane.changed.wait();
	}

	/** Works the key until nothing of it waits; holds one slot, lent to others between messages if they want it. */
	async #work(key: string, first: Held): Promise<void> {
		const { slots, lane } = this.#parts;
		await this.#start(first);
		for (let held = this.#busy.get(key)?.shift(); held; held = this.#busy.get(key)?.shift()) {
			if (slots.contended) {
				slots.give();
				await slots.take();
			}
			if (await this.#mayStart(held)) await this.#start(held);
			else lane.release(held);
		}
		this.#busy.delete(key);
		slots.give();
		lane.changed.ring();
	}

	async #start(held: Held): Promise<void> {
		if (held.record.offset > this.#highest) this.#highest = held.record.offset;
		await this.#deliver(held);
	}

	/**
	 * A message may wait long behind its key, so it is asked again whether it may start. While the lane is being given
	 * up only the gaps below what was already started are filled: the commit then covers it, and nothing is repeated.
	 */
	async #mayStart(held: Held): Promise<boolean> {
		const { lane, clock, slots, stopped } = this.#parts;
		while (lane.isLive(held)) {
			const finishing = lane.state === "revoking" || stopped();
			if (finishing && held.record.offset > this.#highest) return false;
			if (lane.state === "paused" && !finishing) {
				// Others have the slot meanwhile.
				slots.give();
				await lane.changed.wait();
				await slots.take();
			} else if (lane.mayDispatch(finishing)) return true;
			else await sleep(clock, LEASE_POLL_MS);
		}
		return false;
	}
}
