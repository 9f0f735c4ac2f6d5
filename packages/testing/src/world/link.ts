// The connection between one process and the broker: every request and every answer crosses it, late, or not at all.
import type { SimulatedProcess } from "./process.ts";
import type { SimulatedBroker } from "./simulated-broker.ts";

/** `reset`: connections break at once. `silence`: nothing comes through and nobody is told. `deaf`: only answers get lost. */
export type Cut = "reset" | "silence" | "deaf";

/** A request without an answer is given up after this. */
const REQUEST_TIMEOUT_MS = 5000;
const LATE_LEAST_MS = 200;

export class LinkError extends Error {
	override readonly name = "LinkError";
}

export interface Call<T> {
	/** On the broker, when the request arrives. */
	readonly act: () => T | Promise<T>;
	/** Whether the network may lose, delay and answer it falsely as it does with appends. */
	readonly append?: boolean;
	readonly signal?: AbortSignal | undefined;
	/** The answer may wait this much longer for something to answer. */
	readonly waitMs?: number;
}

export class Link {
	readonly #process: SimulatedProcess;
	readonly #broker: SimulatedBroker;
	/** Fail the requests under way. */
	readonly #pending = new Set<(error: Error) => void>();
	readonly #onDown = () => this.#breakAll("the connection was reset");
	#cut: Cut | undefined;
	#broken = 0;
	#closed = false;

	constructor(process: SimulatedProcess, broker: SimulatedBroker) {
		this.#process = process;
		this.#broker = broker;
		broker.onDown(this.#onDown);
	}

	/** Another number for every new connection. */
	get connection(): number {
		return this.#broken + this.#broker.restarts;
	}

	cut(how: Cut): void {
		this.#cut = how;
		if (how === "reset") this.#breakAll("the connection was reset");
	}

	mend(): void {
		if (this.#cut === undefined) return;
		this.#cut = undefined;
		this.#process.troubled();
		this.#breakAll("the connection was made anew");
	}

	get isCut(): boolean {
		return this.#cut !== undefined;
	}

	close(): void {
		this.#closed = true;
		this.#breakAll("the connection is closed");
		this.#broker.forget(this.#onDown);
	}

	call<T>({ act, append = false, signal, waitMs = 0 }: Call<T>): Promise<T> {
		return new Promise((resolve, reject) => {
			if (signal?.aborted) return reject(signal.reason);
			if (this.#closed) return reject(new LinkError("the connection is closed"));
			const { time } = this.#broker;
			let settled = false;
			const settle = (end: () => void) => {
				if (settled) return;
				settled = true;
				this.#pending.delete(fail);
				signal?.removeEventListener("abort", onAbort);
				end();
			};
			const fail = (error: Error) => this.#process.run(() => settle(() => reject(error)));
			const failIn = (ms: number, why: string) => void time.after(ms, () => fail(new LinkError(why)));
			const onAbort = () => settle(() => reject(signal?.reason));
			signal?.addEventListener("abort", onAbort, { once: true });
			this.#pending.add(fail);
			if (!this.#broker.up || this.#cut === "reset") return failIn(this.#broker.latency(), "the broker cannot be reached");
			const { network } = this.#broker;
			const fate = append ? this.#fate() : "ok";
			if (fate !== "ok") this.#process.troubled();
			if (fate === "late") {
				// Its sender learns of a broken connection; the request is still in somebody's buffer.
				time.after(this.#broker.random.between(LATE_LEAST_MS, network.lateMs), () => void this.#perform(act));
				time.after(this.#broker.latency(), () => this.#break("the connection broke"));
				return;
			}
			if (fate === "lost") return failIn(this.#broker.latency() * 2, "the connection broke");
			const timeoutMs = REQUEST_TIMEOUT_MS + waitMs;
			const connection = this.connection;
			const passes = (gone: Cut[]) => this.#broker.up && connection === this.connection && !(this.#cut && gone.includes(this.#cut));
			const answer = async () => {
				if (!passes(["reset", "silence"])) return failIn(timeoutMs, "the request timed out");
				let back: () => void;
				try {
					const result = await act();
					back = () => resolve(result);
				} catch (error) {
					back = () => reject(error);
				}
				if (fate === "unanswered") {
					time.after(this.#broker.latency(), () => this.#break("the connection broke"));
					return;
				}
				const backMs = this.#broker.latency();
				if (backMs > timeoutMs) return failIn(timeoutMs, "the request timed out");
				time.after(backMs, () => {
					if (passes(["reset", "silence", "deaf"])) this.#process.run(() => settle(back));
					else failIn(timeoutMs, "the request timed out");
				});
			};
			const thereMs = this.#broker.latency();
			if (thereMs > timeoutMs) failIn(timeoutMs, "the request timed out");
			time.after(thereMs, () => void answer());
		});
	}

	#fate(): "ok" | "late" | "lost" | "unanswered" {
		const { network, random } = this.#broker;
		const roll = random.fraction();
		if (roll < network.lateAppends) return "late";
		if (roll < network.lateAppends + network.lostAppends) return "lost";
		return roll < network.lateAppends + network.lostAppends + network.lostAnswers ? "unanswered" : "ok";
	}

	/** Nobody waits for the outcome. */
	async #perform(act: () => unknown): Promise<void> {
		if (!this.#broker.up) return;
		try {
			await act();
		} catch {
			// Refused by the broker; its sender has heard of an error already.
		}
	}

	#break(why: string): void {
		if (this.#process.state !== "dead") this.#breakAll(why);
	}

	#breakAll(why: string): void {
		this.#broken++;
		for (const fail of new Set(this.#pending)) fail(new LinkError(why));
	}
}
