// Which topics and groups there are: a pure fold over the entries of the catalogue. The order of the log decides between
// those who make or delete the same thing at once.
import type { Retention } from "@polylog/core/driver";

export interface TopicShape {
	readonly topic: string;
	readonly partitions: number;
	/** The making: a topic made again has another one. */
	readonly id: string;
	readonly retention?: Retention;
}

export type CatalogueChange =
	/** The first one wins until the topic is dropped. */
	| ({ readonly type: "topic" } & TopicShape)
	| { readonly type: "grow"; readonly topic: string; readonly id: string; readonly partitions: number }
	| { readonly type: "drop"; readonly topic: string; readonly id: string }
	| { readonly type: "group"; readonly group: string }
	| { readonly type: "ungroup"; readonly group: string }
	/** All there is after the entry at `asOf`. */
	| { readonly type: "snapshot"; readonly asOf: string; readonly topics: readonly TopicShape[]; readonly groups: readonly string[] };

export type CatalogueEntry = CatalogueChange & { readonly nonce: string };

export class CatalogueState {
	readonly topics = new Map<string, TopicShape>();
	readonly groups = new Set<string>();

	apply(change: CatalogueChange): void {
		if (change.type === "topic") {
			const { topic, partitions, id, retention } = change;
			if (!this.topics.has(topic)) this.topics.set(topic, { topic, partitions, id, ...(retention ? { retention } : {}) });
		} else if (change.type === "grow") {
			const known = this.topics.get(change.topic);
			if (known?.id === change.id && known.partitions < change.partitions) this.topics.set(change.topic, { ...known, partitions: change.partitions });
		} else if (change.type === "drop") {
			if (this.topics.get(change.topic)?.id === change.id) this.topics.delete(change.topic);
		} else if (change.type === "group") this.groups.add(change.group);
		else if (change.type === "ungroup") this.groups.delete(change.group);
	}

	snapshot(asOf: bigint): CatalogueChange {
		return { type: "snapshot", asOf: String(asOf), topics: [...this.topics.values()], groups: [...this.groups] };
	}

	static of({ topics, groups }: { readonly topics: readonly TopicShape[]; readonly groups: readonly string[] }): CatalogueState {
		const state = new CatalogueState();
		for (const shape of topics) state.topics.set(shape.topic, shape);
		for (const group of groups) state.groups.add(group);
		return state;
	}
}

/** `undefined` for what is not one of ours. */
export function decodeEntry(bytes: Buffer): CatalogueEntry | undefined {
	try {
		const entry: unknown = JSON.parse(String(bytes));
		// Written by `encodeEntry` alone; of a later version's entries the fold knows nothing.
		return typeof entry === "object" && entry !== null && "type" in entry && "nonce" in entry ? (entry as CatalogueEntry) : undefined;
	} catch {
		return undefined;
	}
}

export function encodeEntry(entry: CatalogueEntry): Buffer {
	return Buffer.from(JSON.stringify(entry));
}
