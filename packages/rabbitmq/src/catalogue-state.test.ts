import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CatalogueChange, CatalogueState, decodeEntry, encodeEntry } from "./catalogue-state.ts";

const orders = { kind: "topic", name: "orders" } as const;

function stateAfter(...changes: CatalogueChange[]): CatalogueState {
	const state = new CatalogueState();
	for (const change of changes) state.apply(change);
	return state;
}

describe("the catalogue", () => {
	it("takes the first of those who make the same topic, until it is dropped", () => {
		const state = stateAfter({ type: "make", ...orders, id: "a", partitions: 3 }, { type: "make", ...orders, id: "b", partitions: 5 });
		expect(state.get("topic", "orders")).toMatchObject({ id: "a", partitions: 3, phase: "making" });
		state.apply({ type: "drop", ...orders, id: "a" });
		state.apply({ type: "make", ...orders, id: "b", partitions: 5 });
		expect(state.get("topic", "orders")).toMatchObject({ id: "b", partitions: 5 });
	});

	it("lists only what is ready, and keeps topics and groups of one name apart", () => {
		const state = stateAfter(
			{ type: "make", ...orders, id: "a" },
			{ type: "make", kind: "group", name: "orders", id: "g" },
			{ type: "ready", kind: "group", name: "orders", id: "g" },
		);
		expect(state.names("topic")).toEqual([]);
		expect(state.names("group")).toEqual(["orders"]);
		state.apply({ type: "ready", ...orders, id: "a" });
		expect(state.names("topic")).toEqual(["orders"]);
		state.apply({ type: "dropping", ...orders, id: "a" });
		expect(state.names("topic")).toEqual([]);
	});

	it("ignores a late word about an earlier making", () => {
		const state = stateAfter({ type: "make", ...orders, id: "b", partitions: 2 }, { type: "ready", ...orders, id: "b" });
		for (const type of ["drop", "dropping"] as const) state.apply({ type, ...orders, id: "a" });
		state.apply({ type: "grow", ...orders, id: "a", partitions: 9 });
		expect(state.get("topic", "orders")).toMatchObject({ phase: "ready", partitions: 2 });
	});

	it("never shrinks a topic", () => {
		const state = stateAfter(
			{ type: "make", ...orders, id: "a", partitions: 4 },
			{ type: "grow", ...orders, id: "a", partitions: 6 },
			{ type: "grow", ...orders, id: "a", partitions: 5 },
		);
		expect(state.get("topic", "orders")?.partitions).toBe(6);
	});

	const name = fc.constantFrom("x", "y");
	const id = fc.constantFrom("1", "2");
	const kind = fc.constantFrom("topic" as const, "group" as const);
	const change: fc.Arbitrary<CatalogueChange> = fc.oneof(
		fc.record({ type: fc.constant("make" as const), kind, name, id, partitions: fc.integer({ min: 1, max: 9 }) }),
		fc.record({ type: fc.constantFrom("ready" as const, "dropping" as const, "drop" as const), kind, name, id }),
		fc.record({ type: fc.constant("grow" as const), kind, name, id, partitions: fc.integer({ min: 1, max: 9 }) }),
	);

	it("is the same from a snapshot and what follows as from the beginning", () => {
		fc.assert(
			fc.property(fc.array(change), fc.array(change), (before, after) => {
				const whole = stateAfter(...before, ...after);
				const snapshot = decodeEntry(encodeEntry({ ...stateAfter(...before).snapshot(7n), nonce: "n" }));
				if (snapshot?.type !== "snapshot") throw new Error("not a snapshot");
				const rest = new CatalogueState(snapshot.items);
				for (const each of after) rest.apply(each);
				expect(rest.snapshot(9n)).toEqual(whole.snapshot(9n));
			}),
		);
	});

	it.each(["", "{", "7", "null", "[]", '{"type":"make"}'])("takes %j for nobody's entry", (text) =>
		expect(decodeEntry(Buffer.from(text))).toBeUndefined(),
	);
});
