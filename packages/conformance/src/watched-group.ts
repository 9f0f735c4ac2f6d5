// A group whose resets, and what is told of it, come to the histories about it: no check has to think of that.
import type { ConsumerGroup, GroupLag } from "@polylog/core";
import { partitionKey } from "@polylog/core/driver";
import type { HistoryEvent, MoveEvent } from "./history/event.ts";
import { clock } from "./time.ts";

/** Keeps what was seen of a group by somebody who holds it. */
export interface Onlooker {
	note(group: string, event: HistoryEvent): void;
}

/** The same group; it is changed in place. */
export function watched<T>(group: ConsumerGroup<T>, onlookers: readonly Onlooker[]): ConsumerGroup<T> {
	const { name } = group;
	const note = (event: HistoryEvent) => onlookers.forEach((onlooker) => onlooker.note(name, event));
	const on = {
		reset: group.reset.bind(group),
		delete: group.delete.bind(group),
		lag: group.lag.bind(group),
		committed: group.committed.bind(group),
	};
	const moving = async <R>(by: MoveEvent["by"], call: () => Promise<R>): Promise<R> => {
		note({ kind: "moving", at: clock.wall(), group: name, by });
		try {
			return await call();
		} finally {
			note({ kind: "moved", at: clock.wall(), group: name, by });
		}
	};
	return Object.assign(group, {
		reset: (...call: Parameters<typeof on.reset>) => (call[1]?.dryRun ? on.reset(...call) : moving("reset", () => on.reset(...call))),
		delete: () => moving("forgotten", () => on.delete()),
		async committed() {
			const asked = clock.wall();
			const offsets = await on.committed();
			for (const [partition, committed] of offsets)
				note({ kind: "observed", at: clock.wall(), asked, group: name, partition: partitionKey(partition), committed });
			return offsets;
		},
		async lag(): Promise<GroupLag> {
			const asked = clock.wall();
			const told = await on.lag();
			for (const { partition, committed, lag } of told.partitions)
				note({ kind: "observed", at: clock.wall(), asked, group: name, partition: partitionKey(partition), committed, lag });
			return told;
		},
	});
}
