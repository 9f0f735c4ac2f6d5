// One connection's link to its store. It can be cut, as a network can: that is how tests part a member from its log.

/** What `broker.native<MemoryNative>()` gives on the embedded backend. */
export interface MemoryNative {
	/** From now on every call fails, and waits end, as if the network were gone. The process knows nothing of it. */
	cut(): void;
	/** Undoes `cut`. */
	mend(): void;
	/** Removes all records of the topic below `offset`: what retention does. */
	truncateBefore(partition: { readonly topic: string; readonly index: number }, offset: bigint): void;
}

/** The embedded backend's own error: the link is cut, or was closed. */
export class MemoryLinkError extends Error {
	override readonly name = "MemoryLinkError";
}

export class MemoryLink {
	#ended = new AbortController();
	#closed = false;

	/** Aborts the waits of this connection; its reason is what a call fails with from then on. */
	get signal(): AbortSignal {
		return this.#ended.signal;
	}

	/** Throws unless the link is up. */
	check(): void {
		this.#ended.signal.throwIfAborted();
	}

	cut(): void {
		this.#ended.abort(new MemoryLinkError("the connection is cut"));
	}

	mend(): void {
		if (!this.#closed && this.#ended.signal.aborted) this.#ended = new AbortController();
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		// One that was cut is closed from now on.
		if (this.#ended.signal.aborted) this.#ended = new AbortController();
		this.#ended.abort(new MemoryLinkError("the connection is closed"));
	}
}
