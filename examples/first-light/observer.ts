// Looks at the group from outside, as an operator would: nothing here is a member of it.
import { type ConsumerGroup, isPolylogError } from "@polylog/core";
import type { Flight } from "./flights.ts";
import type { Progress } from "./progress.ts";

const EVERY_MS = 500;

export class Observer {
	readonly #group: ConsumerGroup<Flight>;
	#members: Progress["members"] = [];
	#lag: bigint | undefined;
	#lookedMs = -Infinity;
	#looking: Promise<void> = Promise.resolve();

	constructor(group: ConsumerGroup<Flight>) {
		this.#group = group;
	}

	/** By name, with the partitions they own. */
	get members(): Progress["members"] {
		return this.#members;
	}

	/** `undefined`: unknown. */
	get lag(): bigint | undefined {
		return this.#lag;
	}

	/** Looks again if it is time to. What a broker cannot tell now is unknown until it can; other errors reject. */
	refresh(nowMs: number): Promise<void> {
		if (nowMs - this.#lookedMs >= EVERY_MS) {
			this.#lookedMs = nowMs;
			this.#looking = this.#looking
				.then(() => this.look())
				.catch((error: unknown) => {
					if (!isPolylogError(error) || !error.retryable) throw error;
					this.#lag = undefined;
				});
		}
		return this.#looking;
	}

	async look(): Promise<void> {
		const [{ members }, { total }] = await Promise.all([this.#group.describe(), this.#group.lag()]);
		this.#lag = total;
		this.#members = members
			.map(({ clientId, partitions }) => ({
				name: clientId,
				partitions: partitions.map(({ partition }) => partition.index).sort((a, b) => a - b),
			}))
			.sort((a, b) => a.name.localeCompare(b.name));
	}

	async partitionsOf(name: string): Promise<readonly number[]> {
		await this.look();
		return this.#members.find((member) => member.name === name)?.partitions ?? [];
	}

	async committed(): Promise<Map<number, bigint>> {
		return new Map([...(await this.#group.committed())].map(([partition, offset]) => [partition.index, offset]));
	}
}
