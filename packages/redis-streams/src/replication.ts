import type { Redis } from "ioredis";

/**
 * Waits until what a connection wrote last is on the replicas asked for. WAIT speaks of the writes of its own
 * connection only, and holds up what is sent on it meanwhile.
 */
export class Replication {
	readonly #replicas: number;
	readonly #timeoutMs: number;

	constructor(replicas: number, timeoutMs: number) {
		this.#replicas = replicas;
		this.#timeoutMs = timeoutMs;
	}

	async reached(client: Redis): Promise<boolean> {
		if (this.#replicas === 0) return true;
		return (await client.wait(this.#replicas, this.#timeoutMs)) >= this.#replicas;
	}
}
