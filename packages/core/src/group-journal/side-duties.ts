// What a member does for the group outside its outbox, so that it never holds up a beat: snapshots, cutting off what lies
// before them, and the partition counts of everybody's topics.
import type { JournalLog } from "../driver/journal-log.ts";
import { entryDigest } from "./chain.ts";
import type { JournalContext } from "./context.ts";
import type { SnapshotEntry } from "./entry.ts";
import { encodeEntry } from "./entry-codec.ts";
import type { Follower } from "./follower.ts";
import type { Incarnation } from "./incarnation.ts";
import { partitionCounts } from "./partition-counts.ts";
import { rankOf } from "./state.ts";
import type { Trouble } from "./trouble.ts";

export class SideDuties {
	readonly #context: JournalContext;
	readonly #log: JournalLog;
	readonly #follower: Follower;
	readonly #trouble: Trouble;
	readonly #end: AbortSignal;
	readonly #onCounts: () => void;
	#counts: ReadonlyMap<string, number>;
	#metadataAt: number;
	#snapshot: string | undefined;

	constructor(
		context: JournalContext,
		log: JournalLog,
		follower: Follower,
		trouble: Trouble,
		session: { readonly end: AbortSignal; readonly counts: ReadonlyMap<string, number>; onCounts(): void },
	) {
		this.#context = context;
		this.#log = log;
		this.#follower = follower;
		this.#trouble = trouble;
		this.#end = session.end;
		this.#counts = session.counts;
		this.#onCounts = () => session.onCounts();
		this.#metadataAt = context.clock.now() + context.timing.metadataMs;
	}

	/** Partitions per topic, as last seen on the broker. */
	get counts(): ReadonlyMap<string, number> {
		return this.#counts;
	}

	/** Starts what is due; gives the time of what is due next. */
	run(incarnation: Incarnation, now: number): number {
		const { state } = this.#follower;
		if (now >= incarnation.snapshots.dueAt(state, incarnation.id)) void this.#takeSnapshot(incarnation, now);
		const leads = rankOf(state, incarnation.id) === 0;
		if (leads && now >= this.#metadataAt) {
			this.#metadataAt = now + this.#context.timing.metadataMs;
			void this.#pollTopics();
		}
		return Math.min(incarnation.snapshots.dueAt(state, incarnation.id), leads ? this.#metadataAt : Number.POSITIVE_INFINITY);
	}

	/** An own snapshot was read back and counts: entries before the older of two may go. */
	snapshotRead(entry: SnapshotEntry): void {
		const { snapshot } = this.#follower.state;
		if (entry.nonce !== this.#snapshot || snapshot.asOf !== entry.asOf || snapshot.previous === undefined) return;
		void this.#quietly(this.#log.truncateBefore(snapshot.previous, this.#end));
	}

	async #takeSnapshot(incarnation: Incarnation, now: number): Promise<void> {
		const { state, cursor } = this.#follower;
		incarnation.snapshots.sent(now);
		// Not before this member's place is proven on that connection.
		if (!cursor || incarnation.provenOn !== this.#log.connection) return;
		this.#snapshot = this.#context.random.hex(8);
		const bytes = encodeEntry({ kind: "snapshot", nonce: this.#snapshot, asOf: cursor.position, digest: entryDigest(cursor.bytes), state });
		await this.#quietly(this.#log.append(bytes, incarnation.provenOn, this.#end));
	}

	async #pollTopics(): Promise<void> {
		const topics = new Set([...this.#follower.state.members.values()].flatMap((member) => member.topics));
		const polled = await this.#quietly(partitionCounts(this.#context.topics, topics, this.#end));
		if (!polled) return;
		this.#counts = polled;
		this.#onCounts();
	}

	async #quietly<T>(work: Promise<T>): Promise<T | undefined> {
		try {
			return await work;
		} catch (error) {
			this.#trouble.warn(error);
			return undefined;
		}
	}
}
