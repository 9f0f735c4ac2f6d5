// Judges every entry of the journal at the moment it is stored: what the fold makes of it must be what the rules allow.
// The rules are written here a second time, from what was before and after, and from the entry's own bytes.
import { applyEntry, decodeEntry, emptyState, fenceOf, type GroupState } from "@polylog/core/testing";
import { AbandonRules } from "./abandon-rules.ts";
import { type Before, snapshotOf } from "./before.ts";
import { type OffsetFacts, OffsetRules } from "./offset-rules.ts";
import { type EndKind, OwnershipHistory } from "./ownership-history.ts";
import { meaningOf } from "./state-digest.ts";
import type { Verdicts } from "./verdicts.ts";
import { has, itemsOf, readWire, type WireEntry } from "./wire-entry.ts";

/** Readers are compared at every such index: comparing costs more than everything else. */
const COMPARE_EVERY = 4;

interface Stored {
	readonly bytes: Uint8Array;
	readonly position: bigint;
	readonly wire: WireEntry;
}

export interface JournalFacts extends OffsetFacts {
	now(): number;
	/** Why this member must not have been expired, if so. */
	healthy(member: string, clientId: string, sessionTimeoutMs: number): string | undefined;
	/** The end of a partition's log. */
	endOf(partition: string): bigint;
}

export class JournalOracle {
	readonly history: OwnershipHistory;
	readonly #offsets: OffsetRules;
	readonly #abandoned: AbandonRules;
	readonly #verdicts: Verdicts;
	readonly #facts: JournalFacts;
	readonly #entries: Stored[] = [];
	readonly clients = new Map<string, string>();
	#state = emptyState();
	#dead = new Set<string>();
	#seen = new Set<string>();
	#chains: number[] = [];
	readonly #digests = new Map<number, string>();
	readonly #fences = new Map<string, bigint>();
	#truncatedBefore = 0n;
	#cuts = 0;

	constructor(verdicts: Verdicts, facts: JournalFacts) {
		this.#verdicts = verdicts;
		this.#facts = facts;
		this.history = new OwnershipHistory((partition) => facts.endOf(partition));
		this.#offsets = new OffsetRules(verdicts, this.history, facts);
		this.#abandoned = new AbandonRules(verdicts);
	}

	get state(): GroupState {
		return this.#state;
	}

	/** How often the log lost its tail. */
	get cuts(): number {
		return this.#cuts;
	}

	get entries(): number {
		return this.#entries.length;
	}

	appended(bytes: Uint8Array, position: bigint): WireEntry {
		const stored = { bytes, position, wire: readWire(bytes) };
		this.#entries.push(stored);
		this.#take(stored, true);
		return stored.wire;
	}

	/** The log lost its last entries: what they did never was. */
	cut(entries: number): void {
		if (entries === 0) return;
		this.#cuts++;
		const lost = this.#entries.splice(Math.max(0, this.#entries.length - entries));
		if (this.#entries.length === 0) this.#truncatedBefore = 0n;
		this.#state = emptyState();
		this.#dead = new Set();
		this.#seen = new Set();
		this.#offsets.cut(lost.map(({ wire }) => wire));
		this.#abandoned.forget();
		this.#chains = [];
		this.#digests.clear();
		for (const stored of this.#entries) this.#take(stored, false);
		this.history.follow(this.#state, this.#facts.now(), () => "cut");
	}

	/** A log without its beginning must explain itself: a snapshot, and the entry it was taken at. */
	truncated(position: bigint): void {
		if (position > this.#truncatedBefore) this.#truncatedBefore = position;
		const retained = this.#entries.filter((entry) => entry.position >= this.#truncatedBefore);
		const positions = new Set(retained.map((entry) => entry.position));
		if (!retained.some(({ wire }) => wire.asOf !== undefined && positions.has(wire.asOf)))
			this.#verdicts.report("unbootable", `entries before ${position} were removed, and no snapshot is left that a reader can use`);
	}

	/** A reader took in an entry: at the same index, with the same chain, every state means the same. */
	compare(reader: string, state: GroupState): void {
		const chain = this.#chains[state.index];
		if (chain !== state.chain) {
			if (this.#cuts === 0) this.#verdicts.report("diverged", `${reader} read another journal up to entry ${state.index}`);
			return;
		}
		const digest = this.#digests.get(state.index);
		if (digest !== undefined && digest !== meaningOf(state))
			this.#verdicts.report(
				"diverged",
				`at entry ${state.index} the state of ${reader} is another:\n${difference(digest, meaningOf(state))}`,
			);
	}

	#take({ bytes, position, wire }: Stored, judge: boolean): void {
		const before = judge ? snapshotOf(this.#state) : undefined;
		const meaning = judge && wire.kind === "member" && this.#seen.has(`${wire.author} ${wire.seq}`) ? meaningOf(this.#state) : undefined;
		applyEntry(this.#state, decodeEntry(bytes), bytes);
		const state = this.#state;
		this.#chains[state.index] = state.chain;
		if (state.index % COMPARE_EVERY === 0) this.#digests.set(state.index, meaningOf(state));
		if (wire.kind === "member") {
			const client = wire.events.find(([type]) => type === "j")?.[5];
			if (typeof client === "string") this.clients.set(wire.author, client);
		}
		if (before) {
			this.#judgeMembers(before, wire, meaning);
			this.#judgeOwners(before, wire);
			this.#judgePlans(before, wire);
			this.#offsets.judge(state, before, wire);
			this.#abandoned.judge(state, before, wire);
			if (wire.kind === "snapshot") this.#judgeSnapshot(bytes, position);
		}
		for (const id of before?.members.keys() ?? []) if (!state.members.has(id)) this.#dead.add(id);
		if (!before) for (const id of state.tombs.keys()) this.#dead.add(id);
		this.#seen.add(`${wire.author} ${wire.seq}`);
		if (judge) this.history.follow(state, this.#facts.now(), (partition, { member }) => this.#endOf(partition, member, wire));
	}

	#judgeMembers(before: Before, wire: WireEntry, meaning: string | undefined): void {
		const state = this.#state;
		for (const id of state.members.keys()) {
			if (before.members.has(id)) continue;
			if (this.#dead.has(id) || id !== wire.author) this.#verdicts.report("ghost-join", `member ${id} came back after its end`);
		}
		if (meaning !== undefined && meaning !== meaningOf(state))
			this.#verdicts.report(
				"dup-effect",
				`a copy of entry ${wire.seq} of ${wire.author} changed:\n${difference(meaning, meaningOf(state))}`,
			);
		for (const [id, last] of before.members) {
			if (state.members.has(id) || state.tombs.get(id)?.kind !== "expired") continue;
			const accusation = wire.events.find(([type, accused]) => type === "x" && accused === id);
			if (accusation?.[2] !== last)
				this.#verdicts.report(
					"expire-stale",
					`${id} was expired for being silent since entry ${String(accusation?.[2])}, but spoke in ${last}`,
				);
			// A join of its own that came late: the process lives, and this never was its member.
			if ([...before.members].some(([other, spoke]) => spoke > last && this.clients.get(other) === this.clients.get(id))) continue;
			const { sessionTimeoutMs = 0 } = this.#sessions.get(id) ?? {};
			const healthy = wire.kind === "member" ? this.#facts.healthy(id, this.clients.get(id) ?? "", sessionTimeoutMs) : undefined;
			if (healthy !== undefined) this.#verdicts.report("false-expiry", `${this.clients.get(id)} was expired, although ${healthy}`);
		}
		this.#judgeTwins();
		for (const [id, { sessionTimeoutMs }] of state.members) if (!this.#sessions.has(id)) this.#sessions.set(id, { sessionTimeoutMs });
	}

	/** Of two processes with one `instanceId` one counts. */
	#judgeTwins(): void {
		const holders = new Map<string, string>();
		for (const [id, { instanceId }] of this.#state.members) {
			if (instanceId === undefined) continue;
			const other = holders.get(instanceId);
			if (other !== undefined) this.#verdicts.report("twins", `${other} and ${id} are both members as ${instanceId}`);
			holders.set(instanceId, id);
		}
	}

	readonly #sessions = new Map<string, { readonly sessionTimeoutMs: number }>();

	#judgeOwners(before: Before, wire: WireEntry): void {
		const state = this.#state;
		for (const [partition, target] of state.target)
			if (!state.members.has(target)) this.#verdicts.report("dead-target", `${partition} is meant for ${target}, which is gone`);
		for (const [partition, owner] of state.owner) {
			if (!state.members.has(owner.member)) this.#verdicts.report("dead-owner", `${partition} is owned by ${owner.member}, which is gone`);
			const old = before.owner.get(partition);
			if (old?.member === owner.member && old.fence === owner.fence && before.era === state.era) continue;
			const fence = fenceOf(state, owner);
			const highest = this.#fences.get(partition) ?? 0n;
			// What nobody alive has read cannot be missed: after a cut a fence may come again.
			if (fence <= highest && this.#cuts === 0)
				this.#verdicts.report("fence-fell", `${partition} was granted under ${fence}, after ${highest}`);
			if (fence > highest) this.#fences.set(partition, fence);
			if (!old || old.member === owner.member || !state.members.has(old.member)) continue;
			if (
				!itemsOf(wire, "r")
					.concat(itemsOf(wire, "a"))
					.some(([given]) => given === partition) ||
				wire.author !== old.member
			)
				this.#verdicts.report("stolen", `${partition} went from ${old.member} to ${owner.member}, without being given up`);
		}
		for (const partition of state.target.keys())
			if (!state.owner.has(partition)) this.#verdicts.report("idle-target", `${partition} is free although a live member shall have it`);
	}

	#judgePlans(before: Before, wire: WireEntry): void {
		const state = this.#state;
		const plan = wire.events.find(([type]) => type === "p");
		if (!plan || wire.kind !== "member") return;
		const targets = [...state.target].some(([partition, member]) => before.target.get(partition) !== member);
		if (state.planned === before.planned && !targets) return;
		if (plan[1] !== state.epoch)
			this.#verdicts.report("plan-stale", `a plan for epoch ${String(plan[1])} was taken in epoch ${state.epoch}`);
		else if (before.planned === before.epoch && state.epoch === before.epoch)
			this.#verdicts.report("plan-twice", `epoch ${state.epoch} was planned a second time`);
	}

	/** What a snapshot says must be what the log up to there means. */
	#judgeSnapshot(bytes: Uint8Array, position: bigint): void {
		const entry = decodeEntry(bytes);
		if (entry?.kind !== "snapshot") return this.#verdicts.report("diverged", `the snapshot at ${position} cannot be read`);
		this.compare(`the snapshot at ${position}`, entry.state);
	}

	#endOf(partition: string, member: string, wire: WireEntry): EndKind {
		const kind = this.#state.tombs.get(member)?.kind;
		const gone = !this.#state.members.has(member);
		const gave = (type: string) => wire.author === member && itemsOf(wire, type).some(([given]) => given === partition);
		if (gave("r")) return "released";
		if (gave("a")) return "abandoned";
		if (gone && kind !== undefined) return kind;
		return has(wire, "s") || has(wire, "e") || has(wire, "j") ? "regranted" : "abandoned";
	}
}

function difference(a: string, b: string): string {
	const [one, other] = [new Set(a.split("\n")), new Set(b.split("\n"))];
	const only = (these: Set<string>, those: Set<string>) => [...these].filter((line) => !those.has(line));
	return [...only(one, other).map((line) => `- ${line}`), ...only(other, one).map((line) => `+ ${line}`)].join("\n");
}
