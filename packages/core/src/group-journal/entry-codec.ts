// The bytes of entries: JSON with short keys, partitions as `topic/index`, offsets as decimal strings. Decoding is total:
// whatever it cannot read is `undefined` and changes nothing but the index.
import type { CommitItem, Entry, GroupEvent, Held, JoinEvent, MemberEntry, ResetEvent, SnapshotEntry } from "./entry.ts";
import { array, isText, natural, offsetOf, type Plain, parse, partitionKeyOf, plainObject, text } from "./plain.ts";
import { decodeState, encodeState } from "./snapshot.ts";
import type { PartitionKey } from "./state.ts";
import { PARTITIONS_MAX, PROTOCOL_VERSION } from "./timing.ts";

/** Beyond any clock in milliseconds: one mad era must not use up those to come. */
const ERA_MAX = 2 ** 50;

export function encodeEntry(entry: Entry): Uint8Array {
	return Buffer.from(JSON.stringify(plainEntry(entry)));
}

/** Never throws. */
export function decodeEntry(bytes: Uint8Array): Entry | undefined {
	const json = plainObject(parse(bytes));
	if (!json || natural(json["v"]) === undefined) return undefined;
	if (isText(json["ask"])) return { kind: "ask", nonce: json["ask"] };
	if (isText(json["mark"])) return { kind: "mark", nonce: json["mark"] };
	if (isText(json["adm"])) return { kind: "admin", nonce: json["adm"], events: decodeEvents(json["e"]) };
	return isText(json["snap"]) ? decodeSnapshot(json["snap"], json) : decodeMember(json);
}

function plainEntry(entry: Entry): unknown {
	const v = PROTOCOL_VERSION;
	switch (entry.kind) {
		case "member":
			return { v, m: entry.member, q: entry.seq, at: entry.at, c: entry.chain, t: entry.wall, e: entry.events.map(plainEvent) };
		case "admin":
			return { v, adm: entry.nonce, e: entry.events.map(plainEvent) };
		case "snapshot":
			return { v, snap: entry.nonce, p: entry.asOf.toString(), d: entry.digest, s: encodeState(entry.state) };
		case "ask":
			return { v, ask: entry.nonce };
		case "mark":
			return { v, mark: entry.nonce };
	}
}

function plainEvent(event: GroupEvent): unknown[] {
	switch (event.type) {
		case "join":
			return [
				"j",
				event.topics,
				event.sessionTimeoutMs,
				event.version,
				event.era,
				event.clientId,
				event.instanceId ?? null,
				event.previous ?? null,
				event.barred,
			];
		case "leave":
			return ["l"];
		case "commit":
			return ["c", event.items.map(plainCommit)];
		case "release":
			return ["r", event.items.map((item) => [item.partition, item.fence])];
		case "abandon":
			return ["a", event.items.map((item) => [item.partition, item.fence])];
		case "returned":
			return ["b", event.partitions];
		case "expire":
			return ["x", event.member, event.last];
		case "topics":
			return ["t", event.counts];
		case "plan":
			return ["p", event.epoch, groupByMember(event.assigned)];
		case "era":
			return ["e", event.seen, event.to, event.lost ? 1 : 0];
		case "reset":
			return ["s", event.partition, event.offset.toString(), event.ifIndex, event.ifFence];
	}
}

function plainCommit(item: CommitItem): unknown[] {
	const plain: unknown[] = [item.partition, item.fence, item.offset.toString()];
	if (item.last || item.rewind) plain.push(item.last?.offset.toString() ?? null, item.last?.digest ?? null);
	if (item.rewind) plain.push(1);
	return plain;
}

function groupByMember(assigned: readonly (readonly [PartitionKey, string])[]): [string, PartitionKey[]][] {
	const byMember = new Map<string, PartitionKey[]>();
	for (const [partition, member] of assigned) {
		const list = byMember.get(member);
		if (list) list.push(partition);
		else byMember.set(member, [partition]);
	}
	return [...byMember];
}

function decodeMember(json: Plain): MemberEntry | undefined {
	const member = text(json["m"]);
	const seq = natural(json["q"]);
	const at = natural(json["at"]);
	const chain = natural(json["c"]);
	const wall = natural(json["t"]);
	if (member === undefined || !seq || at === undefined || chain === undefined || wall === undefined || !Array.isArray(json["e"]))
		return undefined;
	return { kind: "member", member, seq, at, chain, wall, events: decodeEvents(json["e"]) };
}

function decodeSnapshot(nonce: string, json: Plain): SnapshotEntry | undefined {
	const asOf = offsetOf(json["p"]);
	const digest = natural(json["d"]);
	const state = decodeState(json["s"]);
	return asOf === undefined || digest === undefined || !state ? undefined : { kind: "snapshot", nonce, asOf, digest, state };
}

function decodeEvents(json: unknown): GroupEvent[] {
	return array(json)
		.map((event) => decodeEvent(array(event)))
		.filter((event) => event !== undefined);
}

function decodeEvent([type, a, b, c, d, ...rest]: readonly unknown[]): GroupEvent | undefined {
	switch (type) {
		case "j":
			return decodeJoin([a, b, c, d, ...rest]);
		case "l":
			return { type: "leave" };
		case "c":
			return { type: "commit", items: collect(a, decodeCommit) };
		case "r":
			return { type: "release", items: collect(a, decodeHeld) };
		case "a":
			return { type: "abandon", items: collect(a, decodeHeld) };
		case "b":
			return { type: "returned", partitions: collect(a, partitionKeyOf) };
		case "x":
			return withBoth(text(a), natural(b), (member, last) => ({ type: "expire", member, last }));
		case "t":
			return { type: "topics", counts: collect(a, decodeCount) };
		case "p":
			return withBoth(natural(a), decodePlan(b), (epoch, assigned) => ({ type: "plan", epoch, assigned }));
		case "e":
			return withBoth(natural(a), natural(b), (seen, to) => (to > ERA_MAX ? undefined : { type: "era", seen, to, lost: c === 1 }));
		case "s":
			return decodeReset(a, b, c, d);
		default:
			return undefined;
	}
}

function decodeJoin(json: readonly unknown[]): JoinEvent | undefined {
	const [topics, timeout, version, era, clientId, instanceId, previous, barred] = json;
	const sessionTimeoutMs = natural(timeout);
	const wants = natural(version);
	const began = natural(era);
	const names = array(topics).filter(isText);
	if (!sessionTimeoutMs || !wants || began === undefined || began > ERA_MAX || !isText(clientId) || names.length !== array(topics).length)
		return undefined;
	return {
		type: "join",
		topics: [...new Set(names)],
		sessionTimeoutMs,
		version: wants,
		era: began,
		clientId,
		instanceId: text(instanceId),
		previous: text(previous),
		barred: collect(barred, partitionKeyOf),
	};
}

function decodeCommit(json: unknown): CommitItem | undefined {
	const [key, at, next, lastOffset, digest, rewind] = array(json);
	const partition = partitionKeyOf(key);
	const fence = natural(at);
	const offset = offsetOf(next);
	if (partition === undefined || fence === undefined || offset === undefined) return undefined;
	const processed = offsetOf(lastOffset);
	const last = processed !== undefined && isText(digest) ? { offset: processed, digest } : undefined;
	return { partition, fence, offset, last, rewind: rewind === 1 };
}

function decodeHeld(json: unknown): Held | undefined {
	const [key, at] = array(json);
	return withBoth(partitionKeyOf(key), natural(at), (partition, fence) => ({ partition, fence }));
}

function decodeCount(json: unknown): [string, number] | undefined {
	const [name, count] = array(json);
	return withBoth(text(name), natural(count), (topic, partitions) => (partitions > PARTITIONS_MAX ? undefined : [topic, partitions]));
}

/** `undefined` as a whole if any part of it is malformed: half a plan would strand partitions. */
function decodePlan(json: unknown): [PartitionKey, string][] | undefined {
	const assigned: [PartitionKey, string][] = [];
	for (const share of array(json)) {
		const [member, partitions] = array(share);
		for (const key of array(partitions)) {
			const partition = partitionKeyOf(key);
			if (partition === undefined || !isText(member)) return undefined;
			assigned.push([partition, member]);
		}
	}
	return assigned;
}

function decodeReset(key: unknown, next: unknown, seen: unknown, held: unknown): ResetEvent | undefined {
	const partition = partitionKeyOf(key);
	const offset = offsetOf(next);
	const ifIndex = natural(seen);
	const ifFence = natural(held);
	if (partition === undefined || offset === undefined || ifIndex === undefined || ifFence === undefined) return undefined;
	return { type: "reset", partition, offset, ifIndex, ifFence };
}

function collect<T>(json: unknown, decode: (item: unknown) => T | undefined): T[] {
	return array(json)
		.map(decode)
		.filter((item): item is T & {} => item !== undefined);
}

function withBoth<A, B, R>(a: A | undefined, b: B | undefined, make: (a: A, b: B) => R): R | undefined {
	return a === undefined || b === undefined ? undefined : make(a, b);
}
