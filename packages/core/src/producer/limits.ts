// The producer's options with their defaults, checked.
import type { ProducerOptions } from "../api/producer.ts";

export type ProducerLimits = Required<ProducerOptions>;

const DEFAULTS: ProducerLimits = {
	lingerMs: 0,
	maxBatchRecords: 1000,
	maxBatchBytes: 1024 * 1024,
	maxBufferedBytes: 32 * 1024 * 1024,
	onFull: "wait",
	maxRecordBytes: 1024 * 1024,
	deliveryTimeoutMs: 120_000,
};

const LEAST = { lingerMs: 0, maxBatchRecords: 1, maxBatchBytes: 1, maxBufferedBytes: 1, maxRecordBytes: 1, deliveryTimeoutMs: 1 } as const;

/** Throws RangeError for a value out of range, TypeError for an option that does not exist. */
export function producerLimits(options: ProducerOptions = {}): ProducerLimits {
	for (const name of Object.keys(options)) {
		if (!Object.hasOwn(DEFAULTS, name))
			throw new TypeError(`a producer has no option "${name}"; it knows ${Object.keys(DEFAULTS).join(", ")}`);
	}
	const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
	const limits: ProducerLimits = { ...DEFAULTS, ...given };
	for (const name of ["lingerMs", "maxBatchRecords", "maxBatchBytes", "maxBufferedBytes", "maxRecordBytes", "deliveryTimeoutMs"] as const) {
		const value = limits[name];
		if (typeof value !== "number" || !(value >= LEAST[name]))
			throw new RangeError(`${name} must be a number of at least ${LEAST[name]}, not ${value}`);
	}
	if (limits.onFull !== "wait" && limits.onFull !== "fail")
		throw new RangeError(`onFull must be "wait" or "fail", not ${JSON.stringify(limits.onFull)}`);
	return limits;
}
