// The shell of the estimate: looks at the group from outside, and keeps what it saw for the next call.
import { abortedError } from "../aborted.ts";
import type { Estimate, EstimateOptions } from "../api/estimate.ts";
import type { Backend } from "../backend.ts";
import { sleep } from "../clock.ts";
import type { PartitionDescription } from "../driver/driver.ts";
import type { GroupSnapshot } from "../driver/group-session.ts";
import type { Position } from "../offset.ts";
import { PartitionMap } from "../partition-map.ts";
import { groupEstimate } from "./group-estimate.ts";
import { MessageSizes } from "./message-sizes.ts";
import type { GroupSample, PartitionSample } from "./samples.ts";

const WATCH_MS = 3_000;
const WINDOW_MS = 10_000;
/** How many looks the time to watch is cut into. */
const LOOKS = 6;

export interface SamplerParts {
	readonly backend: Backend;
	readonly group: string;
	readonly topics: readonly string[];
	readonly from: Position;
	readonly find: () => Promise<GroupSnapshot | undefined>;
}

export class Sampler {
	readonly #parts: SamplerParts;
	readonly #sizes: MessageSizes;
	#samples: GroupSample[] = [];
	/** Looks come one after the other, whoever asks. */
	#looking: Promise<void> = Promise.resolve();

	constructor(parts: SamplerParts) {
		this.#parts = parts;
		this.#sizes = new MessageSizes(parts.backend);
	}

	async estimate(options: EstimateOptions): Promise<Estimate> {
		const { watchMs = WATCH_MS, windowMs = Math.max(WINDOW_MS, watchMs), signal } = options;
		if (!(Number.isFinite(watchMs) && watchMs > 0)) throw new RangeError(`watchMs must be a number above 0, not ${watchMs}`);
		if (!(Number.isFinite(windowMs) && windowMs >= watchMs)) throw new RangeError(`windowMs must be at least watchMs, not ${windowMs}`);
		const { group, backend } = this.#parts;
		try {
			await this.#look(windowMs);
			while (this.#watchedMs() < watchMs) {
				await sleep(backend.clock, watchMs / LOOKS, signal);
				await this.#look(windowMs);
			}
			signal?.throwIfAborted();
		} catch (error) {
			throw signal?.aborted ? abortedError(signal, `estimating group ${group}`) : error;
		}
		await this.#sizes.read([...(this.#samples.at(-1)?.partitions.values() ?? [])]);
		return groupEstimate({ group, samples: this.#samples, watchMs, bytesPerMessage: (partition) => this.#sizes.of(partition) });
	}

	#watchedMs(): number {
		return (this.#samples.at(-1)?.atMs ?? 0) - (this.#samples[0]?.atMs ?? 0);
	}

	#look(windowMs: number): Promise<void> {
		const looked = this.#looking.then(async () => {
			const sample = await this.#sample();
			// The one at the window's edge stays: what follows it needs something to be compared with.
			const beyond = this.#samples.findLastIndex(({ atMs }) => sample.atMs - atMs >= windowMs);
			this.#samples = [...this.#samples.slice(Math.max(0, beyond)), sample];
		});
		this.#looking = looked.catch(() => {});
		return looked;
	}

	/** Positions before ends, so that no end is older than a commit. */
	async #sample(): Promise<GroupSample> {
		const { backend, topics, from } = this.#parts;
		const found = await this.#parts.find();
		const owners = new PartitionMap((found?.members ?? []).flatMap((member) => member.partitions.map((own) => [own.partition, member.id])));
		const committed = new PartitionMap(found?.committed ?? []);
		const described = await Promise.all(topics.map((topic) => backend.describeTopic(topic)));
		const partitions = described
			.flatMap((topic) => topic?.partitions ?? [])
			.map((partition) => sampleOf(partition, committed.get(partition)?.offset, from, owners.get(partition)))
			.map((sample) => [sample.partition, sample] as const);
		return { atMs: backend.clock.now(), members: found?.members.length ?? 0, partitions: new PartitionMap(partitions) };
	}
}

function sampleOf(
	{ topic, index, earliest, end, records }: PartitionDescription,
	committed: bigint | undefined,
	from: Position,
	owner: string | undefined,
): PartitionSample {
	const position = committed ?? (from === "earliest" ? earliest : undefined);
	return {
		partition: { topic, index },
		position: position !== undefined && position < earliest ? earliest : position,
		earliest,
		end,
		records,
		owner,
	};
}
