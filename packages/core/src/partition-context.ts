import type { ErrorContext } from "./errors.ts";
import type { Partition } from "./partition.ts";

/** The part of an error's context that says which partition it is about. */
export function partitionContext(partition: Partition): ErrorContext {
	return { topic: partition.topic, partition: partition.index };
}
