// Entries of a journal as they are written, read without core's decoder: the oracle shares no code with what it judges.

export type WireEvent = readonly unknown[];

export interface WireEntry {
	readonly kind: "member" | "admin" | "snapshot" | "note" | "foreign";
	/** Of a member's entry: its id; of an admin's or a snapshot: its nonce. */
	readonly author: string;
	readonly seq: number;
	readonly events: readonly WireEvent[];
	readonly asOf: bigint | undefined;
	readonly snapshotIndex: number | undefined;
}

export function readWire(bytes: Uint8Array): WireEntry {
	const json = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
	const events = (json["e"] ?? []) as readonly WireEvent[];
	const none = { seq: 0, events, asOf: undefined, snapshotIndex: undefined };
	if (typeof json["m"] === "string") return { ...none, kind: "member", author: json["m"], seq: json["q"] as number };
	if (typeof json["adm"] === "string") return { ...none, kind: "admin", author: json["adm"] };
	if (typeof json["snap"] !== "string") return { ...none, kind: "note", author: "" };
	const state = json["s"] as { readonly i: number };
	return { ...none, kind: "snapshot", author: json["snap"], asOf: BigInt(json["p"] as string), snapshotIndex: state.i };
}

/** The items of all events of one type: commits, releases, ... */
export function itemsOf(entry: WireEntry, type: string): readonly WireEvent[] {
	return entry.events.filter(([kind]) => kind === type).flatMap(([, items]) => items as readonly WireEvent[]);
}

export function has(entry: WireEntry, type: string): boolean {
	return entry.events.some(([kind]) => kind === type);
}

const NAMES: Readonly<Record<string, string>> = {
	j: "joins",
	l: "leaves",
	c: "commits",
	r: "releases",
	a: "abandons",
	b: "returned",
	x: "expires",
	t: "topics",
	p: "plans",
	e: "era",
	s: "resets",
};

/** One line for a trace. */
export function describeWire(entry: WireEntry): string {
	if (entry.kind !== "member" && entry.kind !== "admin") return entry.kind;
	const events = entry.events.map(([type, ...rest]) => `${NAMES[String(type)] ?? String(type)} ${JSON.stringify(rest).slice(0, 160)}`);
	return `${entry.kind} ${entry.author.slice(0, 6)} #${entry.seq}: ${events.join("; ") || "beats"}`;
}
