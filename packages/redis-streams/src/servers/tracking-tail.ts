// Waits for new entries of any number of streams of one node of a Redis Cluster, where one XREAD may name the streams of
// one slot only. So nothing blocks: Redis is asked once for what is there, remembers who asked (CLIENT TRACKING), and
// tells when the key changes, over a second connection that listens. It only wakes; what arrived is read elsewhere.
import type { Clock } from "@polylog/core/driver";
import { type PolylogError, sleep } from "@polylog/core/driver";
import type { Redis } from "ioredis";
import { classify } from "../errors.ts";
import type { Link } from "./link.ts";
import type { Waiting } from "./servers.ts";
import { closedError } from "./tail.ts";

const CHANNEL = "__redis__:invalidate";
/** Where tracking is not permitted, so that nobody is told. */
const POLL_MS = 100;
const RETRY_MS = 100;

interface Waiter {
	readonly key: string;
	readonly afterId: string;
	wake(news: boolean): void;
	fail(error: PolylogError): void;
}

export class TrackingTail implements Waiting {
	/** Asks, and is the one that Redis remembers. */
	readonly #asks: Link;
	readonly #clock: Clock;
	readonly #waiters = new Map<string, Set<Waiter>>();
	/** Keys that have not changed since they had nothing above that id, as far as we were told. */
	readonly #quiet = new Map<string, string>();
	/** The connection that listens, as Redis calls it; undefined while there is none, or where it may not. */
	#listener: string | undefined;
	/** Which connections do the tracking now. */
	#tracking = "";
	#permitted = true;
	#closed = false;

	constructor(asks: Link, clock: Clock) {
		this.#asks = asks;
		this.#clock = clock;
	}

	/** Run on each new connection that is to listen, before it is used. */
	async listen(client: Redis): Promise<void> {
		await client.ping();
		try {
			const id = String(await client.client("ID"));
			await client.subscribe(CHANNEL);
			client.on("messageBuffer", (_, keys: unknown) => this.#changed(keys));
			client.once("end", () => {
				if (this.#listener === id) this.#listener = undefined;
				this.wakeAll();
			});
			this.#listener = id;
		} catch (error) {
			if (!isDenied(error)) throw error;
			this.#permitted = false;
		}
	}

	wait(key: string, afterId: string, waitMs: number, signal?: AbortSignal): Promise<boolean> {
		return new Promise((resolve, reject) => {
			if (this.#closed) return reject(closedError());
			if (signal?.aborted) return resolve(false);
			const end = () => {
				cancel();
				signal?.removeEventListener("abort", abort);
				waiters.delete(waiter);
				if (waiters.size === 0 && this.#waiters.get(key) === waiters) this.#waiters.delete(key);
			};
			const wake = (news: boolean) => {
				end();
				resolve(news);
			};
			const fail = (error: PolylogError) => {
				end();
				reject(error);
			};
			const abort = () => wake(false);
			const waiter: Waiter = { key, afterId, wake, fail };
			const cancel = this.#clock.after(waitMs, abort);
			signal?.addEventListener("abort", abort, { once: true });
			const waiters = this.#waiters.get(key) ?? new Set();
			this.#waiters.set(key, waiters.add(waiter));
			void this.#look(waiter);
		});
	}

	/** Everything may have changed: whoever waits looks for himself. */
	wakeAll(): void {
		this.#quiet.clear();
		for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.wake(true);
	}

	close(): void {
		this.#closed = true;
		for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.fail(closedError());
	}

	async #look(waiter: Waiter): Promise<void> {
		if (this.#quiet.get(waiter.key) === waiter.afterId && this.#tracking === this.#pair()) return;
		try {
			if (await this.#asks.run((client) => this.#ask(client, waiter))) waiter.wake(true);
			else if (this.#listener === undefined) await this.#later(waiter, POLL_MS);
		} catch (error) {
			// The reader finds out by itself what is wrong, but not in a hot loop.
			if (classify(error).code !== "CLOSED") await this.#later(waiter, RETRY_MS);
		}
	}

	/** Whether there is news; from then on a change is told. */
	async #ask(client: Redis, { key, afterId }: Waiter): Promise<boolean> {
		const pair = this.#pair();
		if (pair !== undefined && this.#tracking !== pair && this.#listener !== undefined) {
			this.#quiet.clear();
			this.#tracking = pair;
			await this.#track(client, this.#listener);
		}
		// Noted before it is asked: a change after the answer may be told before the answer is looked at.
		this.#quiet.set(key, afterId);
		const reply: unknown = await client.callBuffer("XREAD", "COUNT", 1, "STREAMS", key, afterId);
		if (Array.isArray(reply)) this.#quiet.delete(key);
		return Array.isArray(reply);
	}

	async #track(client: Redis, listener: string): Promise<void> {
		try {
			await client.call("CLIENT", "TRACKING", "ON", "REDIRECT", listener);
		} catch (error) {
			this.#tracking = "";
			if (!isDenied(error)) throw error;
			this.#permitted = false;
			this.#listener = undefined;
		}
	}

	#pair(): string | undefined {
		return this.#permitted && this.#listener !== undefined ? `${this.#asks.generation} ${this.#listener}` : undefined;
	}

	#changed(keys: unknown): void {
		// Without keys: all of them, after FLUSHALL or where Redis remembers no more.
		if (!Array.isArray(keys)) return this.wakeAll();
		for (const key of keys.map(String)) {
			this.#quiet.delete(key);
			for (const waiter of this.#waiters.get(key) ?? []) waiter.wake(true);
		}
	}

	async #later(waiter: Waiter, delayMs: number): Promise<void> {
		await sleep(this.#clock, delayMs);
		waiter.wake(true);
	}
}

function isDenied(error: unknown): boolean {
	return ["UNAUTHORIZED", "UNSUPPORTED"].includes(classify(error).code);
}
