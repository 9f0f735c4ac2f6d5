import { type Clock, PolylogError } from "@polylog/core/driver";
import { describe, expect, it } from "vitest";
import { ERROR } from "../wire/error-codes.ts";
import type { WireRequest } from "../wire/wire.ts";
import { CoordinatorLink } from "./coordinator-link.ts";

const REQUEST: WireRequest<number> = { name: "Any", apiKey: 0, version: 0, write: () => {}, read: () => 0 };

/** What each of three brokers answers to who coordinates, in the order in which the answers come. */
type Said = readonly [number, number, number];

function linkOf(...said: readonly Said[]) {
	const left = [...said];
	const sent: number[] = [];
	const failing = new Set<number>();
	const looks: (() => void)[] = [];
	const clock: Clock = {
		now: () => 0,
		wall: () => 0,
		after(_, callback) {
			looks.push(callback);
			return () => {};
		},
		yield: async () => {},
	};
	const network = {
		nodes: [1, 2, 3],
		learn: () => {},
		suspect: () => {},
		async ask(_: unknown, { enough }: { enough: (answers: readonly object[]) => boolean }) {
			const nodes = left.length > 1 ? left.shift() : left[0];
			const answers: object[] = [];
			for (const node of nodes ?? []) {
				answers.push({ errorCode: ERROR.none, told: undefined, node, address: { host: "kafka", port: node } });
				if (enough(answers)) break;
			}
			return answers;
		},
		async send(node: number) {
			sent.push(node);
			if (failing.has(node)) throw new PolylogError("TIMEOUT", "no answer");
			return node === 9 ? await new Promise(() => {}) : node;
		},
	};
	return { link: new CoordinatorLink({ network: network as never, clock }, "g"), sent, failing, looks };
}

describe("the link to a group's coordinator", () => {
	it("goes to whom most brokers name, not to one that is cut off and names itself", async () => {
		const { link, sent } = linkOf([1, 3, 3]);
		await link.send("group", REQUEST);
		expect(sent).toEqual([3]);
	});

	it("asks again after a failure, and prefers another one where brokers differ", async () => {
		const { link, sent, failing } = linkOf([1, 1, 1], [1, 2, 3]);
		failing.add(1);
		await expect(link.send("group", REQUEST)).rejects.toMatchObject({ code: "TIMEOUT" });
		await link.send("group", REQUEST);
		expect(sent[0]).toBe(1);
		expect(sent[1]).not.toBe(1);
	});

	it("does not wait for the answer of one that is frozen once there is another coordinator", async () => {
		const { link, looks } = linkOf([9, 9, 9], [9, 9, 9], [2, 2, 9]);
		const waiting = link.send("join-1", REQUEST);
		waiting.catch(() => {});
		for (let look = 0; look < 2; look++) {
			while (looks.length === 0) await new Promise(setImmediate);
			looks.shift()?.();
		}
		await expect(waiting).rejects.toMatchObject({ code: "UNAVAILABLE" });
	});

	it("is vouched for by two brokers that name the same", async () => {
		const { link } = linkOf([1, 1, 1], [1, 2, 2], [2, 1, 1]);
		await link.send("group", REQUEST);
		expect([await link.vouched(), await link.vouched()]).toEqual([false, true]);
	});
});
