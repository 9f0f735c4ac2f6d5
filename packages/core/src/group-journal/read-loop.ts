// One read of the journal at a time; it can be cut short to prove the place at once instead of after its wait.
import type { Follower, OnEntry } from "./follower.ts";

export class ReadLoop {
	readonly #follower: Follower;
	readonly #waitMs: number;
	#stopped = false;
	#reading: AbortController | undefined;
	#interrupted = false;
	#proofs: PromiseWithResolvers<void>[] = [];

	constructor(follower: Follower, waitMs: number) {
		this.#follower = follower;
		this.#waitMs = waitMs;
	}

	/** One read, at once if it is only to show that the journal answers. False if it was cut short and shows nothing. */
	async once(onEntry: OnEntry, atOnce = false): Promise<boolean> {
		const proofs = this.#proofs;
		this.#proofs = [];
		const reading = (this.#reading = new AbortController());
		if (this.#stopped) reading.abort();
		this.#interrupted = false;
		try {
			await this.#follower.read(atOnce || proofs.length > 0 ? 0 : this.#waitMs, reading.signal, onEntry);
			for (const proof of proofs) proof.resolve();
			return true;
		} catch (error) {
			for (const proof of proofs) proof.reject(error);
			if (!this.#interrupted || this.#stopped) throw error;
			return false;
		} finally {
			this.#reading = undefined;
		}
	}

	/** Resolves when a read that began after this call has shown that the place still exists. */
	proveCursor(signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		const proof = Promise.withResolvers<void>();
		signal.addEventListener("abort", () => proof.reject(signal.reason), { once: true });
		this.#proofs.push(proof);
		this.interrupt();
		return proof.promise;
	}

	/** Lets a read under way come back now. */
	interrupt(): void {
		this.#interrupted = true;
		this.#reading?.abort();
	}

	stop(): void {
		this.#stopped = true;
		this.interrupt();
	}
}
