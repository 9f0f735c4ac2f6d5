// Makes topics. The definition is checked here, so that nothing behind it has to.
import type { Topic, TopicDefinition } from "./api/topic.ts";
import { json } from "./codec/json.ts";
import { checkName } from "./names.ts";

/**
 * A typed name; no I/O. The type of its values comes from the schema (`value`), from the codec, or from `topic<T>`.
 *
 * Throws TypeError for a name outside `[A-Za-z0-9._-]{1,200}`, RangeError for a number of partitions that is not a
 * positive integer.
 */
export function topic<T = unknown>(name: string, definition: TopicDefinition<T> = {}): Topic<T> {
	checkName("topic", name);
	const { partitions, value } = definition;
	if (partitions !== undefined && (!Number.isSafeInteger(partitions) || partitions < 1)) {
		throw new RangeError(`topic "${name}": partitions must be a positive integer, not ${partitions}`);
	}
	if (value !== undefined && typeof value["~standard"]?.validate !== "function") {
		throw new TypeError(`topic "${name}": value must be a Standard Schema (zod, valibot, arktype, …)`);
	}
	return Object.freeze({ name, definition: Object.freeze({ ...definition, codec: definition.codec ?? json<T>() }) });
}
