// One member id from its join to its end: what it sends next and what its own read-back entries prove. No I/O; time comes in.
import type { JoinRequest } from "../driver/group-session.ts";
import type { Entry, GroupEvent, Held } from "./entry.ts";
import type { Cut } from "./history.ts";
import { type Holding, Holdings } from "./holdings.ts";
import { type Instant, Lease } from "./lease.ts";
import { type Letter, type Outgoing, Outbox } from "./outbox.ts";
import { fenced, fulfil, type PendingCommit, PendingCommits, refuse } from "./pending-commits.ts";
import { PlanDuty } from "./plan-duty.ts";
import { makePlan } from "./planner.ts";
import { SnapshotDuty } from "./snapshot-duty.ts";
import { type GroupState, type PartitionKey, shortestTimeout } from "./state.ts";
import { type JournalTiming, PROTOCOL_VERSION } from "./timing.ts";
import { Watch } from "./watch.ts";

export interface Introduction {
	readonly previous: string | undefined;
	/** The highest era ever seen. */
	readonly eraSeen: number;
	/** The journal was lost or cut back. */
	readonly cut: Cut | undefined;
	readonly barred: Iterable<PartitionKey>;
	readonly topics: ReadonlyMap<string, number>;
}

export class Incarnation {
	readonly id: string;
	readonly holdings = new Holdings();
	readonly pending = new PendingCommits();
	readonly outbox: Outbox;
	readonly lease: Lease;
	readonly snapshots: SnapshotDuty;
	readonly #plans: PlanDuty;
	readonly #watch: Watch;
	readonly #request: JoinRequest;
	readonly #timing: JournalTiming;
	/** Written by `read`: the own join came back accepted. */
	joined = false;
	/** Set by the session to have the next entry be the last. */
	leaving = false;
	/** The appending connection on which everything held was proven to exist. */
	provenOn: number;
	#abandoned: Holding[] = [];
	#returned = new Set<PartitionKey>();
	/** Accepted, but not yet known to be stored as safely as asked for. */
	#accepted: { readonly seq: number; readonly commit: PendingCommit }[] = [];
	#readBack: Outgoing | undefined;
	#probedAt = Number.NEGATIVE_INFINITY;

	constructor(id: string, request: JoinRequest, timing: JournalTiming, provenOn: number, now: number) {
		this.id = id;
		this.provenOn = provenOn;
		this.#request = request;
		this.#timing = timing;
		this.outbox = new Outbox(id, timing, request.sessionTimeoutMs);
		this.lease = new Lease(request.sessionTimeoutMs * timing.leaseShare, timing.suspendMs);
		this.snapshots = new SnapshotDuty(timing);
		this.#plans = new PlanDuty(timing, now);
		this.#watch = new Watch(timing, now);
	}

	/** Nothing waits for the journal. */
	get quiet(): boolean {
		return this.pending.size === 0 && this.#accepted.length === 0 && !this.outbox.current;
	}

	introduce(state: GroupState, at: Instant, intro: Introduction): Outgoing {
		const { topics, sessionTimeoutMs, clientId, instanceId } = this.#request;
		const era = Math.max(intro.eraSeen + 1, Math.trunc(at.wall));
		const events: GroupEvent[] = [
			{
				type: "join",
				topics: [...topics],
				sessionTimeoutMs,
				clientId,
				instanceId,
				era,
				version: PROTOCOL_VERSION,
				previous: intro.previous,
				barred: [...intro.barred],
			},
		];
		if (intro.cut) events.push({ type: "era", seen: intro.cut.era, to: era, lost: intro.cut.offsetsLost });
		if (intro.topics.size > 0) events.push({ type: "topics", counts: [...intro.topics] });
		this.observe(state, at.now);
		return this.outbox.write({ events, commits: [] }, { at: state.index, chain: state.chain }, at);
	}

	observe(state: GroupState, now: number): void {
		this.#plans.observe(state, now);
		this.snapshots.observe(state, now);
	}

	/** After each entry. Returns the own entry it brought back, with its accepted commits. */
	read(entry: Entry | undefined, state: GroupState, now: number): { outgoing: Outgoing; commits: PendingCommit[] } | undefined {
		this.observe(state, now);
		if (entry?.kind !== "member") return undefined;
		if (entry.member !== this.id) {
			if (state.members.get(entry.member)?.last === state.index) this.#watch.seen(entry.member, now);
			return undefined;
		}
		const outgoing = this.outbox.readBack(entry.seq, now);
		if (!outgoing) return undefined;
		const accepted = state.members.get(this.id)?.last === state.index || state.tombs.get(this.id)?.index === state.index;
		if (!accepted) {
			for (const commit of outgoing.commits) refuse(commit, fenced(commit.holding));
			return { outgoing, commits: [] };
		}
		this.joined = true;
		this.#readBack = outgoing;
		this.#watch.ownReadBack(outgoing.sent.now, now, shortestTimeout(state) / 3);
		const commits = outgoing.commits.filter((commit) => this.#judge(commit, state, outgoing.seq));
		this.#prove(outgoing);
		return { outgoing, commits };
	}

	/** The answer of an append of `outgoing`. */
	stored(outgoing: Outgoing, durable: boolean, now: number): void {
		outgoing.durable = durable || outgoing.durable === true;
		this.outbox.confirmed(outgoing, now);
		this.#prove(outgoing);
	}

	abandon(holding: Holding): void {
		holding.phase = "gone";
		this.#abandoned.push(holding);
	}

	returned(key: PartitionKey): void {
		this.#returned.add(key);
	}

	/** Everything that waits is refused; nothing is sent any more. */
	end(errorOf: (commit: PendingCommit) => unknown): Holding[] {
		this.pending.rejectAll(errorOf);
		for (const commit of this.outbox.current?.commits ?? []) refuse(commit, errorOf(commit));
		for (const { commit } of this.#accepted) refuse(commit, errorOf(commit));
		this.#accepted = [];
		return this.holdings.clear();
	}

	/** What to send now, if anything; CONFIG_INVALID from the assignor. */
	compose(state: GroupState, at: Instant, known: ReadonlyMap<string, number>): Letter | undefined {
		const verdict = this.lease.holds(at) ? this.#watch.judge(state, this.id, at.now) : undefined;
		const events = [...this.#giveUp(state), ...(verdict ? this.#duties(state, at.now, known, verdict.expire) : [])];
		const probe = verdict?.probe === true && at.now - this.#probedAt >= this.#timing.probeMs;
		if (events.length === 0 && this.pending.size === 0 && !this.leaving && !probe && at.now < this.#beatAt(state)) return undefined;
		if (probe) this.#probedAt = at.now;
		const commits = this.pending.take();
		if (commits.length > 0) events.unshift({ type: "commit", items: commits.map(({ item }) => item) });
		if (this.leaving) events.push({ type: "leave" });
		return { events, commits };
	}

	/** When `compose` may have something to say, if nothing happens before. */
	nextAt(state: GroupState, at: Instant, known: ReadonlyMap<string, number>): number {
		if (this.pending.size > 0 || this.leaving || this.#waiting()) return at.now;
		const beatAt = this.#beatAt(state);
		if (!this.lease.holds(at)) return beatAt;
		const verdict = this.#watch.judge(state, this.id, at.now);
		const judgeAt = verdict.probe ? this.#probedAt + this.#timing.probeMs : verdict.expire.length > 0 ? at.now : verdict.nextAt;
		const growth = grown(state, known).length > 0 ? at.now : Number.POSITIVE_INFINITY;
		return Math.min(beatAt, judgeAt, growth, this.#plans.dueAt(state, this.id));
	}

	#waiting(): boolean {
		return this.#abandoned.length > 0 || this.#returned.size > 0 || this.holdings.inPhase("drained").length > 0;
	}

	#beatEvery(state: GroupState): number {
		return Math.min(this.#request.heartbeatMs, shortestTimeout(state) / 3);
	}

	#beatAt(state: GroupState): number {
		if (!this.#readBack) return Number.NEGATIVE_INFINITY;
		const beat = this.#readBack.sent.now + this.#beatEvery(state);
		// Somebody waits for a proof that the answer of the last append did not bring.
		const proof = this.#accepted.length > 0 ? (this.#readBack.readBackAt ?? 0) + this.#timing.retryMs / 5 : Number.POSITIVE_INFINITY;
		return Math.min(beat, proof);
	}

	#giveUp(state: GroupState): GroupEvent[] {
		const events: GroupEvent[] = [];
		const drained = this.holdings.inPhase("drained");
		for (const holding of drained) holding.phase = "gone";
		if (drained.length > 0) events.push({ type: "release", items: drained.map(held) });
		if (this.#abandoned.length > 0) events.push({ type: "abandon", items: this.#abandoned.map(held) });
		const returned = [...this.#returned].filter(
			(key) => state.barred.get(key)?.has(this.id) === true || this.#abandoned.some((holding) => holding.key === key),
		);
		if (returned.length > 0) events.push({ type: "returned", partitions: returned });
		this.#abandoned = [];
		this.#returned.clear();
		return events;
	}

	#duties(
		state: GroupState,
		now: number,
		known: ReadonlyMap<string, number>,
		expire: readonly { member: string; last: number }[],
	): GroupEvent[] {
		// What an expiry frees is not known before it is read back: no plan beside it.
		if (expire.length > 0) return expire.map((accused) => ({ type: "expire", ...accused }));
		const counts = grown(state, known);
		const events: GroupEvent[] = counts.length > 0 ? [{ type: "topics", counts }] : [];
		if (this.leaving || this.#waiting() || now < this.#plans.dueAt(state, this.id)) return events;
		const topics = new Map([...state.topics, ...counts]);
		return [...events, makePlan(state, topics, state.epoch + events.length, this.#request.assignor)];
	}

	#judge(commit: PendingCommit, state: GroupState, seq: number): boolean {
		const { holding, item } = commit;
		const offset = state.offsets.get(holding.key);
		const owner = state.owner.get(holding.key);
		const counted = offset?.index === state.index;
		// Below what is committed already, under the same fence: covered.
		const covered = offset !== undefined && offset.offset >= item.offset && owner?.member === this.id && owner.fence === holding.granted;
		if (!counted && !covered) {
			refuse(commit, fenced(holding));
			return false;
		}
		if (counted) holding.last = item.last;
		this.#accepted.push({ seq, commit });
		return counted;
	}

	/** An entry that was read back and is stored safely proves life, and everything sent before it. */
	#prove(outgoing: Outgoing): void {
		if (outgoing.readBackAt === undefined || outgoing.durable !== true || !this.joined) return;
		this.lease.renew(outgoing.sent);
		for (const { seq, commit } of this.#accepted) if (seq <= outgoing.seq) fulfil(commit);
		this.#accepted = this.#accepted.filter(({ seq }) => seq > outgoing.seq);
	}
}

function held(holding: Holding): Held {
	return { partition: holding.key, fence: holding.granted };
}

/** Partition counts that the group does not know yet, of topics that somebody subscribes to. */
function grown(state: GroupState, known: ReadonlyMap<string, number>): [string, number][] {
	return [...known].filter(([topic, count]) => count > (state.topics.get(topic) ?? 0));
}
