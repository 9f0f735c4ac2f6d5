// Contract point 14, and honesty: what is declared is kept, what is declared absent is refused before any traffic.
import assert from "node:assert/strict";
import { DURABILITY_CLASSES, type Requirement } from "@polylog/core";
import type { Check, Flag } from "../check.ts";
import { rawBytes } from "../codecs.ts";
import { isAbort, rejectsWith } from "../expect.ts";
import { within } from "../time.ts";

const FLAGS: readonly Flag[] = [
	"multiProcess",
	"idempotentAppend",
	"producerFencing",
	"headerMultimap",
	"tombstones",
	"offsetAt",
	"growTopics",
	"commitsOutliveTopic",
	"nativeGroupView",
];

export const capabilityChecks: readonly Check[] = [
	{
		id: "capabilities.required",
		promise: "contract point 14: an application may require a durability class and capabilities; connecting fails where one is missing",
		async run(ctx) {
			const { capabilities } = ctx;
			const declared = DURABILITY_CLASSES.indexOf(capabilities.durability);
			assert.ok(declared >= 0, `${capabilities.durability} is not a durability class`);
			for (const [i, durability] of DURABILITY_CLASSES.entries()) {
				const requirement: Requirement = `durability:${durability}`;
				const connecting = ctx.connectRequiring([requirement]);
				if (i <= declared) await connecting;
				else await rejectsWith(connecting, "UNSUPPORTED");
			}
			for (const flag of FLAGS) {
				const connecting = ctx.connectRequiring([flag]);
				if (capabilities[flag]) await connecting;
				else await rejectsWith(connecting, "UNSUPPORTED");
			}
		},
	},
	{
		id: "capabilities.absent-is-refused",
		promise: "what a backend lacks is UNSUPPORTED when it is asked for, and never done by halves",
		async run(ctx) {
			const broker = await ctx.connect();
			const topic = await ctx.topicOf<Uint8Array | null>(broker, { codec: rawBytes });
			const { capabilities } = ctx;
			if (!capabilities.growTopics) await rejectsWith(broker.topics.grow(topic, 9), "UNSUPPORTED");
			if (!capabilities.tombstones) await rejectsWith(broker.producer(topic).send(null), "UNSUPPORTED");
			if (!capabilities.offsetAt) {
				const messages = broker.read(topic, { from: { timestamp: 0 } });
				const next = async () => {
					for await (const message of messages) return message;
					return undefined;
				};
				await rejectsWith(next(), "UNSUPPORTED");
			}
			if (!capabilities.producerFencing) {
				const fenced = async () =>
					await broker.producerGroup("one", { memberId: "one", fenced: true }).producer(topic).send(new Uint8Array(1));
				await rejectsWith(fenced(), "UNSUPPORTED");
			}
			assert.equal((await broker.topics.describe(topic)).partitions.length, 3);
		},
	},
	{
		id: "abort.connecting",
		promise: "connecting with a signal that is aborted rejects, and leaves no connection",
		async run(ctx) {
			const stop = AbortSignal.abort();
			const error = await within(3000, "an aborted connect", () =>
				ctx.connectWith(stop).then(
					() => undefined,
					(reason: unknown) => reason,
				),
			);
			assert.ok(isAbort(error), `an aborted connect ended with ${String(error)}`);
		},
	},
];
