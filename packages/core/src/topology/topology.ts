// The shell of `broker.topology()`: looks at the broker twice and at the end of every partition once. Joins nothing.
import { abortedError } from "../aborted.ts";
import type { Topology, TopologyOptions } from "../api/topology.ts";
import type { Backend } from "../backend.ts";
import { sleep } from "../clock.ts";
import type { GroupCoordinator } from "../driver/group-session.ts";
import { RESERVED_PREFIX } from "../names.ts";
import { readTail } from "./tails.ts";
import { type Sight, topologyOf } from "./watched-broker.ts";

const WATCH_MS = 1_000;
const LAST_MESSAGES = 100;
/** Questions to the broker under way at a time. */
const AT_ONCE = 32;

export async function readTopology(backend: Backend, coordinator: GroupCoordinator, options: TopologyOptions): Promise<Topology> {
	const { watchMs = WATCH_MS, lastMessages = LAST_MESSAGES, signal } = options;
	if (!(Number.isFinite(watchMs) && watchMs > 0)) throw new RangeError(`watchMs must be a number above 0, not ${watchMs}`);
	if (!(Number.isSafeInteger(lastMessages) && lastMessages > 0))
		throw new RangeError(`lastMessages must be a whole number above 0, not ${lastMessages}`);
	try {
		signal?.throwIfAborted();
		const before = await look(backend, coordinator, options.topics);
		await sleep(backend.clock, watchMs, signal);
		const now = await look(backend, coordinator, options.topics);
		const partitions = now.topics.flatMap((topic) => topic.partitions);
		const tails = await inTurn(partitions, (partition) => readTail(backend, partition, lastMessages));
		signal?.throwIfAborted();
		return topologyOf({ backend: backend.driver.name, at: new Date(backend.clock.wall()).toISOString() }, before, now, tails);
	} catch (error) {
		throw signal?.aborted ? abortedError(signal, "reading the topology") : error;
	}
}

async function look(backend: Backend, coordinator: GroupCoordinator, topics: readonly string[] | undefined): Promise<Sight> {
	const groups = await inTurn(await backend.attempt("listing consumer groups", () => coordinator.list()), (group) =>
		backend.attempt(`looking at group ${group}`, () => coordinator.describe(group), { group }),
	);
	const names = topics ?? (await backend.attempt("listing topics", () => backend.driver.topics.list()));
	const described = await inTurn(names.filter((name) => !name.startsWith(RESERVED_PREFIX)).toSorted(), (topic) =>
		backend.describeTopic(topic),
	);
	return {
		atMs: backend.clock.now(),
		// One that is gone since it was listed is no part of the picture.
		groups: groups.filter((group) => group !== undefined).toSorted((a, b) => (a.group < b.group ? -1 : 1)),
		topics: described.filter((topic) => topic !== undefined),
	};
}

/** Results in the order of the items; a thousand partitions are not asked for all at once. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
	const results: R[] = [];
	for (let at = 0; at < items.length; at += AT_ONCE) results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(work))));
	return results;
}
