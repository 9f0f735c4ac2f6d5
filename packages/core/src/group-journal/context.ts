import type { Clock, Random } from "../clock.ts";
import type { Classification, TopicStore } from "../driver/driver.ts";
import type { JournalStore } from "../driver/journal-log.ts";
import type { Log } from "../log.ts";
import type { GroupState } from "./state.ts";
import type { JournalTiming } from "./timing.ts";

/** What everything in a journal coordinator shares. */
export interface JournalContext {
	readonly journals: JournalStore;
	readonly topics: Pick<TopicStore, "describe">;
	readonly clock: Clock;
	readonly random: Random;
	readonly log: Log;
	readonly timing: JournalTiming;
	classify(error: unknown): Classification;
	/** See `FollowerContext`. */
	readonly inspect?: (state: GroupState) => void;
}
