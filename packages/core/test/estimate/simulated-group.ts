// A group in virtual time: partitions that fill and are processed at known rates, commits in steps, and someone who looks
// now and then. What an estimate says of it can be compared with what comes of it.
import type { Estimate } from "../../src/index.ts";
import { PartitionMap } from "../../src/index.ts";
import { groupEstimate } from "../../src/estimate/group-estimate.ts";
import type { GroupSample, PartitionSample } from "../../src/estimate/samples.ts";

export interface SimulatedPartition {
	readonly backlog: number;
	/** Per second. */
	readonly arrival: number;
	readonly processing: number;
	/** `undefined`: nobody. Default "a". */
	readonly owner?: string | undefined;
	/** Times between which nothing is processed. */
	readonly pauseMs?: readonly [from: number, to: number];
	/** Arrivals end there. */
	readonly arrivesUntilMs?: number;
	/** When its first commit is made, within one interval. */
	readonly phaseMs?: number;
	/** Default 1: offsets are dense. */
	readonly offsetsPerMessage?: number;
}

export interface Looks {
	readonly commitMs?: number;
	readonly everyMs?: number;
	readonly watchMs?: number;
	readonly windowMs?: number;
}

const FIRST = 1_000;

export class SimulatedGroup {
	readonly #partitions: readonly SimulatedPartition[];
	readonly #commitMs: number;

	constructor(partitions: readonly SimulatedPartition[], { commitMs = 1_000 }: Looks = {}) {
		this.#partitions = partitions;
		this.#commitMs = commitMs;
	}

	/** What an observer makes of it that has looked for `windowMs` until `atMs`. */
	estimateAt(atMs: number, { everyMs = 500, watchMs = 3_000, windowMs = 10_000 }: Looks = {}): Estimate {
		const samples: GroupSample[] = [];
		for (let lookMs = atMs; lookMs >= Math.max(0, atMs - windowMs); lookMs -= everyMs) samples.unshift(this.#look(lookMs));
		return groupEstimate({ group: "simulated", samples, watchMs, bytesPerMessage: () => 100 });
	}

	/** How long it really takes from `atMs` on, to 20 ms; `undefined`: longer than an hour. */
	drainMsFrom(atMs: number): number | undefined {
		for (let ms = 0; ms < 3_600_000; ms += 20) {
			const drained = this.#partitions.every(
				(partition) => processedBy(partition, atMs + ms) >= Math.floor(storedBy(partition, atMs + ms)),
			);
			if (drained) return ms;
		}
		return undefined;
	}

	#look(atMs: number): GroupSample {
		const samples = this.#partitions.map((partition, index): [PartitionSample["partition"], PartitionSample] => {
			const { phaseMs = 0, offsetsPerMessage = 1, owner } = partition;
			const committedMs = Math.floor((atMs - phaseMs) / this.#commitMs) * this.#commitMs + phaseMs;
			const stored = Math.floor(storedBy(partition, atMs));
			const offset = (messages: number) => BigInt(FIRST + messages * offsetsPerMessage);
			return [
				{ topic: "simulated", index },
				{
					partition: { topic: "simulated", index },
					position: offset(Math.min(stored, Math.floor(processedBy(partition, Math.max(0, committedMs))))),
					earliest: offset(0),
					end: offset(stored),
					records: offsetsPerMessage === 1 ? undefined : stored,
					owner: "owner" in partition ? owner : "a",
				},
			];
		});
		const owners = new Set(samples.map(([, { owner }]) => owner).filter((owner) => owner !== undefined));
		return { atMs, members: owners.size, partitions: new PartitionMap(samples) };
	}
}

function storedBy({ backlog, arrival, arrivesUntilMs = Number.POSITIVE_INFINITY }: SimulatedPartition, atMs: number): number {
	return backlog + (arrival * Math.min(atMs, arrivesUntilMs)) / 1000;
}

function processedBy(partition: SimulatedPartition, atMs: number): number {
	const [from, to] = partition.pauseMs ?? [0, 0];
	const workedMs = atMs - Math.max(0, Math.min(atMs, to) - Math.min(atMs, from));
	return Math.min(storedBy(partition, atMs), (partition.processing * workedMs) / 1000);
}
