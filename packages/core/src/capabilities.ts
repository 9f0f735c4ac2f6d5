// What a broker can do, as data. The only reason for a test to be skipped, and checked at start-up.

/**
 * What an acknowledged record survives. Ordered: each class includes the ones before it.
 *
 * - `none`: nothing for sure; it lives in this process, or is acknowledged before it is written
 * - `process-crash`: kill -9 of the broker
 * - `host-crash`: power loss of the broker's host
 * - `quorum`: loss of a minority of the broker's nodes
 */
export const DURABILITY_CLASSES = ["none", "process-crash", "host-crash", "quorum"] as const;
export type DurabilityClass = (typeof DURABILITY_CLASSES)[number];

export interface Capabilities {
	/** See `DURABILITY_CLASSES`. */
	readonly durability: DurabilityClass;
	/** Members of one group may live in several processes. */
	readonly multiProcess: boolean;
	/** A batch appended again under the same producer id, epoch and sequence is stored once. */
	readonly idempotentAppend: boolean;
	/** An older epoch of a producer id is refused. */
	readonly producerFencing: boolean;
	/** Headers keep their order and may repeat a name. */
	readonly headerMultimap: boolean;
	/** A record may have no value. */
	readonly tombstones: boolean;
	/** A position can be found by timestamp. */
	readonly offsetAt: boolean;
	/** Partitions can be added to a topic. */
	readonly growTopics: boolean;
	/**
	 * A group's committed offsets outlive its topic, so that a topic deleted and made again is recognized at the next start.
	 * Without it the broker forgets them with the topic, and the group starts in the new one as in any other.
	 */
	readonly commitsOutliveTopic: boolean;
	/** The broker's own tools show each group's committed offsets. */
	readonly nativeGroupView: boolean;
}

type Flag = { [K in keyof Capabilities]: Capabilities[K] extends boolean ? K : never }[keyof Capabilities];

/** What an application cannot do without: `connect(url, { require: ["idempotentAppend", "durability:host-crash"] })`. */
export type Requirement = Flag | `durability:${DurabilityClass}`;

/** The requirements that `capabilities` does not meet, in the order asked. */
export function missingCapabilities(capabilities: Capabilities, required: readonly Requirement[]): Requirement[] {
	return required.filter((requirement) => {
		if (!requirement.startsWith("durability:")) return capabilities[requirement as Flag] !== true;
		const asked = requirement.slice("durability:".length) as DurabilityClass;
		return !DURABILITY_CLASSES.includes(asked) || DURABILITY_CLASSES.indexOf(capabilities.durability) < DURABILITY_CLASSES.indexOf(asked);
	});
}
