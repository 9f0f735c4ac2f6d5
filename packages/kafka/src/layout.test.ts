import type { Clock } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { Layout } from "./layout.ts";
import { ERROR } from "./wire/error-codes.ts";
import type { ClusterMetadata, TopicMetadata } from "./wire/api/metadata.ts";

const PARTITION = { topic: "orders", index: 0 };

function led(leader: number, leaderEpoch: number, id = "one"): TopicMetadata {
	const partition = { errorCode: ERROR.none, index: 0, leader, leaderEpoch, replicas: [1, 2, 3] };
	return { errorCode: ERROR.none, name: "orders", id, internal: false, partitions: [partition] };
}

const unknown: TopicMetadata = { ...led(0, 0), errorCode: ERROR.unknownTopicOrPartition, partitions: [] };

/** What brokers answer, in turn; time passes with every look at the clock, so that each look is a question. */
function layoutOf(...answers: readonly (TopicMetadata | readonly TopicMetadata[])[]): { layout: Layout; suspected: number[] } {
	const left = [...answers];
	const suspected: number[] = [];
	let now = 0;
	const clock: Clock = {
		now: () => ++now,
		wall: () => now,
		after(_, callback) {
			setImmediate(callback);
			return () => {};
		},
		yield: async () => {},
	};
	const network = {
		learn: () => {},
		suspect: (node: number) => void suspected.push(node),
		ask: async () =>
			left
				.splice(0, 1)
				.flat()
				.map((topic): ClusterMetadata => ({ nodes: new Map(), controller: 1, topics: [topic] })) as never,
	};
	return { layout: new Layout(network, clock, 0), suspected };
}

describe("a layout", () => {
	it("does not take back a leader that it knows to be replaced: a broker that is cut off from the others names it still", async () => {
		const { layout } = layoutOf(led(1, 4), led(2, 5), led(1, 4), led(3, 6));
		const leaders: number[] = [];
		for (let look = 0; look < 4; look++) leaders.push((await layout.place(PARTITION)).leader);
		expect(leaders).toEqual([1, 2, 2, 3]);
	});

	it("does not take it back either once it was to be asked anew, and suspects whom it was told to", async () => {
		const { layout, suspected } = layoutOf(led(2, 5), led(1, 4));
		await layout.place(PARTITION);
		layout.forget("orders", 2);
		expect((await layout.place(PARTITION)).leader).toBe(2);
		expect(suspected).toEqual([2]);
	});

	it("believes the higher epoch of what two brokers say", async () => {
		const { layout } = layoutOf([led(2, 5), led(1, 4)], [led(1, 4), led(3, 6)]);
		expect([(await layout.place(PARTITION)).leader, (await layout.place(PARTITION)).leader]).toEqual([2, 3]);
	});

	it("takes a topic that was made again as it is told", async () => {
		const { layout } = layoutOf(led(2, 5), led(1, 0, "another"));
		await layout.place(PARTITION);
		expect(await layout.place(PARTITION)).toEqual({ topicId: "another", leader: 1, leaderEpoch: 0 });
	});

	it("knows a topic that one of the brokers knows, and none that all of them do not", async () => {
		const { layout } = layoutOf([unknown, led(3, 1)], [unknown, unknown]);
		expect((await layout.ask("orders"))?.partitions[0]?.leader).toBe(3);
		expect(await layout.ask("orders")).toBeUndefined();
	});

	it("tells when somebody else leads", async () => {
		const { layout } = layoutOf(led(1, 4), led(1, 4), led(2, 5));
		const place = await layout.place(PARTITION);
		await layout.movedOn(PARTITION, place, new AbortController().signal);
		const reason = new Error("enough");
		await expect(layout.movedOn(PARTITION, { ...place, leader: 2, leaderEpoch: 5 }, AbortSignal.abort(reason))).rejects.toBe(reason);
	});
});
