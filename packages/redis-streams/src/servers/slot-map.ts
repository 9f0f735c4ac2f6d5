// Which node of a Redis Cluster serves which slot, from what nodes say of it (CLUSTER NODES). Pure.
import type { Address } from "../options.ts";
import { addressText } from "./client.ts";

/** One node, as one of them sees it. */
export interface NodeView {
	readonly address: Address;
	/** Rises with each change of what a node serves: of two opinions the one with the higher epoch is newer. */
	readonly epoch: number;
	readonly slots: readonly (readonly [from: number, to: number])[];
}

const SLOTS = 16_384;

/** `askedHost` stands in where the node does not know its own address. */
export function parseNodes(text: string, askedHost: string): NodeView[] {
	return text
		.split("\n")
		.map((line) => line.trim().split(" "))
		.flatMap((words) => parseNode(words, askedHost) ?? []);
}

/** `<id> <ip:port@cport[,hostname]> <flags> <master> <ping> <pong> <config-epoch> <link> <slot> …` */
function parseNode(words: readonly string[], askedHost: string): NodeView | undefined {
	const [, place = "", flags = "", , , , epoch = "", , ...ranges] = words;
	const match = /^(.*):(\d+)(?:@|$)/.exec(place.split(",")[0] ?? "");
	if (!match || /noaddr|handshake/.test(flags)) return undefined;
	const [, host = "", port] = match;
	// A slot on its way elsewhere is in brackets, beside the ranges.
	const slots = ranges.filter((range) => !range.startsWith("[")).map(parseRange);
	return { address: { host: host === "" ? askedHost : host, port: Number(port) }, epoch: Number(epoch), slots };
}

function parseRange(range: string): readonly [number, number] {
	const [from = Number.NaN, to = from] = range.split("-").map(Number);
	return [from, to];
}

export class SlotMap {
	readonly #owners: readonly (string | undefined)[];
	/** Every node that anybody mentioned, by its address as text. */
	readonly nodes: ReadonlyMap<string, Address>;
	/** Those that serve slots. */
	readonly masters: ReadonlySet<string>;

	/** For each slot the newest opinion counts: a node that was cut off still thinks it serves what others took over. */
	constructor(views: readonly NodeView[]) {
		const owners: (string | undefined)[] = Array.from({ length: SLOTS });
		for (const { address, slots } of views.toSorted((a, b) => a.epoch - b.epoch)) {
			for (const [from, to] of slots) owners.fill(addressText(address), from, to + 1);
		}
		this.#owners = owners;
		this.nodes = new Map(views.map(({ address }) => [addressText(address), address]));
		this.masters = new Set(owners.filter((owner) => owner !== undefined));
	}

	owner(slot: number): string | undefined {
		return this.#owners[slot];
	}

	/** Whether every slot is served by the same node. */
	equals(other: SlotMap): boolean {
		return this.#owners.every((owner, slot) => owner === other.owner(slot));
	}
}
