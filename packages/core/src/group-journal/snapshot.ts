// The whole state as plain JSON and back. Everything that the fold reads is in it: a reader that starts from a snapshot
// and one that read every entry must not differ. Members are written once and referred to by number.
import { array, isText, natural, offsetOf, partitionKeyOf, type Plain, plainObject, text } from "./plain.ts";
import { type CommitState, emptyState, type GroupState, type MemberState, type TombKind } from "./state.ts";

const TOMB_KINDS: readonly TombKind[] = ["left", "expired", "replaced", "gap"];

/** Canonical: equal states give equal JSON. */
export function encodeState(state: GroupState): unknown {
	const ids = [...state.members.keys()].sort();
	const numberOf = new Map(ids.map((id, i) => [id, i]));
	return {
		i: state.index,
		c: state.chain,
		b: state.total,
		e: state.era,
		l: state.lostAt,
		ep: state.epoch,
		pl: state.planned,
		h: state.horizon,
		ask: state.asked,
		m: ids.map((id) => plainMember(id, state.members.get(id))),
		t: sorted(state.topics),
		g: sorted(state.target).map(([partition, id]) => [partition, numberOf.get(id)]),
		o: sorted(state.owner).map(([partition, { member, fence }]) => [partition, numberOf.get(member), fence]),
		n: sorted(state.offsets).map(([partition, commit]) => plainOffset(partition, commit)),
		x: sorted(state.barred).map(([partition, members]) => [partition, [...members].sort().map((id) => numberOf.get(id))]),
		// In the order of burial, which decides what is forgotten first.
		d: [...state.tombs].map(([id, tomb]) => [id, tomb.index, TOMB_KINDS.indexOf(tomb.kind)]),
		s: [
			state.snapshot.index,
			state.snapshot.total,
			state.snapshot.bytes,
			state.snapshot.asOf?.toString() ?? null,
			state.snapshot.previous?.toString() ?? null,
		],
	};
}

/** `undefined` if anything in it is not what `encodeState` writes. */
export function decodeState(json: unknown): GroupState | undefined {
	const plain = plainObject(json);
	const state = plain && decodeCounters(plain);
	if (!plain || !state) return undefined;
	const ids: string[] = [];
	const complete =
		array(plain["m"]).every((item) => takeMember(state, ids, array(item))) &&
		array(plain["t"]).every((item) => takeTopic(state, array(item))) &&
		array(plain["g"]).every((item) => takeTarget(state, ids, array(item))) &&
		array(plain["o"]).every((item) => takeOwner(state, ids, array(item))) &&
		array(plain["n"]).every((item) => takeOffset(state, array(item))) &&
		array(plain["x"]).every((item) => takeBarred(state, ids, array(item))) &&
		array(plain["d"]).every((item) => takeTomb(state, array(item)));
	return complete ? state : undefined;
}

/** For comparing states, in tests and alarms. */
export function dumpState(state: GroupState): string {
	return JSON.stringify(encodeState(state));
}

function sorted<V>(map: ReadonlyMap<string, V>): [string, V][] {
	return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function plainMember(id: string, member: MemberState | undefined): unknown[] {
	if (!member) return [];
	const { clientId, instanceId, topics, sessionTimeoutMs, version, join, last, seq, wall } = member;
	return [id, clientId, instanceId ?? null, topics, sessionTimeoutMs, version, join, last, seq, wall];
}

function plainOffset(partition: string, { offset, index, last }: CommitState): unknown[] {
	return last ? [partition, offset.toString(), index, last.offset.toString(), last.digest] : [partition, offset.toString(), index];
}

function decodeCounters(plain: Plain): GroupState | undefined {
	const [snapIndex, snapTotal, snapBytes, asOf, previous] = array(plain["s"]);
	const numbers = ["i", "c", "b", "e", "l", "ep", "pl", "h"].map((name) => natural(plain[name]));
	const [index, chain, total, era, lostAt, epoch, planned, horizon] = [...numbers].filter((value) => value !== undefined);
	if (numbers.includes(undefined) || horizon === undefined) return undefined;
	return {
		...emptyState(),
		index: index ?? 0,
		chain: chain ?? 0,
		total: total ?? 0,
		era: era ?? 0,
		lostAt: lostAt ?? 0,
		epoch: epoch ?? 0,
		planned: planned ?? 0,
		horizon,
		asked: plain["ask"] === true,
		snapshot: {
			index: natural(snapIndex) ?? 0,
			total: natural(snapTotal) ?? 0,
			bytes: natural(snapBytes) ?? 0,
			asOf: offsetOf(asOf),
			previous: offsetOf(previous),
		},
	};
}

function takeMember(state: GroupState, ids: string[], json: readonly unknown[]): boolean {
	const [id, clientId, instanceId, topics, ...rest] = json;
	const [sessionTimeoutMs, version, join, last, seq, wall] = rest.map(natural);
	if (!isText(id) || !isText(clientId) || !sessionTimeoutMs || !version || !array(topics).every(isText)) return false;
	if (join === undefined || last === undefined || seq === undefined || wall === undefined) return false;
	ids.push(id);
	const names = array(topics).filter(isText);
	state.members.set(id, { clientId, instanceId: text(instanceId), topics: names, sessionTimeoutMs, version, join, last, seq, wall });
	return true;
}

function takeTopic(state: GroupState, [topic, count]: readonly unknown[]): boolean {
	const partitions = natural(count);
	if (!isText(topic) || partitions === undefined) return false;
	state.topics.set(topic, partitions);
	return true;
}

function takeTarget(state: GroupState, ids: readonly string[], [key, number]: readonly unknown[]): boolean {
	const partition = partitionKeyOf(key);
	const id = ids[natural(number) ?? ids.length];
	if (partition === undefined || id === undefined) return false;
	state.target.set(partition, id);
	return true;
}

function takeOwner(state: GroupState, ids: readonly string[], [key, number, at]: readonly unknown[]): boolean {
	const partition = partitionKeyOf(key);
	const member = ids[natural(number) ?? ids.length];
	const fence = natural(at);
	if (partition === undefined || member === undefined || fence === undefined) return false;
	state.owner.set(partition, { member, fence });
	return true;
}

function takeOffset(state: GroupState, [key, next, at, lastOffset, digest]: readonly unknown[]): boolean {
	const partition = partitionKeyOf(key);
	const offset = offsetOf(next);
	const index = natural(at);
	if (partition === undefined || offset === undefined || index === undefined) return false;
	const processed = offsetOf(lastOffset);
	state.offsets.set(partition, {
		offset,
		index,
		last: processed !== undefined && isText(digest) ? { offset: processed, digest } : undefined,
	});
	return true;
}

function takeBarred(state: GroupState, ids: readonly string[], [key, numbers]: readonly unknown[]): boolean {
	const partition = partitionKeyOf(key);
	const members = array(numbers).map((number) => ids[natural(number) ?? ids.length]);
	if (partition === undefined || members.includes(undefined)) return false;
	state.barred.set(partition, new Set(members.filter((id) => id !== undefined)));
	return true;
}

function takeTomb(state: GroupState, [id, at, number]: readonly unknown[]): boolean {
	const index = natural(at);
	const kind = TOMB_KINDS[natural(number) ?? TOMB_KINDS.length];
	if (!isText(id) || index === undefined || kind === undefined) return false;
	state.tombs.set(id, { index, kind });
	return true;
}
