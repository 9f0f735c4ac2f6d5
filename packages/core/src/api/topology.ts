/**
 * Who feeds what and who reads it, as seen from the broker at one moment. Plain data: `JSON.stringify` keeps all of it
 * (what is unknown is left out), `topologyMermaid` draws it.
 */
export interface Topology {
	/** As `Broker.name`. */
	readonly backend: string;
	/** ISO 8601. */
	readonly at: string;
	readonly topics: readonly TopicNode[];
	readonly producerGroups: readonly Feed[];
	readonly consumerGroups: readonly Drain[];
}

export interface TopicNode {
	readonly topic: string;
	readonly partitions: number;
	/** Messages per second that arrived while the broker was watched. */
	readonly perSecond: number;
}

/**
 * A producer group that feeds a topic. Known by the headers of the last messages of each partition: a group that sent
 * nothing among them is not seen.
 */
export interface Feed {
	/** `null`: messages that were sent without a producer group, or by somebody else's client. */
	readonly group: string | null;
	readonly topic: string;
	/** Members that are seen in the last messages. */
	readonly members: readonly string[];
	/** The topic's rate, by the share of the group in the last messages of each partition. */
	readonly perSecond: number;
	/** ISO 8601, by the time in its latest message; left out where that is no time. */
	readonly lastSent?: string | undefined;
}

/** A consumer group that reads a topic: it has a member for it, or has committed in it. */
export interface Drain {
	readonly group: string;
	readonly topic: string;
	readonly members: number;
	/** Messages per second that were committed while the broker was watched. */
	readonly perSecond: number;
	/** Messages not yet processed: 0 exactly when drained, else an upper bound. Left out: unknown. */
	readonly lag?: number | undefined;
}

export interface TopologyOptions {
	/** Default: all topics of the broker. Those that do not exist are left out. */
	readonly topics?: readonly string[];
	/** For how long the broker is watched to see rates, in ms. Default 1000. */
	readonly watchMs?: number;
	/** How many of the last messages of each partition are read to find who sent them. Default 100. */
	readonly lastMessages?: number;
	/** Gives up waiting with ABORTED. */
	readonly signal?: AbortSignal;
}
