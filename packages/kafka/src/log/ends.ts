// Where partitions begin and end, asked of their leaders.
import { type Clock, type Offset, type Partition, partitionKey } from "@polylog/core/driver";
import type { Layout } from "../layout.ts";
import { ERROR, KafkaError } from "../wire/error-codes.ts";
import { EARLIEST, LATEST, listOffsetsRequest, type OffsetAnswer } from "../wire/api/offsets.ts";
import type { Network } from "../wire/network.ts";
import { patiently } from "../wire/patience.ts";

const PATIENCE_MS = 20_000;

export interface Ends {
	readonly earliest: Offset;
	readonly end: Offset;
}

export class LogEnds {
	readonly #network: Network;
	readonly #layout: Layout;
	readonly #committedOnly: boolean;

	readonly #clock: Clock;

	constructor(network: Network, layout: Layout, clock: Clock, committedOnly: boolean) {
		this.#clock = clock;
		this.#network = network;
		this.#layout = layout;
		this.#committedOnly = committedOnly;
	}

	/** Of partitions of one topic, in their order. */
	async of(partitions: readonly Partition[], signal?: AbortSignal): Promise<Ends[]> {
		// The beginning first: retention that moves it meanwhile cannot push it past the end then.
		const earliest = await this.#ask(partitions, EARLIEST, signal);
		const end = await this.#ask(partitions, LATEST, signal);
		return partitions.map(({ index }) => ({ earliest: earliest.get(index) ?? 0n, end: end.get(index) ?? 0n }));
	}

	/** The first record at or after the time, else the end. */
	async at(partition: Partition, timestampMs: number, signal?: AbortSignal): Promise<Offset> {
		const found = (await this.#ask([partition], BigInt(Math.max(0, Math.ceil(timestampMs))), signal)).get(partition.index) ?? -1n;
		if (found >= 0n) return found;
		const [ends] = await this.of([partition], signal);
		return ends?.end ?? 0n;
	}

	/** Leaders change, and those of a new topic have to hear of it first: that is waited for. */
	async #ask(partitions: readonly Partition[], timestamp: bigint, signal: AbortSignal | undefined): Promise<Map<number, Offset>> {
		return await patiently(this.#clock, PATIENCE_MS, () => this.#askOnce(partitions, timestamp, signal), signal);
	}

	async #askOnce(partitions: readonly Partition[], timestamp: bigint, signal: AbortSignal | undefined): Promise<Map<number, Offset>> {
		// A leader of before that is cut off would tell an end of before, and a lag that is nicer than the truth.
		await Promise.all([...new Set(partitions.map(({ topic }) => topic))].map((topic) => this.#layout.ask(topic, signal)));
		const placed = await Promise.all(
			partitions.map(async (partition) => ({ partition, place: await this.#layout.place(partition, signal) })),
		);
		const byLeader = [...Map.groupBy(placed, ({ place }) => place.leader)];
		const answers = await Promise.all(
			byLeader.map(([leader, there]) =>
				this.#network.send(
					leader,
					"admin",
					listOffsetsRequest(
						there.map(({ partition: { topic, index } }) => ({ topic, index, timestamp })),
						this.#committedOnly,
					),
					{ signal },
				),
			),
		).catch((error: unknown) => {
			for (const { topic } of partitions) this.#layout.forget(topic);
			throw error;
		});
		return new Map(answers.flat().map((answer) => [answer.index, this.#offsetOf(answer)]));
	}

	#offsetOf({ topic, index, errorCode, offset }: OffsetAnswer): Offset {
		if (errorCode === ERROR.none) return offset;
		this.#layout.forget(topic);
		// The leader may not have heard of a topic that was just made: whether there is one, metadata says.
		const code = errorCode === ERROR.unknownTopicOrPartition ? ERROR.leaderNotAvailable : errorCode;
		throw new KafkaError(code, `finding an offset of ${partitionKey({ topic, index })}`);
	}
}
