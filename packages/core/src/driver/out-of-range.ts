import { partitionContext } from "../partition-context.ts";
import { PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import { type Partition, partitionKey } from "../partition.ts";

/** What a reader throws when it cannot go on without skipping: see `Reader`. `why` says which case it is. */
export function offsetOutOfRange(
	partition: Partition,
	range: { requested: Offset; earliest: Offset; end: Offset },
	why: string,
): PolylogError {
	const { requested, earliest, end } = range;
	return new PolylogError(
		"OFFSET_OUT_OF_RANGE",
		`offset ${requested} of ${partitionKey(partition)} is out of range ${earliest}..${end}: ${why}`,
		{
			...partitionContext(partition),
			requested,
			earliest,
			end,
		},
	);
}
