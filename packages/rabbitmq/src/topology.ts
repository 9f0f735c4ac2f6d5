// Names of queues and exchanges. Pure.
//
//   orders                    exchange of the topic "orders" (direct, x-super-stream)
//   orders-3                  its partition 3: a stream
//   __polylog.group.billing   a group's journal: a short stream
//   __polylog.catalogue       which topics and groups there are: a short stream
import type { Partition } from "@polylog/core/driver";

export const CATALOGUE = "__polylog.catalogue";

export function partitionQueue({ topic, index }: Partition): string {
	return `${topic}-${index}`;
}

export function journalQueue(group: string): string {
	return `__polylog.group.${group}`;
}
