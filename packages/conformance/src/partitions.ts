// Partitions by value.
export { partitionKey } from "@polylog/core/driver";
import type { Partition } from "@polylog/core";

export const samePartition = (a: Partition, b: Partition): boolean => a.topic === b.topic && a.index === b.index;
