// The group journal: the portable implementation of `GroupCoordinator`.
export { createJournalCoordinator, type JournalCoordinator } from "./coordinator.ts";
