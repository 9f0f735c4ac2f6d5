import { describe, expect, it } from "vitest";
import { hashTag, Topology } from "./topology.ts";

describe("keys", () => {
	it("of one partition share one hash tag", () => {
		const keys = new Topology("app:", new Map()).partition({ topic: "orders", index: 3 });
		expect(keys).toEqual({
			stream: "app:{orders:3}",
			meta: "app:polylog:{orders:3}:meta",
			producers: "app:polylog:{orders:3}:producers",
			adopted: false,
		});
		expect(new Set([keys.stream, keys.meta, keys.producers].map(hashTag))).toEqual(new Set(["orders:3"]));
	});

	it("of a group have a tag of their own", () => {
		expect(hashTag(new Topology("", new Map()).journal("billing"))).toBe("group:billing");
	});

	it.each(["events", "app:{events}:log", "{events}"])("of the adopted stream %s share its tag", (key) => {
		const keys = new Topology("", new Map([["old", key]])).partition({ topic: "old", index: 0 });
		expect(keys).toMatchObject({ stream: key, adopted: true });
		expect(hashTag(keys.meta)).toBe(hashTag(key));
	});

	it("of adopted streams with the same tag differ", () => {
		const topology = new Topology(
			"",
			new Map([
				["a", "one:{tag}"],
				["b", "two:{tag}"],
			]),
		);
		expect(topology.partition({ topic: "a", index: 0 }).meta).not.toBe(topology.partition({ topic: "b", index: 0 }).meta);
	});

	it("of a further partition of an adopted topic are not the stream's", () => {
		expect(new Topology("", new Map([["a", "k"]])).partition({ topic: "a", index: 1 })).toMatchObject({ stream: "{a:1}", adopted: false });
	});
});

describe("hashTag", () => {
	it.each([
		["plain", "plain"],
		["{a}b", "a"],
		["x{a}{b}", "a"],
		["{}x", "{}x"],
		["x{", "x{"],
	])("of %s is %s, as Redis Cluster has it", (key, tag) => expect(hashTag(key)).toBe(tag));
});
