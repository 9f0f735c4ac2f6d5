// `for await (const message of member)`: one message in hand at a time; asking for the next one is what processes it.
import type { Message } from "../api/message.ts";
import type { Bell } from "../bell.ts";
import { type Clock, sleep } from "../clock.ts";
import type { Delivery, RunningHandler } from "../delivery/delivery.ts";
import { isPolylogError, PolylogError } from "../errors.ts";
import type { Held } from "./offset-tracker.ts";
import type { PartitionLane } from "./partition-lane.ts";
import type { Watchdog } from "./watchdog.ts";
import { LEASE_POLL_MS, mayStart } from "./worker.ts";

/** Messages taken from one partition before another has its turn. */
const TURN_MESSAGES = 100;

export interface IteratorParts<T> {
	readonly bell: Bell;
	readonly clock: Clock;
	readonly delivery: Delivery<T>;
	readonly watchdog: Watchdog<RunningHandler>;
	readonly lanes: () => readonly PartitionLane[];
	/** Throws what killed the member. */
	readonly isClosing: () => boolean;
	/** Resolves when closing is done: the loop ends with everything committed. */
	readonly closed: () => Promise<void>;
	readonly onEnd: () => void;
}

export class MessageIterator<T> implements AsyncIterator<Message<T>> {
	readonly #parts: IteratorParts<T>;
	#inHand: { readonly held: Held; readonly lane: PartitionLane } | undefined;
	#lane: PartitionLane | undefined;
	#turn = 0;
	#asked = false;
	#over = false;

	constructor(parts: IteratorParts<T>) {
		this.#parts = parts;
	}

	async next(): Promise<IteratorResult<Message<T>>> {
		// Asking for the next message is what processes the one in hand: two at once would process one that nobody has seen.
		if (this.#asked) throw new TypeError("ask for the next message when the last next() has resolved: one is in hand at a time");
		this.#asked = true;
		try {
			return await this.#next();
		} finally {
			this.#asked = false;
		}
	}

	async #next(): Promise<IteratorResult<Message<T>>> {
		this.#settle((lane, held) => lane.complete(held));
		while (!this.#over) {
			if (this.#parts.isClosing()) {
				await this.#parts.closed();
				return this.#end();
			}
			const lane = this.#choose();
			if (!lane) {
				await this.#parts.bell.wait();
				continue;
			}
			const held = lane.take();
			if (!held) {
				await sleep(this.#parts.clock, LEASE_POLL_MS);
				continue;
			}
			const message = await this.#decode(lane, held);
			if (!message) continue;
			if (!(await mayStart(lane, held, this.#parts.clock))) {
				lane.release(held);
				continue;
			}
			if (this.#over) {
				lane.putBack(held);
				break;
			}
			const inHand = { held, lane };
			this.#inHand = inHand;
			this.#parts.watchdog.start(inHand);
			return { done: false, value: message };
		}
		return { done: true, value: undefined };
	}

	/** `break`, `throw` or disposal: the message in hand is not processed, and delivered again. */
	async return(): Promise<IteratorResult<Message<T>>> {
		this.#settle((lane, held) => lane.putBack(held));
		return this.#end();
	}

	#settle(how: (lane: PartitionLane, held: Held) => void): void {
		const inHand = this.#inHand;
		if (!inHand) return;
		this.#inHand = undefined;
		how(inHand.lane, inHand.held);
		this.#parts.watchdog.stop(inHand);
	}

	async #decode(lane: PartitionLane, held: Held): Promise<Message<T> | undefined> {
		try {
			return await this.#parts.delivery.decode(lane, held.record, 1);
		} catch (error) {
			await this.#parts.delivery.dispose(
				lane,
				[held],
				isPolylogError(error) ? error : new PolylogError("CODEC_FAILED", String(error), { cause: error }),
			);
			return undefined;
		}
	}

	/** Stays with a partition for a while, since its page is at hand, then gives the next one its turn. */
	#choose(): PartitionLane | undefined {
		if (this.#lane?.ready && this.#turn < TURN_MESSAGES) {
			this.#turn++;
			return this.#lane;
		}
		const lanes = this.#parts.lanes();
		const start = this.#lane ? lanes.indexOf(this.#lane) + 1 : 0;
		this.#turn = 1;
		for (let i = 0; i < lanes.length; i++) {
			const lane = lanes[(start + i) % lanes.length] as PartitionLane;
			if (lane.ready) return (this.#lane = lane);
		}
		return (this.#lane = undefined);
	}

	#end(): IteratorResult<Message<T>> {
		if (!this.#over) this.#parts.onEnd();
		this.#over = true;
		return { done: true, value: undefined };
	}
}
