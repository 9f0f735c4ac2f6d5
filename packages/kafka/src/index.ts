// Apache Kafka as a Polylog backend.
import type { Adapter } from "@polylog/core/driver";
import { KafkaDriver } from "./driver.ts";
import { readSettings } from "./options.ts";

export const adapter: Adapter = {
	name: "kafka",
	schemes: ["kafka"],
	create: (target, context) => new KafkaDriver(readSettings(target), context),
};

export type { KafkaNative } from "./driver.ts";
export type { KafkaOptions } from "./options.ts";
export type { WireRequest } from "./wire/wire.ts";
