// Waits for new entries of any number of streams on one connection: one XREAD BLOCK over all of them. It only wakes;
// what arrived is read elsewhere.
import type { Clock } from "@polylog/core/driver";
import { PolylogError, sleep } from "@polylog/core/driver";
import { classify } from "../errors.ts";
import type { Link } from "./link.ts";
import type { Waiting } from "./servers.ts";

/** A blocked XREAD is sent anew at least this often. */
export const TAIL_BLOCK_MS = 2000;
/** Where CLIENT UNBLOCK is not permitted, so that a new waiter waits no longer than this. */
const SHORT_BLOCK_MS = 100;
const RETRY_MS = 100;
/** An XREAD names every waiter, so with many of them it is sent less often: 1,000 make it 5 ms apart at least. */
const WAITERS_PER_MS = 200;

interface Waiter {
	readonly key: string;
	/** Entries above this id are news. */
	readonly afterId: string;
	wake(news: boolean): void;
	fail(error: PolylogError): void;
}

export class Tail implements Waiting {
	readonly #link: Link;
	/** Another connection, which can tell the server to let the blocked one go. */
	readonly #commands: Link;
	readonly #clock: Clock;
	readonly #waiters = new Set<Waiter>();
	/** What the XREAD under way waits for, by `place`. Written by the loop alone. */
	#watched: ReadonlySet<string> = new Set();
	#running = false;
	/** When the last XREAD was sent. */
	#sentAt = Number.NEGATIVE_INFINITY;
	#kicking = false;
	#mayUnblock = true;
	#clientId: { readonly generation: number; readonly id: number } | undefined;
	#closed = false;

	constructor(link: Link, commands: Link, clock: Clock) {
		this.#link = link;
		this.#commands = commands;
		this.#clock = clock;
	}

	wait(key: string, afterId: string, waitMs: number, signal?: AbortSignal): Promise<boolean> {
		return new Promise((resolve, reject) => {
			if (this.#closed) return reject(closedError());
			if (signal?.aborted) return resolve(false);
			const end = () => {
				cancel();
				signal?.removeEventListener("abort", abort);
				this.#waiters.delete(waiter);
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
			this.#waiters.add(waiter);
			if (!this.#running) void this.#loop();
			else if (!this.#watched.has(place(waiter))) void this.#kick();
		});
	}

	close(): void {
		this.#closed = true;
		for (const waiter of this.#waiters) waiter.fail(closedError());
	}

	async #loop(): Promise<void> {
		this.#running = true;
		while (this.#waiters.size > 0 && !this.#closed) {
			// All that begin to wait in this turn go into one command.
			await this.#clock.yield();
			await this.#space();
			try {
				await this.#round();
			} catch (error) {
				if (classify(error).code === "CLOSED") break;
				// The readers find out by themselves what is wrong; this one waits for the connection.
				await sleep(this.#clock, RETRY_MS);
			}
			this.#watched = new Set();
		}
		this.#running = false;
	}

	async #round(): Promise<void> {
		const waiters = [...this.#waiters];
		if (waiters.length === 0) return;
		const blockMs = this.#mayUnblock ? TAIL_BLOCK_MS : SHORT_BLOCK_MS;
		this.#watched = new Set(waiters.map(place));
		this.#sentAt = this.#clock.now();
		const keys = waiters.map(({ key }) => key);
		const ids = waiters.map(({ afterId }) => afterId);
		const reply: unknown = await this.#link.run((client) =>
			client.callBuffer("XREAD", "COUNT", 1, "BLOCK", blockMs, "STREAMS", ...keys, ...ids),
		);
		if (!Array.isArray(reply)) return;
		const news = new Set(reply.map((stream: unknown) => (Array.isArray(stream) ? String(stream[0]) : "")));
		for (const waiter of waiters) if (news.has(waiter.key)) waiter.wake(true);
	}

	/** Lets the blocked XREAD go, so that the next one includes the new waiters. */
	async #kick(): Promise<void> {
		if (this.#kicking || !this.#mayUnblock) return;
		this.#kicking = true;
		try {
			do {
				await this.#clock.yield();
				await this.#space();
				if (!this.#waitsUnwatched()) break;
				// 0: the XREAD had not reached the server yet, or was just on its way back.
				if ((await this.#unblock()) === 0) await sleep(this.#clock, 1);
			} while (this.#waitsUnwatched());
		} catch (error) {
			if (["UNAUTHORIZED", "UNSUPPORTED"].includes(classify(error).code)) this.#mayUnblock = false;
		} finally {
			this.#kicking = false;
		}
	}

	async #space(): Promise<void> {
		const leftMs = this.#sentAt + this.#waiters.size / WAITERS_PER_MS - this.#clock.now();
		if (leftMs >= 1) await sleep(this.#clock, leftMs);
	}

	#waitsUnwatched(): boolean {
		if (this.#closed || this.#watched.size === 0) return false;
		return [...this.#waiters].some((waiter) => !this.#watched.has(place(waiter)));
	}

	async #unblock(): Promise<number> {
		const { generation } = this.#link;
		const id = this.#clientId?.generation === generation ? this.#clientId.id : undefined;
		if (id === undefined) return 0;
		return Number(await this.#commands.run((client) => client.client("UNBLOCK", id)));
	}

	/** Called with each new connection of the tail's link, before it blocks; without an id where CLIENT is not permitted. */
	identify(id: number | undefined): void {
		if (id === undefined) this.#mayUnblock = false;
		else this.#clientId = { generation: this.#link.generation + 1, id };
	}
}

export function closedError(): PolylogError {
	return new PolylogError("CLOSED", "the connection to Redis was closed");
}

function place({ key, afterId }: Waiter): string {
	return `${afterId} ${key}`;
}
