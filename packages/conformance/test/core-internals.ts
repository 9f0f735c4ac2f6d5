// The two parts of core that the broken drivers are made of, and that core does not export: the one file to change when it does.
export { createJournalCoordinator } from "../../core/src/group-journal/index.ts";
export { memoryAdapter } from "../../core/src/memory/memory-driver.ts";
