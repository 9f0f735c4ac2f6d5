import { expect, test } from "vitest";
import { checkName } from "./names.ts";
import { topic } from "./topic.ts";

test.each(["orders", "a", "A.b_c-9", "x".repeat(200)])("%j is a name", (name) => {
	expect(checkName("topic", name)).toBe(name);
});

test.each(["", "x".repeat(201), "a/b", "a b", "ä", "a\n", ".", "..", "a*", "{a}"])(
	"%j is refused with a TypeError that says what is allowed",
	(name) => {
		expect(() => checkName("consumer group", name)).toThrow(TypeError);
		expect(() => checkName("consumer group", name)).toThrow(/consumer group.*not allowed/s);
	},
);

test("the reserved prefix is refused", () => {
	expect(() => topic("__polylog-journal")).toThrow(/reserved/);
	expect(topic("x__polylog").name).toBe("x__polylog");
});

test.each([0, -1, 1.5, NaN, Infinity])("a topic with %d partitions is a RangeError", (partitions) => {
	expect(() => topic("orders", { partitions })).toThrow(RangeError);
});

test("a definition whose schema is none is a TypeError", () => {
	expect(() => topic("orders", { value: {} as never })).toThrow(/Standard Schema/);
});

test("what was given to topic() can be changed later without changing the topic", () => {
	const definition = { partitions: 3 };
	const orders = topic("orders", definition);
	definition.partitions = 9;
	expect(orders.definition.partitions).toBe(3);
	expect(Object.isFrozen(orders)).toBe(true);
});
