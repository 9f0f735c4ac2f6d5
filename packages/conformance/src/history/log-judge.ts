// Judges the log: what was sent against what is found in it, whoever reads.
import type { HistoryEvent, SentEvent } from "./event.ts";
import { type HistoryRules, type Judge, Made, placeOf } from "./judge.ts";
import type { Accuse } from "./violation.ts";

export class LogJudge implements Judge {
	readonly #accuse: Accuse;
	readonly #storedTwice: number;
	/** By place: the id found there. */
	readonly #ids = new Map<string, string>();
	/** By id: its places, in the order they became known. */
	readonly #places = new Made<string, Map<string, { partition: string; offset: bigint }>>(() => new Map());
	readonly #sent = new Map<string, SentEvent & { readonly order: number }>();

	constructor(accuse: Accuse, { storedTwice = 0 }: HistoryRules) {
		this.#accuse = accuse;
		this.#storedTwice = storedTwice;
	}

	take(event: HistoryEvent): void {
		if (event.kind === "sent") {
			this.#sent.set(event.id, { ...event, order: event.order ?? this.#sent.size });
			const { id, partition, offset } = event;
			if (event.status === "ok" && partition !== undefined && offset !== undefined) this.#found({ id, partition, offset });
		} else if (event.kind === "started") this.#found(event);
	}

	#found(record: { readonly id: string; readonly partition: string; readonly offset: bigint }): void {
		const { id, partition, offset } = record;
		const place = placeOf(record);
		const known = this.#ids.get(place);
		if (known !== undefined && known !== id) this.#accuse("inconsistent-offsets", place, `it was ${known} and is ${id}`);
		this.#ids.set(place, id);
		this.#places.of(id).set(place, { partition, offset });
	}

	end(): void {
		const twice = [...this.#places].filter(([, places]) => places.size > 1);
		for (const [id, places] of twice.slice(this.#storedTwice))
			this.#accuse("duplicate", [...places.keys()][1] ?? "", `${id} is in the log at ${[...places.keys()].join(" and ")}`);
		for (const [id, places] of this.#places)
			if (this.#sent.get(id)?.status === "failed")
				this.#accuse("aborted-read", [...places.keys()][0] ?? "", `${id} failed to be sent, and is in the log`);
		this.#judgeOrder();
	}

	/** By producer and partition: in the order of the log, the order of the calls has to rise. */
	#judgeOrder(): void {
		const lanes = new Made<string, { id: string; place: string; offset: bigint; order: number }[]>(() => []);
		for (const [id, places] of this.#places) {
			const sent = this.#sent.get(id);
			if (!sent) continue;
			const first = [...places.values()].reduce((a, b) => (b.offset < a.offset ? b : a));
			lanes.of(`${sent.producer}|${first.partition}`).push({ id, place: placeOf(first), offset: first.offset, order: sent.order });
		}
		for (const lane of lanes.values()) {
			lane.sort((a, b) => (a.offset < b.offset ? -1 : 1));
			for (const [i, record] of lane.entries()) {
				const before = lane[i - 1];
				if (before && record.order < before.order)
					this.#accuse("nonmonotonic-send", record.place, `${record.id} was sent before ${before.id}, and is stored behind it`);
			}
		}
	}
}
