// Every duration, size and limit of the protocol, in one place: tests and simulators pass their own.

export interface JournalTiming {
	/** Share of the session timeout for which a member trusts its last proof of life. */
	readonly leaseShare: number;
	/** Accusers wait longer by this share of the timeout per rank, so that one of them speaks first. */
	readonly accuseStagger: number;
	readonly accuseRanks: number;
	/** At most one extra beat per this time, to judge a silent member on fresh evidence. */
	readonly probeMs: number;
	/** Quiet time before a plan: after joins, while nothing is owned yet, after a leave or expiry. */
	readonly debounceMs: number;
	readonly debounceFirstMs: number;
	readonly debounceUrgentMs: number;
	/** A plan waits no longer than this for quiet. */
	readonly debounceMaxMs: number;
	/** A member of rank r plans after r times this, in case those before it cannot. */
	readonly planFallbackMs: number;
	/** An append without a sign of success is repeated after this (a fifth after an error, four times after a confirm). */
	readonly retryMs: number;
	readonly retryMaxMs: number;
	readonly metadataMs: number;
	/** A snapshot is due after max(this, `snapshotGrowth` times the last one's size). */
	readonly snapshotBytes: number;
	readonly snapshotGrowth: number;
	readonly snapshotRetryMs: number;
	/** How long one read of the journal waits for entries. */
	readonly readWaitMs: number;
	/** A reader that finds no usable snapshot asks for one, this often, and gives up after this long. */
	readonly askMs: number;
	readonly bootPatienceMs: number;
	/** Wall clock ahead of the monotonic one by this: the machine was suspended. */
	readonly suspendMs: number;
	/** A reader kept for `describe` is closed when nobody asked for this long. */
	readonly observerIdleMs: number;
}

export const DEFAULT_TIMING: JournalTiming = {
	leaseShare: 0.8,
	accuseStagger: 0.1,
	accuseRanks: 5,
	probeMs: 250,
	debounceMs: 300,
	debounceFirstMs: 100,
	debounceUrgentMs: 60,
	debounceMaxMs: 3000,
	planFallbackMs: 2000,
	retryMs: 1000,
	retryMaxMs: 5000,
	metadataMs: 10_000,
	snapshotBytes: 1 << 20,
	snapshotGrowth: 4,
	snapshotRetryMs: 500,
	readWaitMs: 1000,
	askMs: 2000,
	bootPatienceMs: 30_000,
	suspendMs: 1000,
	observerIdleMs: 30_000,
};

/** No pause between two tries is longer: after an outage the member must speak before its session is over. */
export function longestPause({ retryMs, retryMaxMs }: JournalTiming, sessionTimeoutMs: number): number {
	return Math.max(retryMs, Math.min(retryMaxMs, sessionTimeoutMs / 3));
}

/** Limits inside the fold. They are part of the protocol: members that differ in one diverge. */
export const TOMBSTONES = 1024;
export const CHAIN_RING = 4096;
export const PARTITIONS_MAX = 100_000;

/** The version of the fold this code runs. Told in every join; the group runs at the lowest of its members. */
export const PROTOCOL_VERSION = 1;
