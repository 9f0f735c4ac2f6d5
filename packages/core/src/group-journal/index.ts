// The group journal: the portable implementation of `GroupCoordinator`.
export { createJournalCoordinator, type JournalCoordinator, type JournalCoordinatorOptions } from "./coordinator.ts";
export { DEFAULT_TIMING, type JournalTiming } from "./timing.ts";
