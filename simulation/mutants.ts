// Ways to break the protocol and the delivery above it. Each replaces one expression of core's source; the simulator must
// find it, by the name of the invariant it breaks.
import type { SourceMutation } from "../scripts/source-mutation.ts";

export interface Mutant extends SourceMutation {
	readonly name: string;
	/** Any of these. */
	readonly breaks: readonly string[];
	/** Where it shows soonest; without one, in random plans. */
	readonly scenario?: string;
}

const JOURNAL = "packages/core/src/group-journal";
const GROUP = "packages/core/src/consumer-group";

export const MUTANTS: readonly Mutant[] = [
	{
		name: "no tombstones: a late copy of a dead member's join brings it back",
		file: `${JOURNAL}/fold.ts`,
		find: " || state.tombs.has(entry.member)",
		replace: "",
		breaks: ["ghost-join"],
		scenario: "late-copies",
	},
	{
		name: "no sequence numbers: a copy of an entry counts again",
		file: `${JOURNAL}/fold.ts`,
		find: "if (entry.seq <= member.seq) return false;",
		replace: "",
		breaks: ["dup-effect"],
		scenario: "late-copies",
	},
	{
		name: "a reset compares nothing: a copy of it resets again",
		file: `${JOURNAL}/fold.ts`,
		find: "(owner?.fence ?? 0) !== ifFence || ",
		replace: "",
		breaks: ["reset-dup"],
		scenario: "resets-of-a-busy-group",
	},
	{
		name: "a commit compares no fence",
		file: `${JOURNAL}/fold.ts`,
		find: "owner.member === author && owner.fence === item.fence && owner.fence !== state.index",
		replace: "owner.member === author",
		breaks: ["commit-fence"],
		scenario: "resets-of-a-busy-group",
	},
	{
		name: "an expiry compares nothing: who has spoken meanwhile is expired all the same",
		file: `${JOURNAL}/fold.ts`,
		find: "state.members.get(accused)?.last === last",
		replace: "state.members.has(accused)",
		breaks: ["expire-stale"],
		scenario: "back-in-the-nick-of-time",
	},
	{
		name: "a plan compares no epoch",
		file: `${JOURNAL}/fold.ts`,
		find: "if (epoch !== state.epoch || ",
		replace: "if (",
		breaks: ["plan-stale"],
		scenario: "joins-under-a-plan",
	},
	{
		name: "a plan takes partitions from living owners at once",
		file: `${JOURNAL}/fold.ts`,
		find: "for (const partition of state.target.keys()) settle(state, partition);",
		replace: "for (const [partition, member] of state.target) giveTo(state, partition, member);",
		breaks: ["stolen"],
	},
	{
		name: "a member that is gone keeps what it owned",
		file: `${JOURNAL}/ownership.ts`,
		find: "if (owner.member !== member) continue;",
		replace: "if (owner.fence > 0) continue;",
		breaks: ["dead-owner"],
	},
	{
		name: "the log is cut off up to its end, not before the older of two snapshots",
		file: `${JOURNAL}/side-duties.ts`,
		find: "this.#log.truncateBefore(snapshot.previous, this.#end)",
		replace: "this.#log.truncateBefore(this.#follower.cursor?.position ?? 0n, this.#end)",
		breaks: ["unbootable"],
		scenario: "short-journals",
	},
	{
		name: "a snapshot leaves the tombstones out",
		file: `${JOURNAL}/snapshot.ts`,
		find: "d: [...state.tombs].map(([id, tomb]) => [id, tomb.index, TOMB_KINDS.indexOf(tomb.kind)]),",
		replace: "d: [],",
		breaks: ["diverged"],
		scenario: "short-journals",
	},
	{
		name: "a snapshot leaves the last entry of each member out",
		file: `${JOURNAL}/snapshot.ts`,
		find: "return [id, clientId, instanceId ?? null, topics, sessionTimeoutMs, version, join, last, seq, wall];",
		replace: "return [id, clientId, instanceId ?? null, topics, sessionTimeoutMs, version, join, last, 1, wall];",
		breaks: ["diverged"],
		scenario: "short-journals",
	},
	{
		name: "no lease: a member works on without proof that it still is one",
		file: `${JOURNAL}/session.ts`,
		find: "return incarnation.lease.holds(instant(this.#context.clock));",
		replace: "return true;",
		breaks: ["dispatch-after-expired"],
		scenario: "silent-links",
	},
	{
		name: "the lease counts from the reading back, not from the first sending",
		file: `${JOURNAL}/incarnation.ts`,
		find: "this.lease.renew(outgoing.sent);",
		replace:
			"const late = (outgoing.readBackAt ?? 0) - outgoing.sent.now; this.lease.renew({ now: outgoing.sent.now + late, wall: outgoing.sent.wall + late });",
		breaks: ["dispatch-after-expired"],
		scenario: "pauses",
	},
	{
		name: "silence counts during an outage",
		file: `${JOURNAL}/watch.ts`,
		find: "if (slow || apart) this.#floor = now;",
		replace: "if (slow && apart) this.#floor = this.#floor;",
		breaks: ["false-expiry"],
		scenario: "outages",
	},
	{
		name: "a member beats only once in two of its sessions",
		file: `${JOURNAL}/incarnation.ts`,
		find: "return Math.min(this.#request.heartbeatMs, shortestTimeout(state) / 3);",
		replace: "return 2 * Math.max(this.#request.sessionTimeoutMs, shortestTimeout(state));",
		breaks: ["false-expiry"],
		scenario: "mixed-sessions",
	},
	{
		name: "a partition is released before its handlers are done",
		file: `${JOURNAL}/session.ts`,
		find: "await this.#listener.revoked([holding.partition]);",
		replace: "void this.#listener.revoked([holding.partition]);",
		breaks: ["overlap-after-released", "repeated-after-clean"],
		scenario: "slow-handlers-and-joins",
	},
	{
		name: "a member that closes past its deadline says good-bye all the same",
		file: `${JOURNAL}/session.ts`,
		find: "if (options.drained && incarnation && ",
		replace: "if (incarnation && ",
		breaks: ["overlap-after-left"],
		scenario: "closing-past-the-deadline",
	},
	{
		name: "a snapshot is used by readers that have not read the entry it was taken at",
		file: `${JOURNAL}/follower.ts`,
		find: "if (!anchor || entryDigest(anchor.bytes) !== snapshot.digest) return;",
		replace: "",
		breaks: ["diverged", "unhandled-rejection", "member-failed"],
		scenario: "short-journals",
	},
	{
		name: "nothing is proven on a new connection",
		file: `${JOURNAL}/proof.ts`,
		find: "if (proofs.length > 0 && !(await log.prove(proofs, connection, signal))) return false;",
		replace: "",
		breaks: ["commit-unhandled"],
		scenario: "fail-overs-that-lose-records",
	},
	{
		name: "commits run ahead of what is handled",
		file: `${GROUP}/offset-tracker.ts`,
		find: "while (this.#head < this.#held.length && (this.#held[this.#head] as Held).done) {",
		replace: "while (this.#head < this.#held.length) {",
		breaks: ["commit-unhandled"],
	},
	{
		name: "handlers of one partition are not waited for",
		file: `${GROUP}/serial-worker.ts`,
		find: "if (pending) await pending;",
		replace: "void pending;",
		breaks: ["overlap-in-process"],
	},
	{
		name: "a repeated append gets another number",
		file: "packages/core/src/producer/partition-queue.ts",
		find: "sequence: run[0]?.sequence ?? 0 };",
		replace: "sequence: (run[0]?.sequence ?? 0) + 1000 * ++this.#flying };",
		breaks: ["producer-duplicate", "ack-lied", "lost-write", "unprocessed"],
	},
];
