// What an answer means for the records: told as failed, they must not be in the log.
import type { OutgoingRecord } from "@polylog/core/driver";
import { expect, it } from "vitest";
import { Appender } from "./appender.ts";
import type { Layout } from "./layout.ts";
import type { Settings } from "./options.ts";
import { type ProducerNumbers, SequenceLine } from "./producer-numbers.ts";
import type { ProduceQueue } from "./produce-queue.ts";
import { ERROR } from "./wire/error-codes.ts";

const RECORDS: readonly OutgoingRecord[] = [{ key: undefined, value: Buffer.from("v"), headers: [], timestamp: 1 }];

/** The outcomes of one batch that is sent again and again, and answered with these codes. */
async function outcomes(...codes: readonly number[]): Promise<string[]> {
	const line = new SequenceLine();
	const answers = codes.values();
	const layout = { place: async () => ({ leader: 1 }), forget: () => {}, movedOn: () => new Promise(() => {}) };
	const numbers = { line: () => line, prepare: async () => line.needsId && line.start({ id: 1n, epoch: 0 }) };
	const queue = {
		async send(_node: number, _batch: unknown, { onSent }: { readonly onSent: () => void }) {
			onSent();
			return { errorCode: answers.next().value, baseOffset: 7n };
		},
	};
	const appender = new Appender(
		layout as unknown as Layout,
		numbers as unknown as ProducerNumbers,
		queue as unknown as ProduceQueue,
		{ maxBatchBytes: 1000, compression: "none" } as unknown as Settings,
	);
	const told: string[] = [];
	for (const _ of codes) {
		line.turnTo(0);
		const [outcome] = await appender.append({ topic: "t", index: 0 }, RECORDS, { id: "p", epoch: 0, sequence: 0 });
		told.push(outcome?.status ?? "none");
	}
	return told;
}

it.each([ERROR.notLeader, ERROR.requestTimedOut, ERROR.notEnoughReplicasAfterAppend, ERROR.storageError, -1])(
	"leaves a batch in doubt that was answered with %i, which may come after the append",
	async (code) => {
		expect(await outcomes(code)).toEqual(["unknown"]);
		// A later refusal says nothing of the earlier attempt.
		expect(await outcomes(code, ERROR.leaderNotAvailable, ERROR.none)).toEqual(["unknown", "unknown", "ok"]);
	},
);

it("calls failed what was refused before the append", async () => {
	expect(await outcomes(ERROR.leaderNotAvailable, ERROR.unknownTopicOrPartition, ERROR.none)).toEqual(["failed", "failed", "ok"]);
});
