import type { Redis } from "ioredis";

/** A WAIT that is under way on a connection, and the one that begins after it. */
interface Round {
	readonly now: Promise<boolean>;
	next: Promise<boolean> | undefined;
}

/**
 * Waits until what a connection wrote is on the replicas asked for.
 *
 * WAIT speaks of all writes of its own connection, and holds up what is sent there after it. So those who come while
 * one is under way share the next one: whatever the number of appends, an answer takes two WAITs at most.
 */
export class Replication {
	readonly #replicas: number;
	readonly #timeoutMs: number;
	readonly #rounds = new WeakMap<Redis, Round>();

	constructor(replicas: number, timeoutMs: number) {
		this.#replicas = replicas;
		this.#timeoutMs = timeoutMs;
	}

	/** Whether there is anything to wait for. */
	get asked(): boolean {
		return this.#replicas > 0;
	}

	/** Called after the write was answered. */
	async reached(client: Redis): Promise<boolean> {
		if (!this.asked) return true;
		const round = this.#rounds.get(client);
		if (!round) return await this.#begin(client);
		return await (round.next ??= round.now.then(
			() => this.#begin(client),
			() => this.#begin(client),
		));
	}

	#begin(client: Redis): Promise<boolean> {
		const now = this.#wait(client);
		const round: Round = { now, next: undefined };
		this.#rounds.set(client, round);
		const end = () => {
			if (this.#rounds.get(client) === round && !round.next) this.#rounds.delete(client);
		};
		now.then(end, end);
		return now;
	}

	async #wait(client: Redis): Promise<boolean> {
		return (await client.wait(this.#replicas, this.#timeoutMs)) >= this.#replicas;
	}
}
