// For tests and demonstrations: ends that a well-behaved application never makes, and parts to build a bad backend of.
import type { Broker } from "./api/broker.ts";
import { ConnectedBroker } from "./connected-broker.ts";

// What a kit breaks on purpose to prove that it bites: the reference backend, and the coordinator above its journals.
export { createJournalCoordinator } from "./group-journal/index.ts";
export { memoryAdapter } from "./memory/memory-driver.ts";
// The library's own time and chance, for tools that keep to the same rule.
export { systemClock, systemRandom } from "./clock.ts";
export { SeededRandom } from "./seeded-random.ts";
// What `connect` makes of a URL: what an adapter sees of it, and which adapter that is.
export { parseBackendUrl } from "./config/backend-url.ts";
export { loadAdapter } from "./config/load-adapter.ts";
// What a simulator is made of: brokers under a clock of its own, the embedded backend's log, the meaning of a journal.
export { brokerOver } from "./broker-over.ts";
export type { JournalTiming } from "./group-journal/timing.ts";
export { decodeEntry } from "./group-journal/entry-codec.ts";
export { applyEntry } from "./group-journal/fold.ts";
export { emptyState, fenceOf, type GroupState } from "./group-journal/state.ts";
export type { MemoryLog } from "./memory/memory-log.ts";
export { MemoryStore } from "./memory/memory-store.ts";

/**
 * Ends a broker as the death of its process would: nothing more is sent and nothing more is dispatched, no goodbye to
 * the group or the broker. Works on every backend. Its members' `run` resolves, so that nothing hangs.
 */
export function crash(broker: Broker): void {
	if (!(broker instanceof ConnectedBroker)) throw new TypeError("crash needs a broker made by connect() of this package");
	broker.destroy();
}
