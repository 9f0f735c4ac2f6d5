// RabbitMQ streams as a Polylog backend, over plain AMQP 0-9-1.
import type { Adapter } from "@polylog/core/driver";
import { RabbitmqDriver } from "./driver.ts";
import { readSettings } from "./options.ts";

export const adapter: Adapter = {
	name: "rabbitmq",
	schemes: ["amqp", "amqps"],
	create: (target, context) => new RabbitmqDriver(readSettings(target), context),
};

export type { RabbitmqNative } from "./driver.ts";
export type { RabbitmqOptions } from "./options.ts";
