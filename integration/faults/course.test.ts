import type { HistoryEvent } from "@polylog/conformance";
import { describe, expect, it } from "vitest";
import { courseLine, courseSince, overlapsIn } from "./course.ts";
import { type Body, Player } from "./player.ts";

const NOWHERE: Body = { gone: new Promise(() => {}), signal: () => {}, take: () => {}, said: () => "", waited: () => 0 };

function player(role: "member" | "producer", name: string, events: readonly HistoryEvent[]): Player {
	const config = { url: "memory:" };
	const task =
		role === "member"
			? ({ role, name, config, group: "g", topics: ["t"], sessionTimeoutMs: 4000 } as const)
			: ({ role, name, config, topic: "t" } as const);
	const made = new Player(task, () => NOWHERE);
	made.events.push(...events);
	return made;
}

const started = (member: string, partition: string, at: number, fence = 1n): HistoryEvent => {
	return { kind: "started", at, member, partition, offset: BigInt(at), fence, id: `${at}`, attempt: 1 };
};
const every = (ms: number, from: number, to: number) => Array.from({ length: Math.floor((to - from) / ms) }, (_, i) => from + i * ms);

describe("the course of a fault", () => {
	it("tells each partition's longest pause, and when the last of them had ended", () => {
		const a = player("member", "a", [
			...every(100, 0, 20_000).flatMap((at) => (at > 1000 && at < 5000 ? [] : [started("a", "t/0", at)])),
			...every(100, 0, 20_000).flatMap((at) => (at > 1000 && at < 9000 ? [] : [started("a", "t/1", at)])),
			{ kind: "lost", at: 4000, member: "a", partitions: ["t/1"] },
			{ kind: "note", at: 4000, member: "a", what: "lost", detail: "t/1: expired" },
		]);
		const sent = every(100, 0, 20_000).flatMap((at): HistoryEvent[] =>
			at > 2000 && at < 5000 ? [] : [{ kind: "sent", at, producer: "p", id: `${at}`, status: "ok", partition: "t/0" }],
		);
		const course = courseSince(1000, [a, player("producer", "p", sent)], 20_000);
		expect(course).toEqual({
			gaps: new Map([
				["t/0", 4000],
				["t/1", 8000],
			]),
			workingMs: 8000,
			unacknowledgedMs: 3000,
			losses: 1,
			reasons: ["expired"],
		});
		expect(courseLine(course)).toBe(
			"no delivery for 4.0 s (best partition) to 8.0 s (worst), all partitions worked again after 8.0 s, no acknowledgement for 3.0 s (worst), 1 loss of ownership (expired)",
		);
	});

	it("counts a pause that has not ended", () => {
		const a = player(
			"member",
			"a",
			every(100, 0, 1000).map((at) => started("a", "t/0", at)),
		);
		expect(courseSince(900, [a], 31_000).gaps).toEqual(new Map([["t/0", 30_100]]));
	});

	it("finds two members that were handed one partition's messages in turn, and nobody who followed another", () => {
		const a = player(
			"member",
			"a",
			every(100, 0, 3000).flatMap((at) => [started("a", "t/0", at), started("a", "t/1", at)]),
		);
		const b = player("member", "b", [
			...every(100, 2500, 6000).map((at) => started("b", "t/0", at, 2n)),
			...every(100, 3000, 6000).map((at) => started("b", "t/1", at, 2n)),
		]);
		expect(overlapsIn([a, b], 0)).toEqual([{ partition: "t/0", ms: 400, deliveries: 10 }]);
	});
});
