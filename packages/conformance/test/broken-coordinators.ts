// The embedded driver with a coordinator that breaks one promise of groups each.
import {
	type Adapter,
	type Assignor,
	type Commit,
	type GroupCoordinator,
	type GroupSession,
	type Grant,
	isPolylogError,
	partitionKey,
	type SessionListener,
} from "@polylog/core/driver";
import { delegate, type Rejection } from "@polylog/conformance";
import { createJournalCoordinator, memoryAdapter } from "@polylog/core/testing";

interface Change {
	readonly coordinator?: (inner: GroupCoordinator) => Partial<GroupCoordinator>;
	readonly session?: (inner: GroupSession, group: string, coordinator: GroupCoordinator) => Partial<GroupSession>;
	readonly listener?: (inner: SessionListener) => Partial<SessionListener>;
	readonly assignor?: Assignor;
}

export interface BrokenCoordinator extends Change {
	readonly rejectedBy: readonly Rejection[];
}

/** The embedded driver, whose groups are coordinated "by the broker": by core's own coordinator, changed. */
export function withCoordinator(change: Change): Adapter {
	return {
		...memoryAdapter,
		create(target, context) {
			const driver = memoryAdapter.create(target, context);
			if (driver.groups.kind !== "journal") throw new Error("the embedded driver has journals");
			const inner = createJournalCoordinator({
				journals: driver.groups.journals,
				topics: driver.topics,
				clock: context.clock,
				random: context.random,
				log: context.log,
			});
			return { ...delegate(driver), groups: { kind: "native", coordinator: changed(inner, change) } };
		},
	};
}

function changed(inner: GroupCoordinator, { coordinator, session, listener, assignor }: Change): GroupCoordinator {
	return {
		describe: (...call) => inner.describe(...call),
		list: (...call) => inner.list(...call),
		reset: (...call) => inner.reset(...call),
		delete: (...call) => inner.delete(...call),
		async join(request, told, signal) {
			const joined = await inner.join({ ...request, assignor: assignor ?? request.assignor }, heard(told, listener), signal);
			const plain: GroupSession = {
				get memberId() {
					return joined.memberId;
				},
				mayDispatch: (...call) => joined.mayDispatch(...call),
				commit: (commit) => joined.commit(commit),
				abandon: (...call) => joined.abandon(...call),
				returned: (partition) => joined.returned(partition),
				leave: (options) => joined.leave(options),
				destroy: () => joined.destroy(),
			};
			return Object.assign(plain, session?.(joined, request.group, inner));
		},
		...coordinator?.(inner),
	};
}

function heard(told: SessionListener, listener: Change["listener"]): SessionListener {
	return {
		assigned: (grants) => told.assigned(grants),
		revoked: (partitions) => told.revoked(partitions),
		lost: (partitions, reason) => told.lost(partitions, reason),
		fatal: (error) => told.fatal(error),
		...listener?.(told),
	};
}

/** Gives everything to the member that joined last: balanced by nothing, and moving all. */
const newestTakesAll: Assignor = {
	name: "newest-takes-all",
	assign({ members, topics }) {
		const all = [...topics].flatMap(([topic, count]) => Array.from({ length: count }, (_, index) => ({ topic, index })));
		return new Map(members.map(({ id }, i) => [id, i === members.length - 1 ? all : []]));
	},
};

/** Balanced, and everybody's partitions change with the number of members. */
const rotating: Assignor = {
	name: "rotating",
	assign({ members, topics }) {
		const plan = new Map(members.map(({ id }) => [id, [] as { topic: string; index: number }[]]));
		for (const [topic, count] of topics) {
			for (let index = 0; index < count; index++)
				plan.get(members[(index + members.length) % members.length]?.id ?? "")?.push({ topic, index });
		}
		return plan;
	},
};

const withGrants =
	(change: (grant: Grant) => Grant): Change["listener"] =>
	(told) => ({ assigned: (grants) => told.assigned(grants.map(change)) });
const withCommit =
	(change: (commit: Commit) => Commit): Change["session"] =>
	(inner) => ({ commit: (commit) => inner.commit(change(commit)) });
const isFenced = (error: unknown) => isPolylogError(error, "FENCED");

export const BROKEN_COORDINATORS: Readonly<Record<string, BrokenCoordinator>> = {
	"says of a commit that it is durable, and forgets it": {
		session: () => ({ commit: async () => {} }),
		rejectedBy: [
			["commits.visible", /a fresh reader sees/],
			["commits.resume", /committed/],
		],
	},
	"commits one record ahead": {
		session: withCommit((commit) => ({ ...commit, offset: commit.offset + 1n })),
		rejectedBy: [
			["commits.only-what-was-handled", /./],
			["closing.handling", /./],
			["iterator.break", /commit-beyond-position at/],
			["batches.all-or-nothing", /commit-beyond-position at/],
		],
	},
	"knows no fences": {
		session: (inner) => ({
			commit: (commit) => inner.commit(commit).catch((error: unknown) => (isFenced(error) ? undefined : Promise.reject(error))),
			mayDispatch: () => true,
		}),
		listener: deafToLosses,
		rejectedBy: [
			["commits.fenced-by-reset", /resolved/],
			["reset.live", /./],
		],
	},
	"stops everybody while somebody joins": {
		...standstill(3000),
		rejectedBy: [["rebalance.join", /stood still/]],
	},
	"does not wait for onRevoked": {
		listener: (told) => ({
			async revoked(partitions) {
				told.revoked(partitions).catch(() => {});
			},
		}),
		rejectedBy: [["rebalance.revoke-before-assign", /./]],
	},
	"gives every owner the same fence": {
		...sameFence(),
		rejectedBy: [["rebalance.fence-rises", /fences/]],
	},
	"takes no commit backwards, not even after a seek": {
		session: withCommit((commit) => ({ ...commit, rewind: false })),
		rejectedBy: [["seek.persisted-by-commit", /./]],
	},
	"does not keep what recognizes a log made again": {
		session: withCommit((commit) => ({ ...commit, last: undefined })),
		rejectedBy: [["range.made-again", /./]],
	},
	"forgets where the group stands": {
		listener: withGrants((grant) => ({ ...grant, committed: undefined })),
		rejectedBy: [
			["commits.resume", /./],
			["groups.survive-without-members", /./],
		],
	},
	"leaves without a word": {
		session: (inner) => ({ leave: ({ signal }) => inner.leave(signal ? { drained: false, signal } : { drained: false }) }),
		rejectedBy: [
			["closing.idle", /./],
			["rebalance.leave", /the hand-over took/],
		],
	},
	"moves more partitions than it has to": {
		assignor: rotating,
		rejectedBy: [
			["rebalance.join", /./],
			["rebalance.leave", /./],
		],
	},
	"gives everything to one member": { assignor: newestTakesAll, rejectedBy: [["groups.share", /shared among/]] },
	"never takes a partition from a handler that hangs": {
		session: () => ({ abandon: () => {} }),
		rejectedBy: [["failure.handler-never-returns", /./]],
	},
	"makes a group by looking at it": {
		coordinator: (inner) => ({
			async describe(group, signal) {
				return (await inner.describe(group, signal)) ?? { group, generation: 0n, coordinator: "made up", members: [], committed: [] };
			},
		}),
		rejectedBy: [["groups.describe", /GROUP_NOT_FOUND/]],
	},
};

function sameFence(): Pick<Change, "session" | "listener"> {
	const fences = new Map<string, bigint>();
	const real = (commit: Commit): Commit => ({ ...commit, fence: fences.get(partitionKey(commit.partition)) ?? commit.fence });
	return {
		session: (inner) => ({
			commit: (commit) => inner.commit(real(commit)),
			mayDispatch: (partition, fence) => inner.mayDispatch(partition, fences.get(partitionKey(partition)) ?? fence),
		}),
		listener: withGrants((grant) => {
			fences.set(partitionKey(grant.partition), grant.fence);
			return { ...grant, fence: 1n };
		}),
	};
}

/** Hears what is given, once, and never that it is gone. */
function deafToLosses(told: SessionListener): Partial<SessionListener> {
	const known = new Set<string>();
	return {
		lost: () => {},
		assigned(grants) {
			const news = grants.filter(({ partition }) => !known.has(partitionKey(partition)));
			for (const { partition } of news) known.add(partitionKey(partition));
			if (news.length > 0) told.assigned(news);
		},
	};
}

function standstill(ms: number): Pick<Change, "session"> {
	let joined = 0;
	return {
		session(inner) {
			joined = Date.now();
			return { mayDispatch: (partition, fence) => Date.now() > joined + ms && inner.mayDispatch(partition, fence) };
		},
	};
}
