// Stands between core and a driver: lets a check watch appends and reads, break them, or cut a connection.
import type { Adapter, AppendOutcome, Credit, Driver, OutgoingRecord, Partition, ProducerIdentity, RawRecord } from "@polylog/core/driver";

export interface Tap {
	/** Around each append. */
	append?(next: () => Promise<readonly AppendOutcome[]>, call: AppendCall): Promise<readonly AppendOutcome[]>;
	/** Around each fetch. */
	fetch?(next: (credit: Credit) => Promise<readonly RawRecord[]>, call: FetchCall): Promise<readonly RawRecord[]>;
	/** Takes the driver that core is about to use, and may replace it. */
	driver?(driver: Driver): Driver;
}

export interface AppendCall {
	readonly partition: Partition;
	readonly records: readonly OutgoingRecord[];
	readonly producer: ProducerIdentity;
	/** The same append with other arguments. */
	again(records: readonly OutgoingRecord[], producer: ProducerIdentity): Promise<readonly AppendOutcome[]>;
}

export interface FetchCall {
	readonly partition: Partition;
	readonly credit: Credit;
}

/** The adapter with `tap` in each of its drivers. */
export function tapped(adapter: Adapter, tap: Tap): Adapter {
	return {
		name: adapter.name,
		schemes: adapter.schemes,
		create(target, context) {
			const made = adapter.create(target, context);
			return tapDriver(tap.driver?.(made) ?? made, tap);
		},
	};
}

function tapDriver(driver: Driver, tap: Tap): Driver {
	return {
		...delegate(driver),
		append(partition, records, producer, signal) {
			const again = (r: readonly OutgoingRecord[], p: ProducerIdentity) => driver.append(partition, r, p, signal);
			const next = () => again(records, producer);
			return tap.append ? tap.append(next, { partition, records, producer, again }) : next();
		},
		openReader(partition, from) {
			const reader = driver.openReader(partition, from);
			return {
				get position() {
					return reader.position;
				},
				fetch(credit, signal) {
					const next = (c: Credit) => reader.fetch(c, signal);
					return tap.fetch ? tap.fetch(next, { partition, credit }) : next(credit);
				},
				close: () => reader.close(),
			};
		},
	};
}

/** The same driver as a plain object: what differs is spread over it. */
export function delegate(driver: Driver): Driver {
	return {
		name: driver.name,
		capabilities: driver.capabilities,
		topics: driver.topics,
		groups: driver.groups,
		connect: (signal) => driver.connect(signal),
		close: () => driver.close(),
		destroy: () => driver.destroy(),
		append: (...call) => driver.append(...call),
		openReader: (...call) => driver.openReader(...call),
		offsetAt: (...call) => driver.offsetAt(...call),
		classify: (error) => driver.classify(error),
		native: () => driver.native(),
	};
}
