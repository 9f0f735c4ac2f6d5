// Which topics and groups there are: a pure fold over the entries of the catalogue. The order of the log decides between
// those who make or delete the same thing at once.
import type { Retention } from "@polylog/core/driver";

export type Kind = "topic" | "group";

/** Streams are not to be touched while they are made or deleted: RabbitMQ 3.10 ends the connection of who does. */
export type Phase = "making" | "ready" | "dropping";

export interface CatalogueItem {
	readonly kind: Kind;
	readonly name: string;
	/** The making: what is made again has another one. */
	readonly id: string;
	readonly phase: Phase;
	/** Of a topic. */
	readonly partitions?: number;
	readonly retention?: Retention;
}

type ItemRef = Pick<CatalogueItem, "kind" | "name" | "id">;

export type CatalogueChange =
	/** The first one wins until it is dropped. */
	| ({ readonly type: "make" } & Omit<CatalogueItem, "phase">)
	| ({ readonly type: "ready" | "dropping" | "drop" } & ItemRef)
	| ({ readonly type: "grow"; readonly partitions: number } & ItemRef)
	/** All there is after the entry at `asOf`. */
	| { readonly type: "snapshot"; readonly asOf: string; readonly items: readonly CatalogueItem[] };

export type CatalogueEntry = CatalogueChange & { readonly nonce: string };

export class CatalogueState {
	readonly #items: Map<string, CatalogueItem>;

	constructor(items: readonly CatalogueItem[] = []) {
		this.#items = new Map(items.map((item) => [keyOf(item.kind, item.name), item]));
	}

	get(kind: Kind, name: string): CatalogueItem | undefined {
		return this.#items.get(keyOf(kind, name));
	}

	/** Names of what is ready. */
	names(kind: Kind): string[] {
		return [...this.#items.values()].filter((item) => item.kind === kind && item.phase === "ready").map(({ name }) => name);
	}

	apply(change: CatalogueChange): void {
		if (change.type === "snapshot") return;
		const key = keyOf(change.kind, change.name);
		const known = this.#items.get(key);
		if (change.type === "make") {
			const { kind, name, id, partitions, retention } = change;
			if (known) return;
			this.#items.set(key, {
				kind,
				name,
				id,
				phase: "making",
				...(partitions === undefined ? {} : { partitions }),
				...(retention ? { retention } : {}),
			});
			return;
		}
		if (known?.id !== change.id) return;
		if (change.type === "drop") this.#items.delete(key);
		else if (change.type === "dropping") this.#items.set(key, { ...known, phase: "dropping" });
		else if (change.type === "ready" && known.phase === "making") this.#items.set(key, { ...known, phase: "ready" });
		else if (change.type === "grow") this.#items.set(key, { ...known, partitions: Math.max(known.partitions ?? 0, change.partitions) });
	}

	snapshot(asOf: bigint): CatalogueChange {
		return { type: "snapshot", asOf: String(asOf), items: [...this.#items.values()] };
	}
}

function keyOf(kind: Kind, name: string): string {
	return `${kind} ${name}`;
}

/** `undefined` for what is not one of ours. */
export function decodeEntry(bytes: Uint8Array): CatalogueEntry | undefined {
	try {
		const entry: unknown = JSON.parse(Buffer.from(bytes).toString());
		// Written by `encodeEntry` alone; of a later version's entries the fold knows nothing.
		return typeof entry === "object" && entry !== null && "type" in entry && "nonce" in entry ? (entry as CatalogueEntry) : undefined;
	} catch {
		return undefined;
	}
}

export function encodeEntry(entry: CatalogueEntry): Buffer {
	return Buffer.from(JSON.stringify(entry));
}
